import { isIPv6 } from 'node:net';
import { ProblemError } from '../problems/problem.ts';

/** Wrong keys of one address at once, and how many more a minute. */
export const WRONG_KEYS_MAX = 20;
export const WRONG_KEYS_A_MINUTE = 20;
/** Addresses, and keys with the address they were right from, that are remembered: the oldest go first. */
export const ADDRESSES_MAX = 10_000;
export const RIGHT_PAIRS_MAX = 50_000;

interface Bucket {
  left: number;
  atMs: number;
}

/** A text with 256 bits of chance, as keys, sessions and links have that were made here: one that is right was not guessed. */
const NOT_GUESSED = /^(?:up[tl]_)?[A-Za-z0-9_-]{43}$/;

/**
 * Bounds how many keys an address may guess. What is right and cannot have been guessed is taken always, so nobody is locked out by others behind the
 * same proxy. A key that somebody thought of is taken beyond the bound where it was right from there before: a guess is not told whether it was right.
 */
export class WrongKeys {
  readonly #monotonicMs: () => number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #right = new Set<string>();

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** Judges what an address has shown. @param keyId whose it was; undefined: nobody's. Throws `too_many_requests`. */
  judge(address: string, keyId: string | undefined, shown: string): void {
    if (keyId !== undefined && NOT_GUESSED.test(shown)) return;
    const network = networkOf(address);
    const pair = keyId === undefined ? undefined : `${network} ${keyId}`;
    if (pair !== undefined && this.#right.has(pair)) return;
    const nowMs = this.#monotonicMs();
    const bucket = this.#buckets.get(network);
    const left =
      bucket === undefined
        ? WRONG_KEYS_MAX
        : Math.min(WRONG_KEYS_MAX, bucket.left + ((nowMs - bucket.atMs) * WRONG_KEYS_A_MINUTE) / 60_000);
    if (left < 1) {
      const seconds = Math.ceil(((1 - left) * 60) / WRONG_KEYS_A_MINUTE);
      throw new ProblemError(
        'too_many_requests',
        'too many wrong keys came from this address',
        {},
        { 'retry-after': `${seconds}` },
      );
    }
    if (pair === undefined) {
      this.#buckets.delete(network);
      this.#buckets.set(network, { left: left - 1, atMs: nowMs });
      dropOldest(this.#buckets, ADDRESSES_MAX);
    } else {
      this.#right.add(pair);
      dropOldest(this.#right, RIGHT_PAIRS_MAX);
    }
  }
}

function dropOldest(from: Map<string, unknown> | Set<string>, max: number): void {
  if (from.size <= max) return;
  const [oldest] = from.keys();
  if (oldest !== undefined) from.delete(oldest);
}

/** Of IPv6 the first 64 bits, of which one customer has all the rest. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const behind = (tail ?? '').split(':').filter((group) => group !== '').length;
  while (tail !== undefined && groups.length + behind < 8) groups.push('0');
  return groups.slice(0, 4).join(':');
}
