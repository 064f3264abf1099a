/**
 * The sample as other people's programs write it: white space between the tokens, counters in quotes, RFC 3339, null for what is not known, members
 * that we do not know. One pass, no escapes; anything else goes to judge.ts. Both give the same verdict: this one only ever accepts.
 */
import { writeGood } from './frame';
import { NIC_NAME_MAX, VM_NAME_MAX, textCause } from './judge';
import { skipSpace, skipValue } from './json';
import { digitsEnd, isPlain, nameEnd, shortDigits } from './text';
import { NO_INSTANT, instant } from './time';

// names of members with their closing quote, as little-endian words
const VM: u64 = 0x226d76;
const TS: u64 = 0x227374;
const NIC: u64 = 0x2263696e;
const EPOCH: u64 = 0x2268636f7065;
const STATE: u64 = 0x226574617473;
const CAUSE: u64 = 0x226573756163;
const RX_BYTES: u64 = 0x73657479625f7872;
const TX_BYTES: u64 = 0x73657479625f7874;
const THREE: u64 = 0xffffff;
const FOUR: u64 = 0xffffffff;
const SIX: u64 = 0xffffffffffff;
const SEVEN: u64 = 0xffffffffffffff;

// the beginnings of those that judge.ts reads
const STARTED_A: u64 = 0x5f64657472617473;
const LINK_MBP: u64 = 0x70626d5f6b6e696c;
const SUM: u64 = 0x226d7573;
const HOST: u64 = 0x2274736f68;
const FIVE: u64 = 0xffffffffff;
const HOLD_S: u64 = 0x22735f646c6f68;

const NULL: u32 = 0x6c6c756e;
const UP: u32 = 0x22707522; // "up"
const DOWN: u64 = 0x226e776f6422; // "down"

/** The size of the frame that the last successful call wrote. */
export let looseSize: u32 = 0;

/** The closing quote of the text that begins at p, 0 where it holds an escape, anything but ASCII, or does not end. */
function plainTextEnd(p: usize, end: usize): usize {
  while (p < end) {
    const c = <u32>load<u8>(p);
    if (c == 0x22) return p;
    if (c - 0x20 >= 0x60 || c == 0x5c) return 0;
    p++;
  }
  return 0;
}

/** skipSpace where there is mostly none, or one. */
// @ts-ignore: decorator
@inline
function past(p: usize, end: usize): usize {
  if (load<u8>(p) > 0x20) return p;
  return load<u8>(p) == 0x20 && load<u8>(p + 1) > 0x20 && p < end ? p + 1 : skipSpace(p, end);
}

// Where the value that was read last ends.
let valueEnd: usize = 0;

/** A name in quotes at p: its length, with `valueEnd` set; more than 64 for what is none. */
// @ts-ignore: decorator
@inline
function nameLength(p: usize): u32 {
  if (load<u8>(p) != 0x22) return 65;
  const q = nameEnd(p + 1);
  if (load<u8>(q) != 0x22) return 65;
  valueEnd = q + 1;
  return <u32>min<usize>(q - p - 1, 65);
}

/** A counter at p, with or without quotes. `valueEnd` is 0 for what is none or has twenty digits. */
// @ts-ignore: decorator
@inline
function counter(p: usize): u64 {
  const quote = <usize>(load<u8>(p) == 0x22);
  const value = shortDigits(p + quote);
  valueEnd = isPlain(p + quote) && (quote == 0 || load<u8>(digitsEnd) == 0x22) ? digitsEnd + quote : 0;
  return value;
}

/** Where the value begins of the member whose name has ended, 0 without a colon. `valueEnd` is what it is if the value is null or "up". */
// @ts-ignore: decorator
@inline
function valueAt(p: usize, end: usize): usize {
  p = past(p, end);
  if (load<u8>(p) != 0x3a) return 0;
  p = past(p + 1, end);
  valueEnd = p + 4;
  return p;
}

// @ts-ignore: decorator
@inline
function isNull(p: usize): bool {
  return load<u32>(p) == NULL;
}

/** The instant at p. `valueEnd` is 0 for what is none. */
function timestamp(p: usize, end: usize): i64 {
  let ts: i64;
  if (load<u8>(p) == 0x22) {
    const q = plainTextEnd(p + 1, end);
    ts = q == 0 ? NO_INSTANT : instant(p + 1, <u32>(q - p - 1));
    valueEnd = ts == NO_INSTANT ? 0 : q + 1;
  } else {
    ts = <i64>shortDigits(p);
    valueEnd = isPlain(p) ? digitsEnd : 0;
  }
  return ts;
}

/** The sample in [p, end) or at its beginning: writes a frame at `at` and answers the address after the closing brace, or 0 where judge must look. */
export function loose(p: usize, end: usize, at: usize): usize {
  let vm: usize = 0;
  let vmLength: u32 = 0;
  let nic: usize = 0;
  let nicLength: u32 = 0;
  let ts: i64 = -1;
  let rx: u64 = 0;
  let tx: u64 = 0;
  let epoch: u32 = 0;
  let counters: u32 = 0; // bit 0 rx, bit 1 tx
  let down: u32 = 0;
  let cause: u32 = 0;
  p = skipSpace(p, end);
  if (load<u8>(p) != 0x7b) return 0;
  while (true) {
    p = past(p + 1, end);
    if (load<u8>(p) != 0x22) return 0;
    const key = p + 1;
    const w = load<u64>(key);
    if ((w & THREE) == VM) {
      p = valueAt(key + 3, end);
      if (p == 0) return 0;
      vm = p + 1;
      vmLength = isNull(p) ? 0 : nameLength(p);
      if (vmLength > VM_NAME_MAX) return 0;
    } else if ((w & THREE) == TS) {
      p = valueAt(key + 3, end);
      if (p == 0) return 0;
      ts = isNull(p) ? -1 : timestamp(p, end);
      if (valueEnd == 0) return 0;
    } else if (w == RX_BYTES && load<u8>(key + 8) == 0x22) {
      p = valueAt(key + 9, end);
      if (p == 0) return 0;
      counters &= 2;
      if (!isNull(p)) {
        rx = counter(p);
        if (valueEnd == 0) return 0;
        counters |= 1;
      }
    } else if (w == TX_BYTES && load<u8>(key + 8) == 0x22) {
      p = valueAt(key + 9, end);
      if (p == 0) return 0;
      counters &= 1;
      if (!isNull(p)) {
        tx = counter(p);
        if (valueEnd == 0) return 0;
        counters |= 2;
      }
    } else if ((w & FOUR) == NIC) {
      p = valueAt(key + 4, end);
      if (p == 0) return 0;
      nic = p + 1;
      nicLength = isNull(p) ? 0 : nameLength(p);
      if (nicLength > NIC_NAME_MAX) return 0;
    } else if ((w & SIX) == EPOCH) {
      p = valueAt(key + 6, end);
      if (p == 0) return 0;
      epoch = 0;
      if (!isNull(p)) {
        const value = shortDigits(p);
        if (!isPlain(p) || value > 0xffffffff) return 0;
        epoch = <u32>value;
        valueEnd = digitsEnd;
      }
    } else if ((w & SIX) == STATE) {
      p = valueAt(key + 6, end);
      if (p == 0) return 0;
      down = 0;
      if (!isNull(p) && load<u32>(p) != UP) {
        if ((load<u64>(p) & SIX) != DOWN) return 0;
        down = 1;
        valueEnd = p + 6;
      }
    } else if ((w & SIX) == CAUSE) {
      p = valueAt(key + 6, end);
      if (p == 0) return 0;
      cause = 0;
      if (!isNull(p)) {
        const n = nameLength(p);
        if (n - 1 >= 13) return 0;
        cause = textCause(p + 1, n);
        if (cause == 0) return 0;
      }
    } else {
      const stop = plainTextEnd(key, end);
      if (stop == 0) return 0;
      p = valueAt(stop + 1, end);
      if (p == 0) return 0;
      if ((w == STARTED_A || w == LINK_MBP || (w & FOUR) == SUM || (w & FIVE) == HOST || (w & SEVEN) == HOLD_S) && !isNull(p)) return 0;
      valueEnd = skipValue(p, end);
      if (valueEnd == 0) return 0;
    }
    p = past(valueEnd, end);
    const c = load<u8>(p);
    if (c == 0x7d && p < end) break;
    if (c != 0x2c) return 0;
  }
  // of a counter that null took back
  if (counters == 0) {
    rx = 0;
    tx = 0;
  }
  looseSize = writeGood(at, vm, vmLength, nic, nicLength, ts, rx, tx, epoch, counters, down, cause);
  return looseSize == 0 ? 0 : p + 1;
}
