/**
 * Reads frames as assembly/layout.ts draws them, and knows nothing of src/: an independent pair of eyes on what the log stores. Everything
 * that the drawing promises is checked (sizes, zeros, the bytes that pad), so a reader of samples is a reader of the whole frame.
 */

/** In the order of the byte that says the condition. */
const CONDITIONS = ['up', 'provider', 'third_party', 'maintenance', 'force_majeure', 'attack', 'customer', 'arrears'] as const;

export interface FrameSample {
  readonly vm: string;
  readonly nic: string;
  readonly tsMs: number;
  readonly counters: { readonly rx: bigint; readonly tx: bigint } | null;
  readonly epoch: number;
  readonly condition: string;
  readonly startedAtMs?: number;
  readonly linkMbps?: number;
  readonly isSum?: true;
  readonly saysNoState?: true;
  readonly holdMs?: number;
  readonly host?: string;
  readonly part?: 'rx' | 'tx';
}

const HEAD_BYTES = 40;

/** The samples of a run of frames. @throws Error where the bytes are not what the drawing says */
export function readFrames(bytes: Uint8Array): FrameSample[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples: FrameSample[] = [];
  for (let at = 0; at < view.length; at += view.readUInt16LE(at)) samples.push(readFrame(view, at));
  return samples;
}

/** The hash that each frame carries for its VM's name, in order. */
export function readHashes(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hashes: number[] = [];
  for (let at = 0; at < view.length; at += view.readUInt16LE(at)) hashes.push(view.readUInt32LE(at + 4));
  return hashes;
}

function readFrame(view: Buffer, at: number): FrameSample {
  const size = view.readUInt16LE(at);
  const vmLength = view.readUInt8(at + 2);
  const nicLength = view.readUInt8(at + 3);
  const told36 = view.readUInt8(at + 36);
  const condition = told36 === 9 ? 'up' : CONDITIONS[told36];
  const told = view.readUInt8(at + 37);
  const hasCounters = told & 1;
  const moreBytes = told >= 128 ? 16 : 0;
  const rx = view.readBigUInt64LE(at + 16);
  const tx = view.readBigUInt64LE(at + 24);
  const hostLength = moreBytes === 0 ? 0 : view.readUInt8(at + size - 3);
  const nicEnd = at + HEAD_BYTES + vmLength + nicLength;
  const namesEnd = nicEnd + hostLength;
  require(at + size <= view.length, at, 'it ends outside the frames');
  require(size === Math.ceil((HEAD_BYTES + vmLength + nicLength + hostLength) / 8) * 8 + moreBytes, at, `its size is ${size}`);
  require(condition !== undefined, at, 'its condition is unknown');
  require((told & 0x7e) === 0, at, `it says ${told} for whether it has counters`);
  require(hasCounters === 1 || (rx === 0n && tx === 0n), at, 'it has no counters, and they are not zero');
  require(view.readUInt32LE(at + 4) !== 0, at, 'its hash is zero');
  require(view.readUInt16LE(at + 38) === 0, at, 'its bytes 38 and 39 are not zero');
  require(view.subarray(namesEnd, at + size - moreBytes).every((byte) => byte === 0), at, 'it is not padded with zeros');
  return {
    vm: view.toString('latin1', at + HEAD_BYTES, at + HEAD_BYTES + vmLength),
    nic: view.toString('latin1', at + HEAD_BYTES + vmLength, nicEnd),
    ...(hostLength === 0 ? {} : { host: view.toString('latin1', nicEnd, namesEnd) }),
    tsMs: Number(view.readBigInt64LE(at + 8)),
    counters: hasCounters === 1 ? { rx, tx } : null,
    epoch: view.readUInt32LE(at + 32),
    condition,
    ...(told36 === 9 ? { saysNoState: true } : {}),
    ...(moreBytes === 0 ? {} : readMore(view, at + size - moreBytes, at)),
  };
}

/** What few samples say, in the last bytes of a frame: at least one of the six; the host is among the names. */
function readMore(
  view: Buffer,
  more: number,
  at: number,
): Pick<FrameSample, 'startedAtMs' | 'linkMbps' | 'isSum' | 'holdMs' | 'part'> {
  const startedAtMs = Number(view.readBigInt64LE(more));
  const linkMbps = view.readUInt32LE(more + 8);
  const says = view.readUInt8(more + 12);
  const isSum = says & 1;
  const part = says >> 1;
  const holdS = view.readUInt16LE(more + 14);
  require(startedAtMs >= -1, at, `its counters started at ${startedAtMs}`);
  require(part <= 2, at, `it says ${says} for whether it is a sum or a half`);
  require(holdS <= 3600, at, `its state holds for ${holdS}`);
  require(startedAtMs >= 0 ||
    linkMbps > 0 ||
    says !== 0 ||
    holdS > 0 ||
    view.readUInt8(more + 13) > 0, at, 'it says nothing more');
  return {
    ...(startedAtMs < 0 ? {} : { startedAtMs }),
    ...(linkMbps === 0 ? {} : { linkMbps }),
    ...(isSum === 0 ? {} : { isSum: true }),
    ...(part === 0 ? {} : { part: part === 1 ? 'rx' : 'tx' }),
    ...(holdS === 0 ? {} : { holdMs: holdS * 1000 }),
  };
}

function require(holds: boolean, at: number, otherwise: string): asserts holds {
  if (!holds) throw new Error(`the frame at ${at}: ${otherwise}`);
}
