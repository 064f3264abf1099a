/** Which VMs a key may post for: globs in which * stands for any run of characters. */
import { H_PATTERNS, H_PATTERN_COUNT } from './layout';

/** Does the pattern (at its length byte) match the name? One step back to the last star at most: at worst length × length steps. */
function matches(pattern: usize, name: usize, length: u32): bool {
  const patternLength = <u32>load<u8>(pattern);
  pattern++;
  let i: u32 = 0;
  let j: u32 = 0;
  let star: u32 = 0;
  let mark: u32 = 0;
  while (i < length) {
    if (j < patternLength && load<u8>(pattern + j) == 0x2a) {
      j++;
      star = j;
      mark = i;
    } else if (j < patternLength && load<u8>(pattern + j) == load<u8>(name + i)) {
      i++;
      j++;
    } else if (star != 0) {
      mark++;
      i = mark;
      j = star;
    } else return false;
  }
  while (j < patternLength && load<u8>(pattern + j) == 0x2a) j++;
  return j == patternLength;
}

/** May the request's key post for this VM? The host writes the patterns (a length byte, then the text) before it calls decode. */
export function isAllowed(name: usize, length: u32): bool {
  const count = load<u32>(H_PATTERN_COUNT);
  if (count == 0) return true;
  let p = <usize>load<u32>(H_PATTERNS);
  for (let i: u32 = 0; i < count; i++) {
    if (matches(p, name, length)) return true;
    p += 1 + <usize>load<u8>(p);
  }
  return false;
}
