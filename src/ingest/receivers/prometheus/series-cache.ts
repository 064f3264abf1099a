/**
 * What series are, by the bytes of their labels. Remote write repeats all labels of a series in every request: known ones cost a hash and a comparison.
 * One for all sources of a process, bounded in bytes; what was not asked for while half the room was filled anew is forgotten. Series that no rule
 * wants are remembered as well.
 */
import type { Series, Source } from '../../../sources/source.ts';

/** Bytes that a process remembers of labels, and of what they name. */
export const CACHE_BYTES_MAX = 64 * 1024 * 1024;
/** What an entry takes besides its labels, about: the copy's object, the place in the map, and what it says. */
const ENTRY_BYTES = 512;

interface Entry {
  /** The version of a source that the labels mean this to. */
  readonly source: Source;
  readonly labels: DataView;
  readonly series: Series;
  readonly hash: number;
  /** Which filling of the room it was asked for last. */
  filling: number;
  /** The one that followed it last time: senders keep their order, so it is looked at before anything is hashed. */
  next: Entry | undefined;
}

export class SeriesCache {
  readonly bytesMax: number;
  #young = new Map<number, Entry>();
  #old = new Map<number, Entry>();
  #youngBytes = 0;
  #oldBytes = 0;
  /** A number for each source, so that the same labels of two of them do not push each other out. */
  readonly #numbers = new WeakMap<Source, number>();
  #sources = 0;
  #lastSource: Source | undefined;
  #lastNumber = 0;
  #filling = 0;
  #before: Entry | undefined;

  constructor(bytesMax = CACHE_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** A request begins: what comes first in it follows nothing. */
  begin(): void {
    this.#before = undefined;
  }

  /** What the labels that stand here are to a source; undefined: not known, `keep` makes it so. */
  find(source: Source, view: DataView, from: number, to: number): Series | undefined {
    const expected = this.#before?.next;
    if (expected !== undefined && isIt(expected, source, view, from, to)) return this.#found(expected).series;
    const hash = this.#hashOf(source, view, from, to);
    const known = this.#young.get(hash);
    if (known !== undefined && isIt(known, source, view, from, to)) return this.#found(known).series;
    const before = this.#old.get(hash);
    if (before === undefined || !isIt(before, source, view, from, to)) return undefined;
    return this.#found(before).series;
  }

  keep(source: Source, view: DataView, from: number, to: number, series: Series): void {
    const labels = new DataView(new Uint8Array(view.buffer, view.byteOffset + from, to - from).slice().buffer);
    const hash = this.#hashOf(source, view, from, to);
    this.#found({ source, labels, series, hash, filling: -1, next: undefined });
  }

  #found(entry: Entry): Entry {
    if (entry.filling !== this.#filling) this.#keep(entry);
    if (this.#before !== undefined) this.#before.next = entry;
    this.#before = entry;
    return entry;
  }

  #hashOf(source: Source, view: DataView, from: number, to: number): number {
    if (source !== this.#lastSource) {
      this.#lastSource = source;
      this.#lastNumber = this.#numbers.get(source) ?? ++this.#sources;
      this.#numbers.set(source, this.#lastNumber);
    }
    return hashOf(view, from, to) ^ this.#lastNumber;
  }

  /** Of two series with one hash the later is remembered. */
  #keep(entry: Entry): void {
    if (this.#youngBytes > this.bytesMax / 2) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
      this.#filling++;
      // what is forgotten must not be held by what followed it
      for (const { next } of this.#old.values())
        if (next !== undefined && next.filling < this.#filling - 1) next.next = undefined;
    }
    const replaced = this.#young.get(entry.hash);
    if (replaced !== undefined) this.#youngBytes -= replaced.labels.byteLength + ENTRY_BYTES;
    entry.filling = this.#filling;
    this.#young.set(entry.hash, entry);
    this.#youngBytes += entry.labels.byteLength + ENTRY_BYTES;
  }
}

/** Of this process. */
export const seriesCache = new SeriesCache();

/** What this process remembers, and how much it may. */
export function seriesKept(): { readonly series: number; readonly bytes: number; readonly bytesMax: number } {
  return { series: seriesCache.size, bytes: seriesCache.bytes, bytesMax: seriesCache.bytesMax };
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

function isIt(entry: Entry, source: Source, view: DataView, from: number, to: number): boolean {
  const { labels } = entry;
  const length = to - from;
  if (entry.source !== source || labels.byteLength !== length) return false;
  let at = 0;
  for (; at + 4 <= length; at += 4) if (labels.getInt32(at) !== view.getInt32(from + at)) return false;
  for (; at < length; at++) if (labels.getUint8(at) !== view.getUint8(from + at)) return false;
  return true;
}
