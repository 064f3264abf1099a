/**
 * The tolerant reader: RFC 8259 to the letter, any depth (a bit a level, no recursion), no value is built. Each function takes the
 * address of a value and the end of the text, and answers the address after the value, or 0 where the text is not JSON.
 */
import { H_STACK } from './layout';
import { utf8Length } from './text';

/** The first byte at or after p that is no JSON white space. */
// @ts-ignore: decorator
@inline
export function skipSpace(p: usize, end: usize): usize {
  while (p < end) {
    const c = load<u8>(p);
    if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) break;
    p++;
  }
  return p;
}

function isHex(c: u32): bool {
  return c - 48 < 10 || (c | 32) - 97 < 6;
}

/** A string, p at its opening quote. */
export function skipString(p: usize, end: usize): usize {
  p++;
  while (p < end) {
    const c = <u32>load<u8>(p);
    if (c == 0x22) return p + 1;
    if (c < 0x20) return 0;
    if (c == 0x5c) {
      if (p + 1 >= end) return 0;
      const e = <u32>load<u8>(p + 1);
      if (e == 0x75) {
        if (p + 6 > end) return 0;
        for (let i: usize = 2; i < 6; i++) if (!isHex(load<u8>(p + i))) return 0;
        p += 6;
      } else if (e == 0x22 || e == 0x5c || e == 0x2f || e == 0x62 || e == 0x66 || e == 0x6e || e == 0x72 || e == 0x74) {
        p += 2;
      } else return 0;
    } else if (c < 0x80) {
      p++;
    } else {
      const n = utf8Length(p, end);
      if (n == 0) return 0;
      p += n;
    }
  }
  return 0;
}

function skipDigits(p: usize, end: usize): usize {
  while (p < end && <u32>load<u8>(p) - 48 < 10) p++;
  return p;
}

function skipNumber(p: usize, end: usize): usize {
  if (load<u8>(p) == 0x2d) p++;
  if (p >= end) return 0;
  if (load<u8>(p) == 0x30) p++;
  else {
    const q = skipDigits(p, end);
    if (q == p) return 0;
    p = q;
  }
  if (p < end && load<u8>(p) == 0x2e) {
    const q = skipDigits(p + 1, end);
    if (q == p + 1) return 0;
    p = q;
  }
  if (p < end && (load<u8>(p) | 32) == 0x65) {
    p++;
    if (p < end && (load<u8>(p) == 0x2b || load<u8>(p) == 0x2d)) p++;
    const q = skipDigits(p, end);
    if (q == p) return 0;
    p = q;
  }
  return p;
}

function skipScalar(p: usize, end: usize): usize {
  const c = <u32>load<u8>(p);
  if (c == 0x22) return skipString(p, end);
  if (c == 0x2d || c - 48 < 10) return skipNumber(p, end);
  if (p + 4 <= end && load<u32>(p) == 0x65757274) return p + 4; // true
  if (p + 4 <= end && load<u32>(p) == 0x6c6c756e) return p + 4; // null
  if (p + 5 <= end && c == 0x66 && load<u32>(p + 1) == 0x65736c61) return p + 5; // false
  return 0;
}

/** A member's name and its colon, p at the quote; answers the address of what comes after the colon. */
function skipName(p: usize, end: usize): usize {
  if (p >= end || load<u8>(p) != 0x22) return 0;
  p = skipString(p, end);
  if (p == 0) return 0;
  p = skipSpace(p, end);
  if (p >= end || load<u8>(p) != 0x3a) return 0;
  return p + 1;
}

/** Any value, p at its first byte or at white space before it. Depth is bounded by the input: one bit of the stack a level. */
export function skipValue(p: usize, end: usize): usize {
  const stack = <usize>load<u32>(H_STACK);
  let depth: usize = 0;
  while (true) {
    p = skipSpace(p, end);
    if (p >= end) return 0;
    const c = <u32>load<u8>(p);
    if (c == 0x7b || c == 0x5b) {
      const open = c == 0x7b;
      p = skipSpace(p + 1, end);
      if (p >= end) return 0;
      if (load<u8>(p) == <u8>(c + 2)) {
        p++; // empty: the value is complete
      } else {
        const at = stack + (depth >> 3);
        const bit = <u8>1 << <u8>(depth & 7);
        store<u8>(at, open ? load<u8>(at) | bit : load<u8>(at) & ~bit);
        depth++;
        if (open) {
          p = skipName(p, end);
          if (p == 0) return 0;
        }
        continue;
      }
    } else {
      p = skipScalar(p, end);
      if (p == 0) return 0;
    }
    // a value is complete: close what closes, go on after a comma
    while (true) {
      if (depth == 0) return p;
      p = skipSpace(p, end);
      if (p >= end) return 0;
      const d = <u32>load<u8>(p);
      const top = depth - 1;
      const inObject = (load<u8>(stack + (top >> 3)) >> <u8>(top & 7) & 1) != 0;
      p++;
      if (d == 0x2c) {
        if (inObject) {
          p = skipName(skipSpace(p, end), end);
          if (p == 0) return 0;
        }
        break;
      }
      if (d != (inObject ? 0x7d : 0x5d)) return 0;
      depth--;
    }
  }
}

function hexValue(c: u32): u32 {
  return c < 58 ? c - 48 : (c | 32) - 87;
}

/**
 * The text of a valid string (p at its opening quote), escapes resolved, into `to`: at most `max` bytes, and `max + 1` is answered for
 * anything longer. What is not ASCII becomes 0xff: no name, key or word of ours holds any.
 */
export function unescape(p: usize, to: usize, max: u32): u32 {
  let n: u32 = 0;
  p++;
  while (true) {
    let c = <u32>load<u8>(p);
    if (c == 0x22) return n;
    if (c == 0x5c) {
      const e = <u32>load<u8>(p + 1);
      p += 2;
      if (e == 0x75) {
        const u = hexValue(load<u8>(p)) << 12 | hexValue(load<u8>(p + 1)) << 8 | hexValue(load<u8>(p + 2)) << 4 | hexValue(load<u8>(p + 3));
        p += 4;
        c = u < 128 ? u : 0xff;
      } else {
        c = e == 0x6e ? 10 : e == 0x74 ? 9 : e == 0x72 ? 13 : e == 0x62 ? 8 : e == 0x66 ? 12 : e;
      }
    } else {
      p++;
      if (c >= 128) c = 0xff;
    }
    if (n == max) return max + 1;
    store<u8>(to + n, <u8>c);
    n++;
  }
}
