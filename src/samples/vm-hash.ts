/**
 * The hash of a VM's name that every frame carries (FRAME_HASH), computed outside the kernel. It is part of the formats that are stored: frames in
 * logs hold it and partitions follow from it, so it never changes; test/kernel/vm-hash.test.ts pins it by literal values.
 */
const MASK = 0xffff_ffff_ffff_ffffn;

/**
 * Eight bytes of the name a round, the end filled with zeros: xor, multiply, fold the upper half into the lower; one multiplication more, and
 * of that the upper 32 bits with the lowest set, so that it is never zero. Well mixed from bit 1 up: take the upper bits, never `hash % 2`.
 * @param name a valid VM name: ASCII, 1 to 64 characters
 */
export function vmHash(name: string): number {
  const bytes = Buffer.from(name, 'latin1');
  const padded = Buffer.alloc((bytes.length + 7) & ~7);
  padded.set(bytes);
  let h = 0x9e37_79b9_7f4a_7c15n ^ BigInt(bytes.length);
  for (let at = 0; at < padded.length; at += 8) {
    h = ((h ^ padded.readBigUInt64LE(at)) * 0xff51_afd7_ed55_8ccdn) & MASK;
    h ^= h >> 32n;
  }
  h = (h * 0xc4ce_b9fe_1a85_ec53n) & MASK;
  return (Number(h >> 32n) | 1) >>> 0;
}

/** Which of `partitions` (1 to 2²⁰) a hash belongs to: hash × partitions / 2³², which uses the well-mixed upper bits. Never changes either. */
export function partitionOf(hash: number, partitions: number): number {
  return Math.floor((hash * partitions) / 2 ** 32);
}
