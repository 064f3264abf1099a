/**
 * What the log says of itself at a record: a checksum of the record and of every record before it, and how many samples were answered up to
 * it. Two logs that differ anywhere differ in it from there on, so that it proves a record sound and a position to be of this log's history.
 * CRC-32 finds any burst of 32 flipped bits; a second sum of other arithmetic makes 64 bits of it, for histories that are far longer than bursts.
 */
import { crc32 } from 'node:zlib';

export interface LogMark {
  /** 16 hex digits; '' for records of before there were checks. */
  readonly check: string;
  /** Samples in records up to here since the log began. */
  readonly samples: bigint;
}

/** Where a chain of records has come to. */
export interface Chain {
  crc: number;
  mix: number;
}

export const CHAIN_START: Readonly<Chain> = { crc: 0, mix: 0 };

const FACTOR = 0x9e3779b1;

/** Takes a record's bytes in. @param bytes of the record @param words the same bytes, a multiple of four of them */
export function advance(chain: Chain, bytes: Uint8Array, words: Uint32Array): void {
  chain.crc = crc32(bytes, chain.crc);
  let mix = chain.mix;
  for (const word of words) {
    mix = Math.imul(mix ^ word, FACTOR);
    mix = (mix << 13) | (mix >>> 19);
  }
  chain.mix = mix >>> 0;
}

/** As text, to be kept elsewhere and compared. */
export function checkText({ crc, mix }: Readonly<Chain>): string {
  return crc.toString(16).padStart(8, '0') + mix.toString(16).padStart(8, '0');
}

export function chainOf(check: string): Chain {
  return { crc: Number.parseInt(check.slice(0, 8), 16), mix: Number.parseInt(check.slice(8), 16) };
}

/** A checksum of bytes that stand alone. */
export function sumOf(bytes: Uint8Array): number {
  return crc32(bytes);
}
