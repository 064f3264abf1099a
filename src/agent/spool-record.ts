import { createHash } from 'node:crypto';

/**
 * A batch on disk:
 *
 *     0   4  "UPT1"
 *     4   4  body bytes, u32
 *     8   4  samples in the body, u32
 *    12   4  zero
 *    16   8  instant of the newest sample, ms since the epoch, u64
 *    24   8  first bytes of SHA-256 over bytes 0–23 and the body
 *    32   …  the body, exactly as it goes over the wire (gzipped NDJSON, or the binary format)
 *
 * Little-endian. The body is kept as sent, so that every retry sends the same bytes; which of the two it is,
 * its own first bytes say.
 */
export const RECORD_HEADER_BYTES = 32;
const MAGIC = 0x31545055;
const SUM_AT = 24;

export interface SpoolRecord {
  readonly body: Uint8Array;
  readonly samples: number;
  readonly lastAtMs: number;
}

export function encodeRecord(record: SpoolRecord): Buffer {
  const bytes = Buffer.alloc(RECORD_HEADER_BYTES + record.body.byteLength);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(record.body.byteLength, 4);
  bytes.writeUInt32LE(record.samples, 8);
  bytes.writeBigUInt64LE(BigInt(record.lastAtMs), 16);
  bytes.set(record.body, RECORD_HEADER_BYTES);
  checksum(bytes).copy(bytes, SUM_AT);
  return bytes;
}

/** The record that begins at `offset`, or null when there is no whole and undamaged one. */
export function decodeRecord(bytes: Buffer, offset: number): SpoolRecord | null {
  if (offset + RECORD_HEADER_BYTES > bytes.length || bytes.readUInt32LE(offset) !== MAGIC) return null;
  const end = offset + RECORD_HEADER_BYTES + bytes.readUInt32LE(offset + 4);
  if (end > bytes.length) return null;
  const record = bytes.subarray(offset, end);
  if (!checksum(record).equals(record.subarray(SUM_AT, RECORD_HEADER_BYTES))) return null;
  return {
    body: record.subarray(RECORD_HEADER_BYTES),
    samples: record.readUInt32LE(8),
    lastAtMs: Number(record.readBigUInt64LE(16)),
  };
}

function checksum(record: Buffer): Buffer {
  return createHash('sha256')
    .update(record.subarray(0, SUM_AT))
    .update(record.subarray(RECORD_HEADER_BYTES))
    .digest()
    .subarray(0, 8);
}
