/**
 * The bytes of a log record. The kernel reads records in place (assembly/layout.ts draws them), so this is the one other place that knows
 * them: 16 bytes of head, then for samples the agent's name padded to 8 and the frames, for a tick a u32 of refusals for each code, padded to 8.
 */
import { REJECTION_CODES } from '../samples/rejection.ts';
import { KIND_CATALOG, KIND_SAMPLES, KIND_TICK, LAYOUT as L } from '../kernel/layout.ts';

function head(kind: number, size: number): Buffer {
  const record = Buffer.alloc(size);
  record[0] = kind;
  return record;
}

/** The largest head of a record of samples: what a buffer for `samplesRecord` needs besides the frames. */
export const SAMPLES_HEAD_BYTES_MAX = L.RECORD_HEAD + 64;

/**
 * Samples of one agent. @param frames as the decoder gave them; copied
 * @param into a buffer to make the record in, large enough; without it the record has memory of its own
 */
export function samplesRecord(agent: string, count: number, frames: Uint8Array, into?: Buffer): Buffer {
  const name = Buffer.from(agent, 'utf8');
  if (name.length > 64) throw new RangeError('the name of a key has at most 64 bytes');
  const framesAt = framesAtOf(name.length);
  const length = framesAt + frames.length;
  const record = into === undefined ? Buffer.allocUnsafe(length) : into.subarray(0, length);
  record.fill(0, 0, framesAt);
  record[0] = KIND_SAMPLES;
  record[1] = name.length;
  record.writeUInt32LE(count, L.RECORD_COUNT);
  record.set(name, L.RECORD_HEAD);
  record.set(frames, framesAt);
  return record;
}

/** The frames of a record of samples, in place. */
export function framesOf(record: Uint8Array): Uint8Array {
  return record.subarray(framesAtOf(record[1] ?? 0));
}

function framesAtOf(nameLength: number): number {
  return L.RECORD_HEAD + ((nameLength + 7) & ~7);
}

/**
 * Whose clock a tick says. `own`: the process' that wrote it. `compared`: the same, known to be the brokers' as they were when it was learnt.
 * `event`: the highest ts accepted anywhere; it counts where samples tell the time, and only there.
 */
export type TickClock = 'own' | 'event' | 'compared';
const TICK_CLOCKS: readonly TickClock[] = ['own', 'event', 'compared'];

/** Whose clock the tick says. */
export function tickClockOf(tick: Uint8Array): TickClock {
  return TICK_CLOCKS[tick[L.RECORD_EVENT] ?? 0] ?? 'own';
}

/** The server's clock, and the samples refused at the door since the tick before, by code. */
export function tickRecord(clockMs: number, rejectedByCode: readonly number[], clock: TickClock = 'own'): Buffer {
  // an odd number of codes too: records stand at multiples of eight
  const record = head(KIND_TICK, (L.RECORD_HEAD + 4 * REJECTION_CODES.length + 7) & ~7);
  record[L.RECORD_EVENT] = TICK_CLOCKS.indexOf(clock);
  record.writeBigInt64LE(BigInt(clockMs), L.RECORD_CLOCK);
  REJECTION_CODES.forEach((_, code) => record.writeUInt32LE(rejectedByCode[code] ?? 0, L.RECORD_HEAD + 4 * code));
  return record;
}

/** The catalog has changed up to this sequence number: the aggregator reprices what it touches. */
export function catalogRecord(catalogSeq: bigint): Buffer {
  const record = head(KIND_CATALOG, L.RECORD_HEAD);
  record.writeBigUInt64LE(catalogSeq, L.RECORD_CLOCK);
  return record;
}

/** What a record of a catalog change says. */
export function catalogSeqOf(payload: Uint8Array): bigint {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getBigUint64(L.RECORD_CLOCK, true);
}

/** How many samples a record holds. */
export function samplesIn(payload: Uint8Array): number {
  if (payload[0] !== KIND_SAMPLES) return 0;
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(L.RECORD_COUNT, true);
}
