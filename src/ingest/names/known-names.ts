/**
 * Requests whose names the kernel knows, remembered by those names: agents send the same VMs again and again, and a name that is known stays
 * known until names are forgotten. Close to the capacity, or far behind the door, this spares the question to the aggregator's thread for every request.
 */
import { frameBytes, frameNamesAt, frameNicLength, frameVmLength } from '../../kernel/frames.ts';

/** All that is remembered together; beyond it what was remembered first is forgotten. */
const BYTES_MAX = 32 * 1024 * 1024;
/** What an entry takes besides its names. */
const ENTRY_BYTES = 200;

export class KnownNames {
  readonly #bytesMax: number;
  /** By first VM and length: names alone decide how long frames are. */
  readonly #byStart = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Whether frames with these very names, in this order, were added. */
  has(frames: Uint8Array): boolean {
    const names = this.#byStart.get(startOf(frames));
    if (names === undefined) return false;
    let read = 0;
    for (let at = 0; at < frames.length; at += frameBytes(frames, at)) {
      if (names[read++] !== frameVmLength(frames, at) || names[read++] !== frameNicLength(frames, at)) return false;
      const end = read + nameBytes(frames, at);
      for (let from = frameNamesAt(at); read < end; read++, from++) if (names[read] !== frames[from]) return false;
    }
    return read === names.length;
  }

  /** Remembers frames all of whose names the kernel knows. */
  add(frames: Uint8Array): void {
    const start = startOf(frames);
    this.#forget(start);
    const names = namesOf(frames);
    this.#byStart.set(start, names);
    this.#bytes += names.length + ENTRY_BYTES;
    for (const oldest of this.#byStart.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#forget(oldest);
    }
  }

  clear(): void {
    this.#byStart.clear();
    this.#bytes = 0;
  }

  #forget(start: string): void {
    const names = this.#byStart.get(start);
    if (names === undefined) return;
    this.#byStart.delete(start);
    this.#bytes -= names.length + ENTRY_BYTES;
  }
}

function nameBytes(frames: Uint8Array, at: number): number {
  return frameVmLength(frames, at) + frameNicLength(frames, at);
}

function startOf(frames: Uint8Array): string {
  const vm = Buffer.from(frames.buffer, frames.byteOffset + frameNamesAt(0), frameVmLength(frames, 0));
  return `${vm.toString('latin1')} ${frames.length}`;
}

/** Of every frame the two lengths and the two names. */
function namesOf(frames: Uint8Array): Uint8Array {
  let length = 0;
  for (let at = 0; at < frames.length; at += frameBytes(frames, at)) length += 2 + nameBytes(frames, at);
  const names = new Uint8Array(length);
  let write = 0;
  for (let at = 0; at < frames.length; at += frameBytes(frames, at)) {
    names[write++] = frameVmLength(frames, at);
    names[write++] = frameNicLength(frames, at);
    const own = nameBytes(frames, at);
    const from = frameNamesAt(at);
    names.set(frames.subarray(from, from + own), write);
    write += own;
  }
  return names;
}
