/** Where senders on this host post to: an HTTP server that keeps a post and answers it as the server would, at once. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Relayed, relayPath } from './relayed.ts';

export interface DoorOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** What senders have to show, as Bearer, Token or the password of Basic; left out: nothing, which is for the loopback alone. */
  readonly token?: string | undefined;
  /** Resolves when the post is on disk. */
  readonly keep: (post: Relayed) => Promise<void>;
  readonly onRefused: (status: number, why: string) => void;
}

export interface Door {
  readonly port: number;
  close(): Promise<void>;
}

/** A round of a whole Proxmox node. */
const LINES_BYTES_MAX = 32 * 1024 * 1024;
const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Of all posts under way together. */
const TOGETHER_BYTES_MAX = 64 * 1024 * 1024;
const KEPT_HEADERS = /^(?:content-type|content-encoding|ce-[a-z0-9]{1,64})$/;
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Listens. Rejects when the address can't be had. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  let together = 0;

  const bodyOf = async (request: IncomingMessage, bytesMax: number, parts: Buffer[]): Promise<Buffer> => {
    let bytes = 0;
    const said = Number(request.headers['content-length'] ?? 0);
    if (said > bytesMax) throw new Refusal(413, `a post may have ${bytesMax} bytes`);
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      together += part.length;
      parts.push(part);
      if (bytes > bytesMax) throw new Refusal(413, `a post may have ${bytesMax} bytes`);
      if (together > TOGETHER_BYTES_MAX) throw new Refusal(503, 'too much at once');
    }
    return Buffer.concat(parts);
  };

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const to = relayPath(path);
    if (to === null)
      throw new Refusal(404, 'posts go to /v1/receive/PROTOCOL/SOURCE, of influx, otlp, cloudevents, collectd or ceilometer');
    if (to.protocol === 'influx' && to.rest !== '/write' && to.rest !== '/api/v2/write') {
      besides(to.rest, request.method ?? '', response);
      return;
    }
    if (options.token !== undefined && !shows(request.headers.authorization, options.token))
      throw new Refusal(401, 'the token of --listen-token-file is missing, or another');
    if (request.method !== 'POST') throw new Refusal(405, 'posts are relayed, nothing else');
    const isPacked = (request.headers['content-encoding'] ?? '') !== '';
    const parts: Buffer[] = [];
    try {
      const body = await bodyOf(request, to.protocol === 'influx' && !isPacked ? LINES_BYTES_MAX : BODY_BYTES_MAX, parts);
      const headers = Object.fromEntries(
        Object.entries(request.headers).flatMap(([name, value]) =>
          KEPT_HEADERS.test(name) && typeof value === 'string' ? [[name, value]] : [],
        ),
      );
      await options.keep({ path: query === undefined ? path : `${path}?${query}`, headers, body });
    } finally {
      together -= parts.reduce((sum, { length }) => sum + length, 0);
    }
    const json = (request.headers['content-type'] ?? '').startsWith('application/json');
    if (to.protocol !== 'otlp') response.writeHead(204).end();
    else response.writeHead(200, { 'content-type': json ? 'application/json' : 'application/x-protobuf' }).end(json ? '{}' : '');
  };

  const server: Server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      const status = error instanceof Refusal ? error.status : 503;
      const why = error instanceof Error ? error.message : String(error);
      options.onRefused(status, why);
      if (response.headersSent || response.destroyed) return;
      const again = status === 503 ? { 'retry-after': '5' } : {};
      // what was not read of a body would be taken for the next request
      response.writeHead(status, { ...JSON_TYPE, ...again, connection: 'close' });
      response.end(JSON.stringify({ code: String(status), message: why, error: why }));
    });
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  server.maxConnections = 256;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.listen.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
        // posts under way are kept and answered; whoever takes longer is cut off
        setTimeout(() => {
          server.closeAllConnections();
        }, 2_000).unref();
      }),
  };
}

/** What senders of Influx ask besides. */
function besides(rest: string, method: string, response: ServerResponse): void {
  if (rest === '/health' && method === 'GET')
    response.writeHead(200, JSON_TYPE).end('{"name":"uptally agent","message":"ready for lines","status":"pass"}');
  else if (rest === '/ping' && (method === 'GET' || method === 'HEAD')) response.writeHead(204).end();
  else if (rest === '/query') response.writeHead(200, JSON_TYPE).end('{"results":[{}]}');
  else throw new Refusal(404, 'of influx there are /write, /api/v2/write, /health, /ping and /query');
}

function shows(header: string | undefined, token: string): boolean {
  const [, scheme = '', rest = ''] = /^(Bearer|Token|Basic) +(\S+)$/i.exec(header ?? '') ?? [];
  const basic = Buffer.from(rest, 'base64').toString('utf8');
  const given = Buffer.from(scheme.toLowerCase() === 'basic' ? basic.slice(basic.indexOf(':') + 1) : rest);
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
