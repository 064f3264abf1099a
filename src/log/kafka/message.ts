/**
 * A message of the Kafka log: the records of one partition and flush, several requests together. All of them share the message's offset as
 * their sequence number; the samples of each begin at an index of their own, so that offset · 65536 + index names a sample.
 *
 *   0  u32  'UPM1'
 *   4  u32  number of records
 *   8  u32  number of samples
 *  12  u32  CRC-32 of what follows (kafkajs does not check the brokers')
 *  16  …    each record: u32 length (a multiple of 8), u32 zero, its bytes        (little-endian throughout)
 */
import { crc32 } from 'node:zlib';
import { KIND_SAMPLES, LAYOUT as L } from '../../kernel/layout.ts';
import { LogError, type LogRecord } from '../log.ts';
import { samplesIn } from '../record.ts';

const MAGIC = 0x31_4d_50_55;
const HEAD_BYTES = 16;
const RECORD_HEAD_BYTES = 8;

/** Below the 1 MiB that brokers take unless told otherwise, whether or not the message can be compressed. */
export const MESSAGE_BYTES_MAX = 900 * 1024;
/** The indexes 0xfffd and up are what a step's end adds to its position. */
export const MESSAGE_SAMPLES_MAX = 0xfffd;

/** Collects records; the copy made here is the only one on the way to the socket. */
export class MessageBuilder {
  samples = 0;
  #records = 0;
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #end = HEAD_BYTES;
  /** Where the record of samples under way begins, and the samples before it. */
  #open: { readonly at: number; readonly first: number } | undefined;

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
    return this.#end + frameBytes <= MESSAGE_BYTES_MAX && this.samples < MESSAGE_SAMPLES_MAX;
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

  /** The message's bytes; nothing is added any more. */
  seal(): Buffer {
    this.#buffer.writeUInt32LE(MAGIC, 0);
    this.#buffer.writeUInt32LE(this.#records, 4);
    this.#buffer.writeUInt32LE(this.samples, 8);
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(HEAD_BYTES, this.#end)), 12);
    return this.#buffer.subarray(0, this.#end);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#end + bytes));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

function view(message: Uint8Array, offset: number): DataView {
  const bytes = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (message.byteLength < HEAD_BYTES || bytes.getUint32(0, true) !== MAGIC) throw foreign(offset, 'is not one of ours');
  return bytes;
}

function foreign(offset: number, what: string): LogError {
  return new LogError('log_corrupt', `message ${offset} of the log's topic ${what}`);
}

/** How many samples a message holds, by its head alone. Throws `log_corrupt`. */
export function samplesInMessage(message: Uint8Array, offset: number): number {
  return view(message, offset).getUint32(8, true);
}

/** The records of a message, views of its bytes. Throws `log_corrupt` for bytes that this product has not written. */
export function recordsOf(message: Uint8Array, offset: number): LogRecord[] {
  const head = view(message, offset);
  if (crc32(message.subarray(HEAD_BYTES)) !== head.getUint32(12, true)) throw foreign(offset, 'is damaged');
  const records: LogRecord[] = [];
  let samples = 0;
  let at = HEAD_BYTES;
  while (at < message.byteLength) {
    if (at + RECORD_HEAD_BYTES > message.byteLength) throw foreign(offset, 'is cut off');
    const start = at + RECORD_HEAD_BYTES;
    const length = head.getUint32(at, true);
    if (length < L.RECORD_HEAD || length % 8 !== 0 || start + length > message.byteLength) throw foreign(offset, 'is cut off');
    const payload = message.subarray(start, start + length);
    if (payload[0] === KIND_SAMPLES && head.getUint32(start + L.RECORD_FIRST, true) !== samples)
      throw foreign(offset, 'counts its samples wrongly');
    samples += samplesIn(payload);
    records.push({ seq: offset, payload });
    at = start + length;
  }
  if (records.length !== head.getUint32(4, true) || samples !== head.getUint32(8, true) || samples > MESSAGE_SAMPLES_MAX)
    throw foreign(offset, 'counts its records wrongly');
  return records;
}
