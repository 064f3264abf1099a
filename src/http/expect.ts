/**
 * `Expect: 100-continue`: a client asks before it sends a body (RFC 9110, 10.1.1). It is told to go on when its body is about to be read:
 * the path, the key and its role, the type and the length have been looked at by then, and who is refused for one of these hears that
 * instead, and sends nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { ProblemError } from '../problems/problem.ts';
import { endResponse } from './problem-pages.ts';

const waiting = new WeakSet<IncomingMessage>();

/** Whether the client waits to be told that it may send its body. */
export function isWaiting(request: IncomingMessage): boolean {
  return waiting.has(request);
}

/** Lets the client send its body. */
export function goOn(request: IncomingMessage, response: ServerResponse): void {
  if (!waiting.delete(request)) return;
  response.removeHeader('connection');
  response.writeContinue();
}

/** Answers expectations in a server's own time instead of Node's, which is at once. */
export function installExpect(app: FastifyInstance): void {
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (hasBody(request)) {
      waiting.add(request);
      // who is refused has a body left that nobody wants: the next request needs another connection
      response.setHeader('connection', 'close');
    }
    app.server.emit('request', request, response);
  });
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    endResponse(
      response,
      new ProblemError('expectation_failed', 'nothing but 100-continue is known', {}, { connection: 'close' }),
    );
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    done(null, waiting.has(request.raw) ? readLater(request.raw, reply.raw) : payload);
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The body as a stream that the client is told to send when somebody reads it. */
function readLater(request: IncomingMessage, response: ServerResponse): Readable {
  const stream = new Readable({
    read() {
      if (waiting.has(request)) {
        request.on('data', (chunk: Buffer) => {
          if (!stream.push(chunk)) request.pause();
        });
        request.on('end', () => stream.push(null));
        request.on('error', (error) => stream.destroy(error));
        request.on('close', () => {
          if (!request.complete) stream.destroy();
        });
        goOn(request, response);
      } else request.resume();
    },
  });
  return stream;
}
