/**
 * The binary format (schemas/samples-binary.md draws it) → frames and rejections, by the rules of judge.ts. Values that break a rule reject
 * their sample; bytes that are not of the format at all make the whole body malformed. Nothing is read beyond 64 bytes after the end,
 * where zeros are: a record has at most 61 bytes before it says more, and one that ends after the end is noticed before and after that.
 */
import {
  FIELD_EPOCH,
  FIELD_HOLD_S,
  FIELD_HOST,
  FIELD_LINK_MBPS,
  FIELD_NIC,
  FIELD_RX_BYTES,
  FIELD_STARTED_AT,
  FIELD_TS,
  FIELD_TX_BYTES,
  FIELD_VM,
  H_ACCEPTED,
  H_FRAMES,
  H_FRAMES_END,
  H_NOW,
  H_OLDEST,
  H_PATTERN_COUNT,
  H_SAMPLES_MAX,
  H_SEEN,
  H_TABLE,
  NONE,
  REJECT_BAD_COUNTER,
  REJECT_BAD_EPOCH,
  REJECT_BAD_HOLD,
  REJECT_BAD_HOST,
  REJECT_BAD_LINK,
  REJECT_BAD_NIC,
  REJECT_BAD_STARTED_AT,
  REJECT_BAD_VM,
  REJECT_MISSING_FIELD,
  REJECT_TS_IN_FUTURE,
  REJECT_TS_TOO_OLD,
  REJECT_VM_NOT_ALLOWED,
} from './layout';
import { MALFORMED, OK, TOO_MANY, reject, sayMore, writeFrame } from './frame';
import { FIELD, FUTURE_MS, HOLD_S_MAX, HOST_NAME_MAX, LINK_MBPS_MAX, NIC_NAME_MAX, VM_NAME_MAX } from './judge';
import { isAllowed } from './pattern';
import { hashName, isName, isPathStep } from './text';

const MAGIC: u32 = 0x01535055; // UPS and the version

// the flags of a record
const CONDITION: u32 = 7;
const COUNTERS: u32 = 8;
const WITH_EPOCH: u32 = 16;
const MORE: u32 = 32; // a byte follows that says which of these do

// what a record may say more
const STARTED: u32 = 1;
const LINK: u32 = 2;
const SUM: u32 = 4;
const NO_STATE: u32 = 8;
const HOLD: u32 = 16;
const HOST: u32 = 32;
const HALF: u32 = 192; // 64 rx, 128 tx

// a name: u32 address · u32 length · u32 hash · u32 1 when it is made of a name's bytes
const ENTRY: usize = 16;

const SEVENS: u64 = 0x7f7f7f7f7f7f7f7f;

/** Where the last varint ended; 0 when it was none. */
let varintEnd: usize = 0;

/** The unsigned LEB128 at p: at most ten bytes, below 2⁶⁴. */
// @ts-ignore: decorator
@inline
function varint(p: usize): u64 {
  const w = load<u64>(p);
  if ((w & 0x80) == 0) {
    varintEnd = p + 1;
    return w & 0x7f;
  }
  const stop = ~w & ~SEVENS;
  if (stop == 0) return longVarint(p, sevens(w & SEVENS));
  const bits = <u64>ctz(stop) + 1;
  varintEnd = p + <usize>(bits >> 3);
  return sevens(w & SEVENS & (<u64>-1 >> (64 - bits)));
}

/** Eight groups of seven bits put together, pair by pair. */
// @ts-ignore: decorator
@inline
function sevens(w: u64): u64 {
  w = w & 0x007f007f007f007f | (w & 0x7f007f007f007f00) >> 1;
  w = w & 0x00003fff00003fff | (w & 0x3fff00003fff0000) >> 2;
  return w & 0x0fffffff | (w & 0x0fffffff00000000) >> 4;
}

function longVarint(p: usize, low: u64): u64 {
  const ninth = <u64>load<u8>(p + 8);
  const tenth = ninth < 0x80 ? 0 : <u64>load<u8>(p + 9);
  varintEnd = tenth > 1 ? 0 : ninth < 0x80 ? p + 9 : p + 10;
  return low | (ninth & 0x7f) << 56 | tenth << 63;
}

// What the last record said more; transient.
let moreStarted: i64 = -1;
let moreLink: u32 = 0;
let moreIsSum: u32 = 0;
let moreHold: u32 = 0;
let moreCondition: u32 = 0;
let moreHost: usize = 0;
let moreHostLength: u32 = 0;
let morePart: u32 = 0;
let moreVerdict: u32 = 0;
/** In place of an epoch: something else of the record is bad. */
const BAD_MORE: u64 = u64.MAX_VALUE;

/** Reads what a record of `ts` with these flags says more, from `varintEnd` on; false where it is not of the format. */
function readMore(end: usize, ts: i64, flags: u32, rx: u64, tx: u64, names: u64): bool {
  if (varintEnd >= end) return false;
  const says = <u32>load<u8>(varintEnd);
  if ((says & HALF) == HALF) return false;
  varintEnd++;
  moreStarted = -1;
  moreLink = 0;
  moreIsSum = (says & SUM) >> 2;
  moreHold = 0;
  moreCondition = flags & CONDITION;
  moreHostLength = 0;
  morePart = says >> 6;
  moreVerdict = 0;
  if ((says & NO_STATE) != 0) {
    if (moreCondition != 0) return false;
    moreCondition = NONE;
  }
  if ((says & STARTED) != 0) {
    const before = varint(varintEnd);
    if (varintEnd == 0) return false;
    if (before == 0 || before > <u64>max<i64>(ts, 0)) moreVerdict = REJECT_BAD_STARTED_AT + FIELD_STARTED_AT * FIELD;
    else moreStarted = ts - <i64>before;
  }
  // in the order of what is judged; the bytes stand in the order of the bits
  if ((flags & COUNTERS) == 0) {
    if (morePart != 0) moreVerdict = REJECT_MISSING_FIELD + (morePart == 1 ? FIELD_RX_BYTES : FIELD_TX_BYTES) * FIELD;
    else if (moreVerdict == 0 && moreCondition == NONE) moreVerdict = REJECT_MISSING_FIELD + FIELD_RX_BYTES * FIELD;
  } else if (morePart == 1 && tx != 0) moreVerdict = REJECT_BAD_COUNTER + FIELD_TX_BYTES * FIELD;
  else if (morePart == 2 && rx != 0) moreVerdict = REJECT_BAD_COUNTER + FIELD_RX_BYTES * FIELD;
  let linkVerdict: u32 = 0;
  if ((says & LINK) != 0) {
    const link = varint(varintEnd);
    if (varintEnd == 0) return false;
    if (link - 1 < LINK_MBPS_MAX) moreLink = <u32>link;
    else linkVerdict = REJECT_BAD_LINK + FIELD_LINK_MBPS * FIELD;
  }
  if ((says & HOLD) != 0) {
    const hold = varint(varintEnd);
    if (varintEnd == 0) return false;
    if (hold - 1 < HOLD_S_MAX) moreHold = <u32>hold;
    else if (moreVerdict == 0) moreVerdict = REJECT_BAD_HOLD + FIELD_HOLD_S * FIELD;
  }
  if (moreVerdict == 0) moreVerdict = linkVerdict;
  if ((says & HOST) != 0) {
    const place = varint(varintEnd);
    if (varintEnd == 0 || place >= names) return false;
    const entry = <usize>load<u32>(H_TABLE) + <usize>place * ENTRY;
    moreHost = <usize>load<u32>(entry);
    moreHostLength = load<u32>(entry + 4);
    if (moreHostLength > HOST_NAME_MAX || load<u32>(entry + 12) == 0) moreVerdict = REJECT_BAD_HOST + FIELD_HOST * FIELD;
  }
  return true;
}

/** Is what this code says looked at before the epoch? */
function comesBeforeEpoch(code: u32): bool {
  return code == REJECT_BAD_HOST || code == REJECT_BAD_COUNTER || (code == REJECT_MISSING_FIELD && morePart != 0);
}

/** Reads the names into the table; the address after them, or 0. */
function readNames(p: usize, end: usize, count: u32): usize {
  let entry = <usize>load<u32>(H_TABLE);
  for (let i: u32 = 0; i < count; i++) {
    if (p >= end) return 0;
    const length = <u32>load<u8>(p);
    p++;
    if (p + length > end) return 0;
    store<u32>(entry, <u32>p);
    store<u32>(entry + 4, length);
    store<u32>(entry + 8, hashName(p, length));
    store<u32>(entry + 12, length <= VM_NAME_MAX && isName(p, length) ? 1 : 0);
    entry += ENTRY;
    p += length;
  }
  return p;
}

/** Decodes [p, end): what `decode` answers. */
export function decodeBinary(p: usize, end: usize): u32 {
  if (end - p < 5 || load<u32>(p) != MAGIC) return MALFORMED;
  const max = load<u32>(H_SAMPLES_MAX);
  const names = varint(p + 4);
  if (varintEnd == 0 || varintEnd > end || names > <u64>max * 3) return MALFORMED;
  p = readNames(varintEnd, end, <u32>names);
  if (p == 0) return MALFORMED;
  const table = <usize>load<u32>(H_TABLE);
  let at = <usize>load<u32>(H_FRAMES);
  let ts: i64 = 0;
  let index: u32 = 0;
  let accepted: u32 = 0;
  while (p < end) {
    const flags = <u32>load<u8>(p);
    if (flags > (CONDITION | COUNTERS | WITH_EPOCH | MORE)) return MALFORMED;
    const vmIndex = varint(p + 1);
    if (varintEnd == 0 || vmIndex >= names) return MALFORMED;
    const nicIndex = varint(varintEnd);
    if (varintEnd == 0 || nicIndex > names) return MALFORMED;
    const step = varint(varintEnd);
    if (varintEnd == 0) return MALFORMED;
    ts += <i64>(step >> 1) ^ -(<i64>step & 1);
    let rx: u64 = 0;
    let tx: u64 = 0;
    if ((flags & COUNTERS) != 0) {
      rx = varint(varintEnd);
      if (varintEnd == 0) return MALFORMED;
      tx = varint(varintEnd);
      if (varintEnd == 0) return MALFORMED;
    }
    let epoch: u64 = 0;
    if (flags >= WITH_EPOCH) {
      if ((flags & WITH_EPOCH) != 0) {
        epoch = varint(varintEnd);
        if (varintEnd == 0) return MALFORMED;
      }
      if ((flags & MORE) != 0) {
        if (!readMore(end, ts, flags, rx, tx, names)) return MALFORMED;
        // so that the usual record is asked nothing more
        if (moreVerdict != 0 && (epoch <= 0xffffffff || comesBeforeEpoch(moreVerdict & 0xff))) epoch = BAD_MORE;
        else moreVerdict = REJECT_BAD_EPOCH + FIELD_EPOCH * FIELD;
      }
    }
    p = varintEnd;
    if (p > end) return MALFORMED;
    if (index == max) return TOO_MANY;

    const vm = table + <usize>vmIndex * ENTRY;
    const vmName = <usize>load<u32>(vm);
    const vmLength = load<u32>(vm + 4);
    let nicName: usize = vmName;
    let nicLength: u32 = 0;
    let nicGood: u32 = 1;
    if (nicIndex != 0) {
      const nic = table + <usize>(nicIndex - 1) * ENTRY;
      nicName = <usize>load<u32>(nic);
      nicLength = load<u32>(nic + 4);
      nicGood = load<u32>(nic + 12);
    }
    let verdict: u32 = 0;
    if (vmLength == 0 || load<u32>(vm + 12) == 0 || isPathStep(vmName, vmLength)) verdict = REJECT_BAD_VM + FIELD_VM * FIELD;
    else if (ts > load<i64>(H_NOW) + FUTURE_MS) verdict = REJECT_TS_IN_FUTURE + FIELD_TS * FIELD;
    else if (ts < load<i64>(H_OLDEST) || ts < 0) verdict = REJECT_TS_TOO_OLD + FIELD_TS * FIELD;
    else if (nicLength > NIC_NAME_MAX || nicGood == 0) verdict = REJECT_BAD_NIC + FIELD_NIC * FIELD;
    else if (epoch > 0xffffffff) verdict = flags >= MORE ? moreVerdict : REJECT_BAD_EPOCH + FIELD_EPOCH * FIELD;
    else if (load<u32>(H_PATTERN_COUNT) != 0 && !isAllowed(vmName, vmLength)) verdict = REJECT_VM_NOT_ALLOWED + FIELD_VM * FIELD;
    if (verdict != 0) {
      reject(index, verdict);
    } else {
      const hash = load<u32>(vm + 8);
      const counters = flags >> 3 & 1;
      const condition = flags >= MORE ? moreCondition : flags & CONDITION;
      const size = writeFrame(at, vmName, vmLength, nicName, nicLength, hash, ts, rx, tx, <u32>epoch, condition, counters);
      at += flags >= MORE ? sayMore(at, size, moreStarted, moreLink, moreIsSum, moreHold, moreHost, moreHostLength, morePart) : size;
      accepted++;
    }
    index++;
  }
  store<u32>(H_FRAMES_END, <u32>at);
  store<u32>(H_ACCEPTED, accepted);
  store<u32>(H_SEEN, index);
  return OK;
}
