/** What is not the workers' business is answered by the main process: the request goes there as it came, the answer back as it is. */
import { Agent, type ClientRequest, type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { ProblemError } from '../../problems/problem.ts';
import { presentedKey } from '../../http/auth.ts';
import { sessionToken } from '../../http/cookie.ts';
import { ADDRESS_HEADER, HTTP_LIMITS } from '../../http/bare-server.ts';
import { goOn, isWaiting } from '../../http/expect.ts';

/**
 * Of one connection, not of the message (RFC 9110, 7.6.1, and 10.1.1, 6.6.2, 11.7 for the last four). What else a sender names in
 * `Connection` stays: without workers such a header counts as well, and nobody is to say where a message ends.
 */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'],
  ...['expect', 'trailer', 'proxy-authorization', 'proxy-authenticate'],
  // ours to say
  ADDRESS_HEADER,
]);
/** Kept open without a request for less than the other side keeps them. */
const IDLE_MS = 30_000;

/**
 * Makes the main process answer every path that the server does not know. The returned function gives the connections up.
 * @param forwardsMax how many requests it is asked to answer at once; what goes beyond waits
 */
export function forwardTheRest(app: FastifyInstance, mainSocket: string, forwardsMax: number): () => void {
  const agentOf = (maxSockets: number): Agent => new Agent({ keepAlive: true, timeout: IDLE_MS, maxSockets });
  const withKey = agentOf(forwardsMax);
  // What shows no key is answered by its head alone: it waits for nobody's body, and health is seen when all others wait.
  const withoutKey = agentOf(Math.ceil(forwardsMax / 2));
  // before a body is looked at: what is wrong with it is for the main process to say
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const key = presentedKey(request) ?? sessionToken(request);
    const answer = await answerOf(request.raw, reply.raw, mainSocket, key === undefined ? withoutKey : withKey);
    reply.hijack();
    if (answer === undefined) return;
    // all that is under it takes a key, and this one was good
    if (key !== undefined && request.url.startsWith('/v1/') && (answer.statusCode ?? 500) < 300)
      app.connections.heldBy(request.raw.socket, key);
    // where the main process would hang up so does this one
    const kept = answer.headers.connection === 'close' ? 'connection' : undefined;
    reply.raw.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders, kept));
    // what breaks off there breaks off here
    pipeline(answer, reply.raw, () => undefined);
  });
  return () => {
    withKey.destroy();
    withoutKey.destroy();
  };
}

/** The head of the answer; undefined when its receiver has gone. Throws the problem that there is none. */
function answerOf(
  from: IncomingMessage,
  to: ServerResponse,
  socketPath: string,
  agent: Agent,
): Promise<IncomingMessage | undefined> {
  const { method, url } = from;
  const headers = endToEnd(from.rawHeaders);
  // HTTP/1.0 may do without
  if (from.headers.host === undefined) headers.push('Host', 'localhost');
  headers.push(ADDRESS_HEADER, from.socket.remoteAddress ?? '');
  const expects = isWaiting(from);
  if (expects) headers.push('Expect', '100-continue');
  const chunked = from.headers['transfer-encoding'] !== undefined;
  const length = Number(from.headers['content-length'] ?? 0);
  if (chunked) headers.push('Transfer-Encoding', 'chunked');
  // without a word Node would call a body chunked that is not there
  else if (from.headers['content-length'] === undefined) headers.push('Content-Length', '0');
  return new Promise((resolve, reject) => {
    const begin = (isSending: boolean): void => {
      let sending = isSending;
      const asked = ask({ socketPath, agent, method, path: url, headers, setHost: false });
      asked.on('response', (answer) => {
        answer.on('end', () => {
          if (!asked.writableFinished) asked.destroy();
          from.resume();
        });
        resolve(answer);
      });
      asked.on('error', (error) => {
        if (to.destroyed) resolve(undefined);
        // It may refuse by the head alone and hang up while the body is on its way, and then the answer is lost. Nothing can have come of
        // a request without its body: it is asked again, and hears no more than the head.
        else if (sending && !asked.writableFinished) begin(false);
        else reject(new ProblemError('shutting_down', `the main process does not answer: ${error.message}`));
      });
      to.once('close', () => {
        if (!to.writableFinished) asked.destroy();
      });
      // it has looked at the head, and wants the body
      asked.on('continue', () => {
        sending = true;
        goOn(from, to);
        send(from, asked);
      });
      if (!chunked && length === 0) asked.end();
      else if (sending) send(from, asked);
      else asked.flushHeaders();
    };
    begin(!expects && length <= HTTP_LIMITS.bodyBytesMax);
  });
}

/** Sends a body as far as it can be of use: of what is too large so much that this is seen, and the rest is read and dropped. */
function send(from: IncomingMessage, asked: ClientRequest): void {
  let room = HTTP_LIMITS.bodyBytesMax + 1;
  from.on('data', (chunk: Buffer) => {
    if (room === 0 || asked.destroyed) return;
    const part = chunk.subarray(0, room);
    room -= part.length;
    if (asked.write(part)) return;
    from.pause();
    asked.once('drain', () => from.resume());
    asked.once('close', () => from.resume());
  });
  from.on('end', () => {
    if (room > 0) asked.end();
  });
}

/** Raw headers (name, value, name, value …) but for those of the connection. @param kept one of these that is wanted all the same */
function endToEnd(rawHeaders: readonly string[], kept?: string): string[] {
  return rawHeaders.filter((_, i) => {
    const name = (rawHeaders[i - (i % 2)] ?? '').toLowerCase();
    return name === kept || !HOP_BY_HOP.has(name);
  });
}
