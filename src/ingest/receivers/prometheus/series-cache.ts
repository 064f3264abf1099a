/**
 * What series are, by the bytes of their labels. Remote write repeats all labels of a series in every request: known ones cost a hash and a comparison.
 * Bounded in bytes; what was not asked for while half the room was filled anew is forgotten. Series that no rule wants are remembered as well.
 */
import type { Series } from '../../../sources/source.ts';

/** Bytes of labels that are remembered a source and version. */
export const CACHE_BYTES_MAX = 32 * 1024 * 1024;
/** What an entry takes besides its labels, about. */
const ENTRY_BYTES = 256;

interface Entry {
  readonly labels: Uint8Array;
  readonly series: Series;
}

export class SeriesCache {
  readonly #bytesMax: number;
  #young = new Map<number, Entry>();
  #old = new Map<number, Entry>();
  #youngBytes = 0;
  #oldBytes = 0;

  constructor(bytesMax = CACHE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** What the labels that stand here in a body are; `resolve` says it of those that are not known. */
  get(body: Uint8Array, from: number, to: number, resolve: () => Series): Series {
    const hash = hashOf(body, from, to);
    const known = this.#young.get(hash);
    if (known !== undefined && isSame(known.labels, body, from, to)) return known.series;
    const before = this.#old.get(hash);
    const entry =
      before !== undefined && isSame(before.labels, body, from, to)
        ? before
        : { labels: body.slice(from, to), series: resolve() };
    this.#keep(hash, entry);
    return entry.series;
  }

  /** Of two series with one hash the later is remembered. */
  #keep(hash: number, entry: Entry): void {
    if (this.#youngBytes > this.#bytesMax / 2) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    const replaced = this.#young.get(hash);
    if (replaced !== undefined) this.#youngBytes -= replaced.labels.length + ENTRY_BYTES;
    this.#young.set(hash, entry);
    this.#youngBytes += entry.labels.length + ENTRY_BYTES;
  }
}

/** FNV-1a over words of four bytes, as far as there are whole ones: a key of a map, whose hits are compared. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash | 0;
}

function isSame(labels: Uint8Array, body: Uint8Array, from: number, to: number): boolean {
  return labels.length === to - from && Buffer.compare(labels, body.subarray(from, to)) === 0;
}
