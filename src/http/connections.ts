/**
 * The connections of a server: how many there may be, who goes when there are more, and that each one ends. A connection costs nobody a
 * key, so those without one go first, the oldest before the others; and of those with a key, the ones of the key that has most of them.
 */
import type { Socket } from 'node:net';

/** Why a connection was cut off. */
export const CUT_REASONS = ['full', 'lingering', 'slow_reader'] as const;
export type CutReason = (typeof CUT_REASONS)[number];

export interface ConnectionsOptions {
  /** How many may be open at once. */
  readonly max: number;
  /** How long a connection that has had its last answer may stay open for its client to close. */
  readonly lingerMs: number;
  /** In each such time a client takes so many bytes of an answer, or is cut off. */
  readonly readWithinMs: number;
  readonly readBytesMin: number;
  readonly onCut: (reason: CutReason) => void;
}

/** Of a socket, what of an answer the system has not taken yet: Node tells it of the handle alone. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** Bytes that a client had taken when this was last looked at. */
interface Reading {
  readonly atMs: number;
  readonly bytes: number;
}

const NOBODY = '';

export class Connections {
  readonly #options: ConnectionsOptions;
  /** By who holds them, in the order in which they came. */
  readonly #holders = new Map<string, Set<Socket>>([[NOBODY, new Set()]]);
  readonly #holderOf = new Map<Socket, string>();
  readonly #reading = new WeakMap<Socket, Reading>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#holderOf.size;
  }

  get max(): number {
    return this.#options.max;
  }

  /** Takes a new connection, and lets another go for it where there are too many. */
  add(socket: Socket): void {
    if (this.#holderOf.size >= this.#options.max) this.cutOne();
    this.#put(socket, NOBODY);
    socket.once('close', () => {
      this.#remove(socket);
    });
    // our side has ended: what the client does with its own may take this long and no longer
    socket.once('finish', () => {
      const linger = setTimeout(() => {
        this.#cut(socket, 'lingering');
      }, this.#options.lingerMs);
      socket.once('close', () => {
        clearTimeout(linger);
      });
    });
  }

  /** Someone has shown a key on this connection. */
  heldBy(socket: Socket, holder: string): void {
    const before = this.#holderOf.get(socket);
    if (before === undefined || before === holder) return;
    this.#remove(socket);
    this.#put(socket, holder);
  }

  /** Makes room: the oldest connection without a key, or else of the holder of most. Answers whether there was one. */
  cutOne(): boolean {
    let most = this.#holders.get(NOBODY);
    if (most === undefined || most.size === 0) {
      for (const sockets of this.#holders.values()) if (most === undefined || sockets.size > most.size) most = sockets;
    }
    const [oldest] = most ?? [];
    if (oldest === undefined) return false;
    this.#cut(oldest, 'full');
    return true;
  }

  /** Cuts off who does not take an answer. To be called now and again. */
  cutSlowReaders(nowMs: number): void {
    const { readWithinMs, readBytesMin } = this.#options;
    for (const socket of this.#holderOf.keys()) {
      const { bytesWritten = 0, writeQueueSize = 0 } = (socket as unknown as { _handle?: Handle | null })._handle ?? {};
      if (writeQueueSize === 0) {
        this.#reading.delete(socket);
        continue;
      }
      const bytes = bytesWritten - writeQueueSize;
      const before = this.#reading.get(socket);
      if (before === undefined || (nowMs - before.atMs >= readWithinMs && bytes - before.bytes >= readBytesMin))
        this.#reading.set(socket, { atMs: nowMs, bytes });
      else if (nowMs - before.atMs >= readWithinMs) this.#cut(socket, 'slow_reader');
    }
  }

  #put(socket: Socket, holder: string): void {
    const sockets = this.#holders.get(holder) ?? new Set();
    this.#holders.set(holder, sockets.add(socket));
    this.#holderOf.set(socket, holder);
  }

  #remove(socket: Socket): void {
    const holder = this.#holderOf.get(socket);
    if (holder === undefined) return;
    this.#holderOf.delete(socket);
    const sockets = this.#holders.get(holder);
    sockets?.delete(socket);
    if (sockets?.size === 0 && holder !== NOBODY) this.#holders.delete(holder);
  }

  #cut(socket: Socket, reason: CutReason): void {
    this.#remove(socket);
    socket.destroy();
    this.#options.onCut(reason);
  }
}

/** Files that the rest of the process needs: its log, ClickHouse's parts, the brokers. */
const FILES_KEPT = 64;
/** More connections than these take more memory each than they are worth to a fleet; a proxy before the server needs a few hundred. */
const CONNECTIONS_MAX = 16_384;
const CONNECTIONS_MIN = 16;

/**
 * How many connections a process may have that may have so many files open: three quarters of them at most.
 * @param filesEach files that a connection may take, its own included
 */
export function connectionsFor(filesMax: number, filesEach = 1): number {
  const room = Math.floor((filesMax * 3) / 4) - FILES_KEPT;
  return Math.max(CONNECTIONS_MIN, Math.min(CONNECTIONS_MAX, Math.floor(room / filesEach)));
}
