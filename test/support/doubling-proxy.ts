/** A TCP proxy before a Kafka broker that delivers produce requests twice, one right after the other, as a network or a client that tries again may. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface DoublingProxy {
  readonly port: number;
  /** Whether produce requests are doubled from now on; it begins without. */
  doubles: boolean;
  /** How many were. */
  readonly doubled: number;
  close(): Promise<void>;
}

const PRODUCE = 0;

/** Listens on a free port of 127.0.0.1. */
export async function startDoublingProxy(target: { readonly host: string; readonly port: number }): Promise<DoublingProxy> {
  const sockets = new Set<Socket>();
  let doubled = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const broker = connect({ ...target, allowHalfOpen: true });
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.resetAndDestroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on('end', () => other.end());
    }
    // the client finds no question to the second answer, and ignores it
    broker.on('data', (chunk) => client.write(chunk));
    let held = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      // length, then the kind of request
      while (held.length >= 6 && held.length >= 4 + held.readUInt32BE(0)) {
        const request = held.subarray(0, 4 + held.readUInt32BE(0));
        held = held.subarray(request.length);
        broker.write(request);
        if (!proxy.doubles || request.readUInt16BE(4) !== PRODUCE) continue;
        broker.write(request);
        doubled += 1;
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const proxy: DoublingProxy = {
    port: address.port,
    doubles: false,
    get doubled() {
      return doubled;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}
