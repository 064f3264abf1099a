import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The bytes as they came over the wire. */
  readonly raw: Buffer;
  /** The body inflated, as text. */
  readonly text: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

export interface FakeServer {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

/** Counts the lines of a body, and takes them all. */
export function acceptAll(request: SeenRequest): Answer {
  return {
    status: 202,
    body: { accepted: request.text.split('\n').filter((line) => line !== '').length, rejected: 0, errors: [] },
  };
}

/** A real HTTP server on loopback that keeps what it was sent; 'hang' never answers. */
export async function startFakeServer(
  respond: (request: SeenRequest, n: number) => Answer | 'hang' | 'reset' = acceptAll,
  port = 0,
): Promise<FakeServer> {
  const seen: SeenRequest[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const raw = Buffer.concat(parts);
      const inflated = incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const { method = '', url = '', headers } = incoming;
      const request = { method, url, headers, raw, text: inflated.toString() };
      const answer = respond(request, seen.push(request) - 1);
      if (answer === 'hang') return;
      if (answer === 'reset') {
        incoming.socket.destroy();
        return;
      }
      // as the product does: what is wrong comes as a problem document
      const type = answer.status >= 400 && typeof answer.body === 'object' ? 'application/problem+json' : 'application/json';
      outgoing.writeHead(answer.status, { 'content-type': type, ...answer.headers });
      outgoing.end(answer.body === undefined ? '' : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
