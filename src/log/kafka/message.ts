/**
 * A message of the Kafka log: the records of one partition and flush, several requests together. All of them share the message's position as
 * their sequence number; the samples of each begin at an index of their own, so that position · 65536 + index names a sample.
 *
 *   0  u32  'UPM2'
 *   4  u32  number of records
 *   8  u32  number of samples
 *  12  u32  CRC-32 of what follows (kafkajs does not check the brokers')
 *  16  …    the log's id, 16 bytes
 *  32  u32  the partition it was written for
 *  36  u32  zero
 *  40  u64  the writer knew that the partition's positions below this one are taken
 *  48  …    each record: u32 length (a multiple of 8), u32 zero, its bytes        (little-endian throughout)
 *
 * Before logs had ids a message began with 'UPM1' and its records stood at 16.
 */
import { crc32 } from 'node:zlib';
import { KIND_SAMPLES, LAYOUT as L } from '../../kernel/layout.ts';
import type { LogId } from '../identity.ts';
import { LogError, type LogRecord } from '../log.ts';
import { samplesIn } from '../record.ts';

const MAGIC = 0x32_4d_50_55;
const MAGIC_WITHOUT_ID = 0x31_4d_50_55;
const CRC_FROM = 16;
const PARTITION_AT = 32;
const KNOWN_AT = 40;
/** What a message has before its records. */
export const HEAD_BYTES = 48;
const RECORD_HEAD_BYTES = 8;

/** Below the 1 MiB that brokers take unless told otherwise, whether or not the message can be compressed. */
export const MESSAGE_BYTES_MAX = 900 * 1024;
/** The indexes 0xfffd and up are what a step's end adds to its position. */
export const MESSAGE_SAMPLES_MAX = 0xfffd;

/** Where a message belongs: said by who writes it, asked by who reads it. */
export interface Origin {
  readonly logId: LogId;
  readonly partition: number;
}

/** Collects records; the copy made here is the only one on the way to the socket. */
export class MessageBuilder {
  samples = 0;
  readonly #bytesMax: number;
  #records = 0;
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #end = HEAD_BYTES;
  /** Where the record of samples under way begins, and the samples before it. */
  #open: { readonly at: number; readonly first: number } | undefined;

  constructor(bytesMax = MESSAGE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#end;
  }

  /** Adds a whole record, which holds no samples. Its length is a multiple of 8. */
  add(record: Uint8Array): void {
    this.#reserve(RECORD_HEAD_BYTES + record.length);
    this.#buffer.writeUInt32LE(record.length, this.#end);
    this.#buffer.writeUInt32LE(0, this.#end + 4);
    this.#buffer.set(record, this.#end + RECORD_HEAD_BYTES);
    this.#end += RECORD_HEAD_BYTES + record.length;
    this.#records++;
  }

  /** Begins a record of an agent's samples. @param head of a record of samples, with the agent's name */
  beginSamples(head: Uint8Array): void {
    this.#open = { at: this.#end, first: this.samples };
    this.add(head);
  }

  hasRoomFor(frameBytes: number): boolean {
    return this.#end + frameBytes <= this.#bytesMax && this.samples < MESSAGE_SAMPLES_MAX;
  }

  addFrame(frames: Buffer, from: number, until: number): void {
    this.#reserve(until - from);
    frames.copy(this.#buffer, this.#end, from, until);
    this.#end += until - from;
    this.samples++;
  }

  endSamples(): void {
    if (this.#open === undefined) return;
    const { at, first } = this.#open;
    const record = at + RECORD_HEAD_BYTES;
    this.#buffer.writeUInt32LE(this.#end - record, at);
    this.#buffer.writeUInt32LE(this.samples - first, record + L.RECORD_COUNT);
    this.#buffer.writeUInt32LE(first, record + L.RECORD_FIRST);
    this.#open = undefined;
  }

  /**
   * The message's bytes; nothing is added any more.
   * @param known positions of the partition below this one are taken, as the writer knows
   */
  seal({ logId, partition }: Origin, known: number): Buffer {
    this.#buffer.writeUInt32LE(MAGIC, 0);
    this.#buffer.writeUInt32LE(this.#records, 4);
    this.#buffer.writeUInt32LE(this.samples, 8);
    this.#buffer.write(logId, CRC_FROM, 'hex');
    this.#buffer.writeUInt32LE(partition, PARTITION_AT);
    this.#buffer.writeUInt32LE(0, PARTITION_AT + 4);
    this.#buffer.writeBigUInt64LE(BigInt(known), KNOWN_AT);
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(CRC_FROM, this.#end)), 12);
    return this.#buffer.subarray(0, this.#end);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

interface Opened {
  readonly bytes: DataView;
  readonly recordsAt: number;
}

function open(message: Uint8Array, seq: number): Opened {
  const bytes = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const magic = message.byteLength < CRC_FROM ? 0 : bytes.getUint32(0, true);
  if (magic === MAGIC_WITHOUT_ID) return { bytes, recordsAt: CRC_FROM };
  if (magic !== MAGIC || message.byteLength < HEAD_BYTES) throw foreign(seq, 'is not one of ours');
  return { bytes, recordsAt: HEAD_BYTES };
}

function foreign(seq: number, what: string): LogError {
  return new LogError('log_corrupt', `message ${seq} of the log's topic ${what}`);
}

/** How many samples a message holds, by its head alone. Throws `log_corrupt`. */
export function samplesInMessage(message: Uint8Array, seq: number): number {
  return open(message, seq).bytes.getUint32(8, true);
}

/** What a message says of its log; the id is undefined in one from before logs had ids. Throws `log_corrupt`. */
export function originOf(
  message: Uint8Array,
  seq: number,
): { readonly logId: LogId | undefined; readonly partition: number; readonly known: number } {
  const { bytes, recordsAt } = open(message, seq);
  if (recordsAt !== HEAD_BYTES) return { logId: undefined, partition: -1, known: 0 };
  const logId = Buffer.from(message.buffer, message.byteOffset + CRC_FROM, 16).toString('hex');
  return { logId, partition: bytes.getUint32(PARTITION_AT, true), known: Number(bytes.getBigUint64(KNOWN_AT, true)) };
}

export interface Expected extends Origin {
  /** The log is older than its id: messages without one are its own too. */
  readonly adopted: boolean;
}

/** Throws `log_mismatch` for a message that was not written for this log, or not at this position. */
export function checkOrigin(message: Uint8Array, seq: number, expected: Expected): void {
  const { logId, partition, known } = originOf(message, seq);
  if (logId === undefined && expected.adopted) return;
  const wrong =
    logId !== expected.logId
      ? logId === undefined
        ? 'is from before the log had an id'
        : `belongs to log ${logId}, not to ${expected.logId}`
      : partition !== expected.partition
        ? `was written for partition ${partition}, and stands in partition ${expected.partition}`
        : known > seq
          ? `was written when ${known} messages were there: the topic has lost some that were acknowledged`
          : undefined;
  if (wrong !== undefined) throw new LogError('log_mismatch', `message ${seq} of the log's topic ${wrong}`);
}

/** The records of a message, views of its bytes. Throws `log_corrupt` for bytes that this product has not written. */
export function recordsOf(message: Uint8Array, seq: number): LogRecord[] {
  const { bytes, recordsAt } = open(message, seq);
  if (crc32(message.subarray(CRC_FROM)) !== bytes.getUint32(12, true)) throw foreign(seq, 'is damaged');
  const records: LogRecord[] = [];
  let samples = 0;
  let at = recordsAt;
  while (at < message.byteLength) {
    if (at + RECORD_HEAD_BYTES > message.byteLength) throw foreign(seq, 'is cut off');
    const start = at + RECORD_HEAD_BYTES;
    const length = bytes.getUint32(at, true);
    if (length < L.RECORD_HEAD || length % 8 !== 0 || start + length > message.byteLength) throw foreign(seq, 'is cut off');
    const payload = message.subarray(start, start + length);
    if (payload[0] === KIND_SAMPLES && bytes.getUint32(start + L.RECORD_FIRST, true) !== samples)
      throw foreign(seq, 'counts its samples wrongly');
    samples += samplesIn(payload);
    records.push({ seq, payload });
    at = start + length;
  }
  if (records.length !== bytes.getUint32(4, true) || samples !== bytes.getUint32(8, true) || samples > MESSAGE_SAMPLES_MAX)
    throw foreign(seq, 'counts its records wrongly');
  return records;
}
