/**
 * One flipped bit is the damage that memory and disks do most. Where it is follows from the CRC, which is linear: the difference between what a
 * record's CRC is and what it should be is another for every bit. The second sum, which is not linear, has to agree, so that damage of more
 * bits is taken for one bit's once in some 10¹³ times at the largest record, and never guessed at.
 */
const POLYNOMIAL = 0xedb88320;

/** How many bits before the end of the bytes the one is whose flip makes this difference; -1 where none does. */
export function flippedBit(difference: number, bytes: number): number {
  const wanted = difference | 0;
  let made = POLYNOMIAL | 0;
  for (let fromEnd = 0; fromEnd < 8 * bytes; fromEnd++) {
    if (made === wanted) return fromEnd;
    made = (made >>> 1) ^ ((made & 1) === 0 ? 0 : POLYNOMIAL);
  }
  return -1;
}

/** Flips the bit of a byte string that is so many bits before its end, in the order in which the CRC takes them. */
export function flipFromEnd(bytes: Uint8Array, fromEnd: number): void {
  const at = bytes.length - 1 - Math.floor(fromEnd / 8);
  bytes[at] = (bytes[at] ?? 0) ^ (0x80 >>> (fromEnd & 7));
}

/** In how many bits two words differ. */
export function bitsBetween(a: number, b: number): number {
  let bits = 0;
  for (let rest = (a ^ b) >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) bits++;
  return bits;
}
