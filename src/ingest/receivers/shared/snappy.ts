/** Snappy's block format, as remote write uses it: the length stands in front, and is looked at before anything is allocated. */
import { uncompressSync } from 'snappy';
import { BODY_BYTES_MAX } from '../../../kernel/decoder.ts';
import { ProblemError } from '../../../problems/problem.ts';
import { MalformedError } from './protobuf.ts';

/** The most that a block can grow: a copy of up to 64 bytes takes three of the block (format_description.txt of google/snappy). */
const GROWTH_MAX = 32;

/** Unpacks a block. Throws `body_too_large` where it says that it is larger than a body may be, MalformedError where it is damaged. */
export function unsnap(block: Uint8Array): Uint8Array {
  const length = declaredLength(block);
  if (length > BODY_BYTES_MAX)
    throw new ProblemError('body_too_large', `the body says that it holds ${length} bytes; at most ${BODY_BYTES_MAX} are taken`);
  if (length > block.length * GROWTH_MAX) throw new MalformedError(`a block of ${block.length} bytes cannot hold ${length}`);
  let unpacked: string | Buffer;
  try {
    // copied into memory of this process' own: what the library hands over otherwise is mapped and unmapped at every call, at six times the cost
    unpacked = uncompressSync(block, { asBuffer: true, copyOutputData: true });
  } catch (error) {
    throw new MalformedError(`the block is damaged: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof unpacked === 'string' || unpacked.length !== length)
    throw new MalformedError('the block does not hold what it says');
  return unpacked;
}

/** The length that stands in front, a varint of at most 32 bits. */
function declaredLength(block: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  throw new MalformedError('the block does not begin with its length');
}
