/**
 * Frames as the kernel writes them: one accepted sample each, drawn in assembly/layout.ts. Outside the kernel this is the only place that knows
 * where in a frame what stands. Frames follow each other without gaps; `at` is where one begins.
 */
import { LAYOUT as L } from './layout.ts';

/** A frame says its size in 16 bits. */
export const FRAME_BYTES_MAX = 0xffff;

/** The size of a frame in bytes: where the next one begins. */
export function frameBytes(frames: Uint8Array, at: number): number {
  return (frames[at] ?? 0) | ((frames[at + 1] ?? 0) << 8);
}

/** The same bytes as a Buffer, which reads numbers. */
export function frameView(frames: Uint8Array): Buffer {
  return Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength);
}

/** The hash of the VM's name (samples/vm-hash.ts). */
export function frameHash(view: Buffer, at: number): number {
  return view.readUInt32LE(at + L.FRAME_HASH);
}

/** The sample's instant, in milliseconds since 1970. */
export function frameTsMs(view: Buffer, at: number): number {
  return Number(view.readBigInt64LE(at + L.FRAME_TS));
}

/** The lengths of the names of VM and interface, which stand one after the other from `frameNamesAt` on: ASCII, the VM's first. */
export function frameVmLength(frames: Uint8Array, at: number): number {
  return frames[at + L.FRAME_VM_LENGTH] ?? 0;
}

export function frameNicLength(frames: Uint8Array, at: number): number {
  return frames[at + L.FRAME_NIC_LENGTH] ?? 0;
}

export function frameNamesAt(at: number): number {
  return at + L.FRAME_HEAD;
}

export interface FrameNames {
  readonly vm: string;
  /** '' where the sample names no interface. */
  readonly nic: string;
  /** Where the counters live; '' where it is not said. */
  readonly host: string;
  /** 0: both counters, or none; 1: rx alone, 2: tx alone. */
  readonly part: number;
}

export function frameNames(view: Buffer, at: number): FrameNames {
  const start = frameNamesAt(at);
  const middle = start + frameVmLength(view, at);
  const end = middle + frameNicLength(view, at);
  const names = { vm: view.toString('latin1', start, middle), nic: view.toString('latin1', middle, end) };
  if (!saysMore(view, at)) return { ...names, host: '', part: 0 };
  const more = moreAt(view, at);
  const host = view.toString('latin1', end, end + view.readUInt8(more + L.FRAME_MORE_HOST));
  return { ...names, host, part: (view.readUInt8(more + L.FRAME_MORE_SAYS) >> 1) & 3 };
}

function saysMore(view: Buffer, at: number): boolean {
  return (view.readUInt8(at + L.FRAME_COUNTERS) & L.FRAME_SAYS_MORE) !== 0;
}

function moreAt(view: Buffer, at: number): number {
  return at + frameBytes(view, at) - L.FRAME_MORE;
}

/** A sample as its frame holds it. */
export interface FrameSample extends FrameNames {
  readonly tsMs: number;
  /** Its place in CONDITIONS, or NO_STATE (domain/condition.ts). */
  readonly condition: number;
  readonly hasCounters: boolean;
  readonly epoch: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  /** When the counters last were zero; undefined: not said. */
  readonly startedMs: number | undefined;
  /** Mbit/s; undefined: not said. */
  readonly linkMbps: number | undefined;
  readonly isSum: boolean;
  /** How long its state holds, in s; undefined: not said. */
  readonly holdS: number | undefined;
}

export function readFrame(view: Buffer, at: number): FrameSample {
  return {
    ...frameNames(view, at),
    tsMs: frameTsMs(view, at),
    condition: view.readUInt8(at + L.FRAME_CONDITION),
    hasCounters: (view.readUInt8(at + L.FRAME_COUNTERS) & 1) !== 0,
    epoch: view.readUInt32LE(at + L.FRAME_EPOCH),
    rxBytes: view.readBigUInt64LE(at + L.FRAME_RX),
    txBytes: view.readBigUInt64LE(at + L.FRAME_TX),
    ...moreOf(view, at),
  };
}

const NO_MORE = { startedMs: undefined, linkMbps: undefined, isSum: false, holdS: undefined };

function moreOf(view: Buffer, at: number): Pick<FrameSample, 'startedMs' | 'linkMbps' | 'isSum' | 'holdS'> {
  if (!saysMore(view, at)) return NO_MORE;
  const more = moreAt(view, at);
  const startedMs = Number(view.readBigInt64LE(more + L.FRAME_MORE_STARTED));
  const linkMbps = view.readUInt32LE(more + L.FRAME_MORE_LINK);
  const holdS = view.readUInt16LE(more + L.FRAME_MORE_HOLD);
  return {
    startedMs: startedMs < 0 ? undefined : startedMs,
    linkMbps: linkMbps === 0 ? undefined : linkMbps,
    isSum: (view.readUInt8(more + L.FRAME_MORE_SAYS) & 1) !== 0,
    holdS: holdS === 0 ? undefined : holdS,
  };
}
