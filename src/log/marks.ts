/**
 * The two marks of a log that stand beside its segments: how far it goes (the head), and before what it was given up (the trim mark). Each
 * carries a checksum. Marks of the version before, 16 and 8 bytes without one, are read.
 *
 *   head  0 u64 next sequence number, 8 u64 samples since the log began, 16 u32 u32 the chain after the last record, 24 the log's id (16 bytes,
 *         zeros without one), 40 u64 sequence number of the record that gave it, 48 u32 CRC-32 of the 48 bytes before
 *   trim  0 u64 sequence number, 8 u64 samples before it, 16 u32 u32 the chain before it, 24 u32 CRC-32 of the 24 bytes before
 */
import { CHAIN_START, chainOf, checkText, type LogMark, sumOf } from './check.ts';
import { LogError } from './log.ts';

export interface Head {
  readonly nextSeq: number;
  readonly samplesAppended: bigint;
  /** The chain after the last record. */
  readonly check: string;
  /** '' for a log that has none yet. */
  readonly logId: string;
  /** The record that gave it: those before are of the version before ids. */
  readonly idSeq: number;
}

export interface Trim {
  readonly beforeSeq: number;
  /** What the log said of itself before that record; undefined where it was not known. */
  readonly mark: LogMark | undefined;
}

export const EMPTY_HEAD: Head = { nextSeq: 0, samplesAppended: 0n, check: checkText(CHAIN_START), logId: '', idSeq: 0 };
export const NOT_TRIMMED: Trim = { beforeSeq: 0, mark: { check: checkText(CHAIN_START), samples: 0n } };

const HEAD_BYTES = 52;
const HEAD_1_BYTES = 16;
const TRIM_BYTES = 28;
const TRIM_1_BYTES = 8;
const SUM_BYTES = 4;
/** Samples before a trim mark in the part of before there were checks. */
const UNKNOWN = 2n ** 64n - 1n;
const NO_ID = '0'.repeat(32);

export function encodeHead({ nextSeq, samplesAppended, check, logId, idSeq }: Head): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.writeBigUInt64BE(BigInt(nextSeq), 0);
  bytes.writeBigUInt64BE(samplesAppended, 8);
  bytes.write(check, 16, 'hex');
  bytes.write(logId === '' ? NO_ID : logId, 24, 'hex');
  bytes.writeBigUInt64BE(BigInt(idSeq), 40);
  return withSum(bytes);
}

export function decodeHead(bytes: Buffer): Head {
  if (bytes.byteLength === HEAD_1_BYTES)
    return { ...EMPTY_HEAD, nextSeq: Number(bytes.readBigUInt64BE(0)), samplesAppended: bytes.readBigUInt64BE(8) };
  if (!isSound(bytes, HEAD_BYTES))
    throw new LogError('log_corrupt', "the log's head record is damaged: its checksum does not fit");
  const logId = bytes.toString('hex', 24, 40);
  return {
    nextSeq: Number(bytes.readBigUInt64BE(0)),
    samplesAppended: bytes.readBigUInt64BE(8),
    check: bytes.toString('hex', 16, 24),
    logId: logId === NO_ID ? '' : logId,
    idSeq: Number(bytes.readBigUInt64BE(40)),
  };
}

export function encodeTrim({ beforeSeq, mark }: Trim): Buffer {
  const bytes = Buffer.alloc(TRIM_BYTES);
  bytes.writeBigUInt64BE(BigInt(beforeSeq), 0);
  bytes.writeBigUInt64BE(mark?.samples ?? UNKNOWN, 8);
  if (mark === undefined) return withSum(bytes);
  const { crc, mix } = chainOf(mark.check);
  bytes.writeUInt32BE(crc, 16);
  bytes.writeUInt32BE(mix, 20);
  return withSum(bytes);
}

export function decodeTrim(bytes: Buffer): Trim {
  if (bytes.byteLength === TRIM_1_BYTES) return { beforeSeq: Number(bytes.readBigUInt64BE(0)), mark: undefined };
  if (!isSound(bytes, TRIM_BYTES)) throw new LogError('log_corrupt', "the log's trim mark is damaged: its checksum does not fit");
  const chain = { crc: bytes.readUInt32BE(16), mix: bytes.readUInt32BE(20) };
  const samples = bytes.readBigUInt64BE(8);
  const mark = samples === UNKNOWN ? undefined : { check: checkText(chain), samples };
  return { beforeSeq: Number(bytes.readBigUInt64BE(0)), mark };
}

function withSum(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(sumOf(bytes.subarray(0, bytes.byteLength - SUM_BYTES)), bytes.byteLength - SUM_BYTES);
  return bytes;
}

function isSound(bytes: Buffer, size: number): boolean {
  return bytes.byteLength === size && sumOf(bytes.subarray(0, size - SUM_BYTES)) === bytes.readUInt32BE(size - SUM_BYTES);
}
