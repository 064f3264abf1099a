/** Bytes and digits: names and integers sixteen bytes at a time, UTF-8. Everything may read up to 64 bytes past the end of the input. */

// One bit a byte value below 128: A–Z a–z 0–9 . _ : -
const NAME_LOW: u64 = 0x07ff600000000000;
const NAME_HIGH: u64 = 0x07fffffe87fffffe;

/** Is the byte one that names are made of? */
// @ts-ignore: decorator
@inline
export function isNameByte(c: u32): bool {
  return c < 128 && ((c < 64 ? NAME_LOW : NAME_HIGH) >> (c & 63) & 1) != 0;
}

// Constants of sixteen bytes are loaded: the engine builds a v128.const from four instructions, anew each time.
// A byte is of a name when what its low nibble may follow and what its high nibble is have a bit in common:
// 1 = - . after 2 · 2 = 0–9 : after 3, p–z after 7 · 4 = A–O after 4, a–o after 6 · 8 = P–Z _ after 5
const LOW_NIBBLE = memory.data<u8>([10, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 4, 4, 5, 5, 12], 16);
const HIGH_NIBBLE = memory.data<u8>([0, 0, 1, 2, 4, 8, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0], 16);
const NIBBLE = memory.data<u64>([0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f], 16);

/** Of the sixteen bytes at p, a bit for each that is none of a name's. */
// @ts-ignore: decorator
@inline
function otherBytes(p: usize): u32 {
  const nibble = v128.load(NIBBLE);
  const bytes = v128.load(p);
  const low = i8x16.swizzle(v128.load(LOW_NIBBLE), v128.and(bytes, nibble));
  const high = i8x16.swizzle(v128.load(HIGH_NIBBLE), v128.and(i16x8.shr_u(bytes, 4), nibble));
  return i8x16.bitmask(i8x16.eq(v128.and(low, high), i64x2.splat(0)));
}

/** The first byte at or after p that is none of a name's. */
// @ts-ignore: decorator
@inline
export function nameEnd(p: usize): usize {
  while (true) {
    const other = otherBytes(p);
    if (other != 0) return p + <usize>ctz(other);
    p += 16;
  }
}

// Whether the names of steps are let in. Transient: set by every call of decode.
let stepsAllowed: bool = false;

/** The archive may hold samples that versions before let in. */
export function allowPathSteps(allowed: bool): void {
  stepsAllowed = allowed;
}

/** Is the name `.` or `..`? These are steps in a path, to every client and proxy between: a VM of that name could not be asked about. */
// @ts-ignore: decorator
@inline
export function isPathStep(p: usize, length: u32): bool {
  return length <= 2 && !stepsAllowed && load<u8>(p) == 0x2e && load<u8>(p + length - 1) == 0x2e;
}

/** Are these bytes all of a name's? Unlike nameEnd it looks no further. */
export function isName(p: usize, length: u32): bool {
  for (; length > 16; length -= 16) {
    if (otherBytes(p) != 0) return false;
    p += 16;
  }
  return (otherBytes(p) & ((1 << length) - 1)) == 0;
}

// '0'–'9' + 70 are the largest signed bytes, 118–127
const ADD_70 = memory.data<u64>([0x4646464646464646, 0x4646464646464646], 16);
const ALL_117 = memory.data<u64>([0x7575757575757575, 0x7575757575757575], 16);
const ALL_48 = memory.data<u64>([0x3030303030303030, 0x3030303030303030], 16);
// at n: which byte goes where so that the first n come last and zeros before them
const TO_THE_RIGHT = memory.data<u64>([0xffffffffffffffff, 0xffffffffffffffff, 0x0706050403020100, 0x0f0e0d0c0b0a0908], 16);
const EVEN = memory.data<u64>([0x00ff00ff00ff00ff, 0x00ff00ff00ff00ff], 16);
const TENS = memory.data<u64>([0x000a000a000a000a, 0x000a000a000a000a], 16);
const HUNDREDS = memory.data<u64>([0x0001006400010064, 0x0001006400010064], 16);
const MYRIADS = memory.data<u64>([0x0001271000012710, 0x0001271000012710], 16);

/** The integer of at most 16 digits at p; of a longer one, what `digits` says. `digitsEnd` is set as there. */
// @ts-ignore: decorator
@inline
export function shortDigits(p: usize): u64 {
  const bytes = v128.load(p);
  const n = <usize>ctz(~i8x16.bitmask(i8x16.gt_s(i8x16.add(bytes, v128.load(ADD_70)), v128.load(ALL_117))));
  if (n == 16 && <u32>load<u8>(p + 16) - 48 < 10) return digits(p);
  digitsEnd = p + n;
  const ones = i8x16.swizzle(i8x16.sub(bytes, v128.load(ALL_48)), v128.load(TO_THE_RIGHT + n));
  const pairs = i16x8.add(i16x8.mul(v128.and(ones, v128.load(EVEN)), v128.load(TENS)), i16x8.shr_u(ones, 8));
  const fours = i32x4.dot_i16x8_s(pairs, v128.load(HUNDREDS));
  const eights = i64x2.extract_lane(i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), v128.load(MYRIADS)), 0);
  return (<u64>eights & 0xffffffff) * 100000000 + (<u64>eights >> 32);
}

const POWERS = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
]);

/** Non-zero bits in the first byte (from the low end) that is not a digit; zero when all eight are digits. */
// @ts-ignore: decorator
@inline
function notDigits(w: u64): u64 {
  return ((w & 0xf0f0f0f0f0f0f0f0) | (((w + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) ^ 0x3333333333333333;
}

/** The value of eight digits, the first in the lowest byte, each byte 0–9 (pairs, then fours, then eight at once). */
// @ts-ignore: decorator
@inline
function eight(d: u64): u64 {
  d = d * 10 + (d >> 8);
  return ((d & 0x000000ff000000ff) * 0x000f424000000064 + (d >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

/** Where the last `digits` call stopped. */
export let digitsEnd: usize = 0;

/** Is what was read at p, by any of these, a plain integer: 1–19 digits, no leading zero? */
// @ts-ignore: decorator
@inline
export function isPlain(p: usize): bool {
  const n = digitsEnd - p;
  return n - 1 < 19 && (n == 1 || load<u8>(p) != 0x30);
}

/**
 * The integer whose digits start at p. `digitsEnd` is the address after the last one; the caller checks that there were 1–19
 * (more would not fit) and no leading zero.
 */
// @ts-ignore: decorator
@inline
export function digits(p: usize): u64 {
  let value: u64 = 0;
  let w = load<u64>(p);
  let other = notDigits(w);
  if (other == 0) {
    value = eight(w ^ 0x3030303030303030);
    p += 8;
    w = load<u64>(p);
    other = notDigits(w);
    if (other == 0) {
      value = value * 100000000 + eight(w ^ 0x3030303030303030);
      p += 8;
      w = load<u64>(p);
      other = notDigits(w);
      if (other == 0) {
        digitsEnd = p + 8; // 24 digits or more: too many, whatever they are
        return value;
      }
    }
  }
  const n = ctz(other) >> 3;
  if (n != 0) {
    value = value * load<u64>(POWERS + (<usize>n << 3)) + eight((w ^ 0x3030303030303030) << (64 - (n << 3)));
    p += <usize>n;
  }
  digitsEnd = p;
  return value;
}

/**
 * The hash of a name: eight bytes a round, the end filled with zeros; never zero, so that zero can mean an empty
 * place. Frames hold it and partitions follow from it: it never changes (src/samples/vm-hash.ts, test/kernel/vm-hash.test.ts).
 */
// @ts-ignore: decorator
@inline
export function hashName(p: usize, length: u32): u32 {
  let h: u64 = 0x9e3779b97f4a7c15 ^ <u64>length;
  let left: i32 = <i32>length;
  while (left > 0) {
    let w = load<u64>(p);
    if (left < 8) w &= (<u64>1 << (<u64>left << 3)) - 1;
    h = (h ^ w) * 0xff51afd7ed558ccd;
    h ^= h >> 32;
    p += 8;
    left -= 8;
  }
  h *= 0xc4ceb9fe1a85ec53;
  return (<u32>(h >> 32)) | 1;
}

/** Copies a name in words of sixteen: it may write up to 15 bytes past its end, which the caller writes over or has room for. */
// @ts-ignore: decorator
@inline
export function copyNameWide(to: usize, from: usize, length: u32): void {
  v128.store(to, v128.load(from));
  for (let i: u32 = 16; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Do two stretches of bytes hold the same? */
export function sameBytes(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** The length of the well-formed UTF-8 sequence at p (RFC 3629: no overlong form, no surrogate, at most U+10FFFF), 0 if there is none. */
export function utf8Length(p: usize, end: usize): u32 {
  const a = <u32>load<u8>(p);
  if (a < 0x80) return 1;
  if (a < 0xc2 || a > 0xf4) return 0;
  const n: u32 = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
  if (p + n > end) return 0;
  const b = <u32>load<u8>(p + 1);
  const low: u32 = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
  const high: u32 = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
  if (b < low || b > high) return 0;
  for (let i: u32 = 2; i < n; i++) if ((load<u8>(p + i) & 0xc0) != 0x80) return 0;
  return n;
}
