/**
 * A TCP proxy that breaks connections, by a seed: the same seed plans the same faults for the same sequence of connections. Knows nothing of
 * what passes through, but for one fault: an HTTP request may be delivered a second time.
 */
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { type Random, randomOf } from './random.ts';

export type Fault =
  /** Every chunk is held back. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Both ends are reset once `bytes` have passed in that direction. */
  | { readonly kind: 'reset'; readonly direction: Direction; readonly bytes: number }
  /** From there on nothing passes, and nobody is told. */
  | { readonly kind: 'blackhole'; readonly direction: Direction; readonly bytes: number }
  /** The stream ends there as if it were complete. */
  | { readonly kind: 'truncate'; readonly direction: Direction; readonly bytes: number }
  /** What the client sent in its first exchange is sent again on a connection of its own, whose answer nobody hears. */
  | { readonly kind: 'duplicate'; readonly bytes: number };

export type Direction = 'up' | 'down';

export interface FaultyProxy {
  readonly host: string;
  readonly port: number;
  /** What it did, one line a fault: connection, fault, byte. */
  readonly log: readonly string[];
  /** How many faults took effect. */
  readonly faults: () => number;
  /** From now on connections pass unharmed (those that are broken stay so). */
  calm(): void;
  /** Faults again, beginning with the end of all connections that were to pass unharmed. */
  storm(): void;
  close(): Promise<void>;
}

export interface FaultyProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly seed: number;
  /** Of the connections, how many meet a fault (0 to 1). */
  readonly rate: number;
  /** Where in a stream faults strike: within the first so many bytes. */
  readonly bytesMax: number;
  readonly latencyMsMax?: number;
  /** Left out: all. `duplicate` is for HTTP without keep-alive or with one request a connection only. */
  readonly kinds?: readonly Fault['kind'][];
}

/** While it storms no connection carries more than so many times `bytesMax`: a sound one that is kept alive would meet no fault any more. */
const LONGEST = 4;

const KINDS: readonly Fault['kind'][] = ['latency', 'reset', 'blackhole', 'truncate', 'duplicate'];

/** Listens on a free port of 127.0.0.1. */
export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const random = randomOf(options.seed);
  const sockets = new Set<Socket>();
  const log: string[] = [];
  let stormy = true;
  let connections = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // what happens to a socket is seen by its ends
    socket.on('error', () => undefined);
    return socket;
  };

  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const id = (connections += 1);
    const planned = plan(random, options);
    const fault = stormy ? planned : undefined;
    const upstream = keep(connect({ ...options.target, allowHalfOpen: true }));
    keep(client);
    const strike = (what: string): void => {
      log.push(`connection ${id}: ${what}`);
    };
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    upstream.on('error', cut);
    client.on('error', cut);
    const up = { fault, strike, cut, endsAt: stormy && options.rate > 0 ? LONGEST * options.bytesMax : Infinity };
    forward(client, upstream, 'up', up);
    forward(upstream, client, 'down', { ...up, endsAt: Infinity });
    if (fault?.kind === 'latency') strike(`latency of ${fault.ms} ms`);
    if (fault?.kind === 'duplicate') duplicate(client, fault.bytes, options.target, keep, strike);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    host: '127.0.0.1',
    port: address.port,
    log,
    faults: () => log.length,
    calm: () => void (stormy = false),
    storm() {
      stormy = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Draws the same number of times for every connection, so that one's fault does not depend on another's. */
function plan(random: Random, options: FaultyProxyOptions): Fault | undefined {
  const [strikes, which, way, where] = [random(), random(), random(), random()];
  if (strikes >= options.rate) return undefined;
  const kinds = options.kinds ?? KINDS;
  const kind = kinds[Math.floor(which * kinds.length)] ?? 'reset';
  const direction: Direction = way < 0.5 ? 'up' : 'down';
  // near the beginning as often as far in: 1, 2, 4, … bytes
  const bytes = Math.floor(options.bytesMax ** where);
  if (kind === 'latency') return { kind, ms: 1 + Math.floor(where * (options.latencyMsMax ?? 200)) };
  if (kind === 'duplicate') return { kind, bytes: options.bytesMax };
  return { kind, direction, bytes };
}

interface Way {
  readonly fault: Fault | undefined;
  readonly strike: (what: string) => void;
  readonly cut: () => void;
  readonly endsAt: number;
}

function forward(from: Socket, to: Socket, direction: Direction, { fault, strike, cut, endsAt }: Way): void {
  const planned = fault !== undefined && 'direction' in fault && fault.direction === direction ? fault : undefined;
  const here = planned ?? (endsAt === Infinity ? undefined : { kind: 'reset' as const, bytes: endsAt });
  let passed = 0;
  let over = false;
  let queue = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    if (over) return;
    let part = chunk;
    if (here !== undefined && passed + chunk.length >= here.bytes) {
      part = chunk.subarray(0, here.bytes - passed);
      over = true;
    }
    passed += part.length;
    from.pause();
    queue = queue
      .then(() => (fault?.kind === 'latency' ? later(fault.ms) : undefined))
      .then(() => {
        // a full buffer holds the sender back
        if (to.writable && part.length > 0 && !to.write(part)) to.once('drain', () => from.resume());
        else from.resume();
        if (!over || here === undefined) return;
        strike(`${here.kind} ${direction} after ${passed} bytes`);
        if (here.kind === 'reset') cut();
        else if (here.kind === 'truncate') to.end();
      });
  });
  from.on('end', () => {
    if (over) return;
    over = true;
    queue = queue.then(() => void to.end());
  });
}

/** Keeps what the client sends until the first answer ends, and sends it once more. */
function duplicate(
  client: Socket,
  bytesMax: number,
  target: FaultyProxyOptions['target'],
  keep: (socket: Socket) => Socket,
  strike: (what: string) => void,
): void {
  const sent: Buffer[] = [];
  client.on('data', (chunk: Buffer) => sent.push(chunk));
  client.on('close', () => {
    const request = Buffer.concat(sent).subarray(0, bytesMax);
    strike(`duplicate of ${request.length} bytes`);
    const again = keep(connect(target));
    again.resume();
    again.end(request);
  });
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
