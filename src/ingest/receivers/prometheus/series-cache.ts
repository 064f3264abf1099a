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
  readonly labels: DataView;
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

  /** What the labels that stand here are; undefined: not known, `keep` makes it so. */
  find(view: DataView, from: number, to: number): Series | undefined {
    const hash = hashOf(view, from, to);
    const known = this.#young.get(hash);
    if (known !== undefined && isSame(known.labels, view, from, to)) return known.series;
    const before = this.#old.get(hash);
    if (before === undefined || !isSame(before.labels, view, from, to)) return undefined;
    this.#keep(hash, before);
    return before.series;
  }

  keep(view: DataView, from: number, to: number, series: Series): void {
    const labels = new Uint8Array(view.buffer, view.byteOffset + from, to - from).slice();
    this.#keep(hashOf(view, from, to), { labels: new DataView(labels.buffer), series });
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
    if (replaced !== undefined) this.#youngBytes -= replaced.labels.byteLength + ENTRY_BYTES;
    this.#young.set(hash, entry);
    this.#youngBytes += entry.labels.byteLength + ENTRY_BYTES;
  }
}

/** FNV-1a over words of four bytes, as far as there are whole ones: a key of a map, whose hits are compared. */
function hashOf(view: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  return hash | 0;
}

function isSame(labels: DataView, view: DataView, from: number, to: number): boolean {
  const length = to - from;
  if (labels.byteLength !== length) return false;
  let at = 0;
  for (; at + 4 <= length; at += 4) if (labels.getInt32(at) !== view.getInt32(from + at)) return false;
  for (; at < length; at++) if (labels.getUint8(at) !== view.getUint8(from + at)) return false;
  return true;
}
