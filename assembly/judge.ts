/**
 * The tolerant path: one sample in any form that JSON allows, judged rule by rule in the order of SPEC §1's table. It is slower and
 * never wrong; the fast path hands it everything it does not know at a glance, and every rejection comes from here.
 */
import {
  FIELD_CAUSE,
  FIELD_EPOCH,
  FIELD_HOLD_S,
  FIELD_HOST,
  FIELD_LINK_MBPS,
  FIELD_NIC,
  FIELD_RX_BYTES,
  FIELD_STARTED_AT,
  FIELD_STATE,
  FIELD_SUM,
  FIELD_TS,
  FIELD_TX_BYTES,
  FIELD_VM,
  H_NOW,
  H_OLDEST,
  H_SCRATCH,
  NONE,
  REJECT_BAD_CAUSE,
  REJECT_BAD_COUNTER,
  REJECT_BAD_EPOCH,
  REJECT_BAD_HOLD,
  REJECT_BAD_HOST,
  REJECT_BAD_LINK,
  REJECT_BAD_NIC,
  REJECT_BAD_STARTED_AT,
  REJECT_BAD_STATE,
  REJECT_BAD_SUM,
  REJECT_BAD_TS,
  REJECT_BAD_VM,
  REJECT_MALFORMED_JSON,
  REJECT_MISSING_FIELD,
  REJECT_TS_IN_FUTURE,
  REJECT_TS_TOO_OLD,
  REJECT_VM_NOT_ALLOWED,
} from './layout';
import { skipSpace, skipString, skipValue, unescape } from './json';
import { NO_INSTANT, instant } from './time';
import { digits, digitsEnd, isNameByte, isPathStep } from './text';
import { isAllowed } from './pattern';

export const FUTURE_MS: i64 = 300000;
export const VM_NAME_MAX: u32 = 64;
export const NIC_NAME_MAX: u32 = 32;
export const HOST_NAME_MAX: u32 = 64;
export const LINK_MBPS_MAX: u64 = 1000000;
export const HOLD_S_MAX: u64 = 3600;

/** No rejection code. */
export const ACCEPTED: u32 = 0xffff;
/** A verdict is a code and, times this, the field that is meant. */
export const FIELD: u32 = 256;

// What the last sample said. Transient: nothing here outlives a call of decode.
export let sampleTs: i64 = 0;
export let sampleRx: u64 = 0;
export let sampleTx: u64 = 0;
export let sampleEpoch: u32 = 0;
export let sampleCondition: u32 = 0;
export let sampleCounters: u32 = 0;
export let sampleVm: usize = 0;
export let sampleVmLength: u32 = 0;
export let sampleNic: usize = 0;
export let sampleNicLength: u32 = 0;
export let sampleHost: usize = 0;
export let sampleHostLength: u32 = 0;
export let samplePart: u32 = 0; // 0 both counters, 1 rx, 2 tx
export let sampleStarted: i64 = -1; // -1: not said
export let sampleLink: u32 = 0; // 0: not said
export let sampleIsSum: u32 = 0;
export let sampleHold: u32 = 0; // 0: not said

// Scratch: 16 × u32 addresses of the values (by field number), then room for unescaped texts.
function valueAt(field: u32): usize {
  return <usize>load<u32>(<usize>load<u32>(H_SCRATCH) + (<usize>field << 2));
}

/** Which of our keys is the string at p? 0 for any other. */
function fieldOf(p: usize): u32 {
  const to = <usize>load<u32>(H_SCRATCH) + 64;
  store<u64>(to, 0);
  store<u64>(to + 8, 0);
  const n = unescape(p, to, 10);
  const w = load<u64>(to);
  if (n == 2) return <u32>w == 0x6d76 ? FIELD_VM : <u32>w == 0x7374 ? FIELD_TS : 0;
  if (n == 3) return <u32>w == 0x63696e ? FIELD_NIC : <u32>w == 0x6d7573 ? FIELD_SUM : 0;
  if (n == 6) return w == 0x735f646c6f68 ? FIELD_HOLD_S : 0; // hold_s
  if (n == 4) return <u32>w == 0x74736f68 ? FIELD_HOST : 0;
  if (n == 5) return w == 0x68636f7065 ? FIELD_EPOCH : w == 0x6574617473 ? FIELD_STATE : w == 0x6573756163 ? FIELD_CAUSE : 0;
  if (n == 8) return w == 0x73657479625f7872 ? FIELD_RX_BYTES : w == 0x73657479625f7874 ? FIELD_TX_BYTES : 0;
  if (n == 9) return w == 0x70626d5f6b6e696c && load<u64>(to + 8) == 0x73 ? FIELD_LINK_MBPS : 0; // link_mbps
  if (n == 10) return w == 0x5f64657472617473 && load<u64>(to + 8) == 0x7461 ? FIELD_STARTED_AT : 0; // started_at
  return 0;
}

/** Reads an object's members and notes where the values of our keys are. Is the whole stretch one JSON object? */
function findFields(p: usize, end: usize): bool {
  const fields = <usize>load<u32>(H_SCRATCH);
  memory.fill(fields, 0, 64);
  p = skipSpace(p, end);
  if (p >= end || load<u8>(p) != 0x7b) return false;
  p = skipSpace(p + 1, end);
  if (p < end && load<u8>(p) == 0x7d) return skipSpace(p + 1, end) == end;
  while (true) {
    if (p >= end || load<u8>(p) != 0x22) return false;
    const key = p;
    p = skipString(p, end);
    if (p == 0) return false;
    p = skipSpace(p, end);
    if (p >= end || load<u8>(p) != 0x3a) return false;
    p = skipSpace(p + 1, end);
    const value = p;
    p = skipValue(p, end);
    if (p == 0) return false;
    const field = fieldOf(key);
    // null means absent, and the last of a repeated key counts
    if (field != 0) store<u32>(fields + (<usize>field << 2), load<u8>(value) == 0x6e ? 0 : <u32>value);
    p = skipSpace(p, end);
    if (p >= end) return false;
    const c = load<u8>(p);
    if (c == 0x7d) return skipSpace(p + 1, end) == end;
    if (c != 0x2c) return false;
    p = skipSpace(p + 1, end);
  }
}

// A number of digits only, as JSON writes it, or the same in a string. The value is in `integer`.
let integer: u64 = 0;
const INTEGER: u32 = 0;
const NOT_AN_INTEGER: u32 = 1;
const TOO_LARGE: u32 = 2;

/** Reads digits from p up to `end`: no sign, no leading zero, at most 2⁶⁴ − 1. */
function readInteger(p: usize, end: usize): u32 {
  const value = digits(p);
  let q = p;
  while (q < end && <u32>load<u8>(q) - 48 < 10) q++;
  const n = <u32>(q - p);
  if (q != end || n == 0 || (n > 1 && load<u8>(p) == 0x30)) return NOT_AN_INTEGER;
  if (n > 20) return TOO_LARGE;
  if (n < 20) {
    integer = value;
    return INTEGER;
  }
  // twenty digits: below 2⁶⁴ when the first nineteen are, with room for the last
  let head: u64 = 0;
  for (let i: usize = 0; i < 19; i++) head = head * 10 + <u64>(load<u8>(p + i) - 48);
  const last = <u64>(load<u8>(p + 19) - 48);
  if (head > 1844674407370955161 || (head == 1844674407370955161 && last > 5)) return TOO_LARGE;
  integer = head * 10 + last;
  return INTEGER;
}

function isDigit(c: u32): bool {
  return c - 48 < 10;
}

/** A JSON number: where it ends is where the value ends. */
function readNumber(p: usize, end: usize): u32 {
  return isDigit(load<u8>(p)) ? readInteger(p, skipValue(p, end)) : NOT_AN_INTEGER;
}

function readCounter(p: usize, end: usize): bool {
  if (load<u8>(p) != 0x22) return readNumber(p, end) == INTEGER;
  const text = <usize>load<u32>(H_SCRATCH) + 128;
  const n = unescape(p, text, 20);
  if (n > 20) return false;
  store<u64>(text + n, 0);
  return readInteger(text, text + n) == INTEGER;
}

/** A name into `to`; its length, or max + 1 for what is none. */
function readName(p: usize, to: usize, max: u32): u32 {
  if (load<u8>(p) != 0x22) return max + 1;
  const n = unescape(p, to, max);
  if (n > max) return n;
  for (let i: u32 = 0; i < n; i++) if (!isNameByte(load<u8>(to + i))) return max + 1;
  return n;
}

// The instant that was read last.
let instantRead: i64 = 0;

/** Reads an instant: ACCEPTED, REJECT_BAD_TS for what is none, REJECT_TS_IN_FUTURE beyond all numbers. */
function readInstant(p: usize, end: usize): u32 {
  if (load<u8>(p) == 0x22) {
    // a fraction may have any number of digits: a long text is unescaped where it stands, since it only gets shorter and is read once
    let text = <usize>load<u32>(H_SCRATCH) + 512;
    let n = unescape(p, text, 256);
    if (n > 256) {
      text = p + 1;
      n = unescape(p, text, u32.MAX_VALUE - 1);
    }
    instantRead = instant(text, n);
    return instantRead == NO_INSTANT ? REJECT_BAD_TS : ACCEPTED;
  }
  const verdict = readNumber(p, end);
  if (verdict == NOT_AN_INTEGER) return REJECT_BAD_TS;
  if (verdict == TOO_LARGE || integer > <u64>i64.MAX_VALUE) return REJECT_TS_IN_FUTURE;
  instantRead = <i64>integer;
  return ACCEPTED;
}

function readTs(p: usize, end: usize): u32 {
  const verdict = readInstant(p, end);
  if (verdict != ACCEPTED) return verdict;
  sampleTs = instantRead;
  if (sampleTs > load<i64>(H_NOW) + FUTURE_MS) return REJECT_TS_IN_FUTURE;
  if (sampleTs < load<i64>(H_OLDEST) || sampleTs < 0) return REJECT_TS_TOO_OLD;
  return ACCEPTED;
}

/** The code of the cause in the text of n bytes at p (which is zero-filled to 16), 0 for none. */
export function causeOf(p: usize, n: u32): u32 {
  const w = load<u64>(p);
  const v = load<u64>(p + 8);
  if (n == 8 && w == 0x72656469766f7270) return 1; // provider
  if (n == 11 && w == 0x61705f6472696874 && v == 0x797472) return 2; // third_party
  if (n == 11 && w == 0x616e65746e69616d && v == 0x65636e) return 3; // maintenance
  if (n == 13 && w == 0x616d5f6563726f66 && v == 0x657275656a) return 4; // force_majeure
  if (n == 6 && w == 0x6b6361747461) return 5; // attack
  if (n == 8 && w == 0x72656d6f74737563) return 6; // customer
  if (n == 7 && w == 0x73726165727261) return 7; // arrears
  return 0;
}

/** causeOf for a text of 1 to 13 bytes in the input: what follows the word is masked away. */
export function textCause(p: usize, n: u32): u32 {
  const a = load<u64>(p);
  const b = load<u64>(p + 8);
  const text = <usize>load<u32>(H_SCRATCH) + 128;
  store<u64>(text, n < 8 ? a & ((<u64>1 << (<u64>n << 3)) - 1) : a);
  store<u64>(text + 8, n <= 8 ? 0 : b & ((<u64>1 << (<u64>(n - 8) << 3)) - 1));
  return causeOf(text, n);
}

function readWord(p: usize, max: u32): u32 {
  if (load<u8>(p) != 0x22) return max + 1;
  const text = <usize>load<u32>(H_SCRATCH) + 128;
  memory.fill(text, 0, 32);
  return unescape(p, text, max);
}

/** The verdict on the sample in [p, end): ACCEPTED with the sample* values set, or code + field × 256. */
export function judge(p: usize, end: usize): u32 {
  if (!findFields(p, end)) return REJECT_MALFORMED_JSON;
  const scratch = <usize>load<u32>(H_SCRATCH);
  const vm = valueAt(FIELD_VM);
  if (vm == 0) return REJECT_MISSING_FIELD + FIELD_VM * FIELD;
  sampleVm = scratch + 192;
  sampleVmLength = readName(vm, sampleVm, VM_NAME_MAX);
  if (sampleVmLength == 0 || sampleVmLength > VM_NAME_MAX || isPathStep(sampleVm, sampleVmLength)) return REJECT_BAD_VM + FIELD_VM * FIELD;

  const ts = valueAt(FIELD_TS);
  if (ts == 0) return REJECT_MISSING_FIELD + FIELD_TS * FIELD;
  const when = readTs(ts, end);
  if (when != ACCEPTED) return when + FIELD_TS * FIELD;

  const nic = valueAt(FIELD_NIC);
  sampleNic = scratch + 320;
  sampleNicLength = nic == 0 ? 0 : readName(nic, sampleNic, NIC_NAME_MAX);
  if (sampleNicLength > NIC_NAME_MAX) return REJECT_BAD_NIC + FIELD_NIC * FIELD;

  const host = valueAt(FIELD_HOST);
  sampleHost = scratch + 832;
  sampleHostLength = host == 0 ? 0 : readName(host, sampleHost, HOST_NAME_MAX);
  if (sampleHostLength > HOST_NAME_MAX) return REJECT_BAD_HOST + FIELD_HOST * FIELD;

  const rx = valueAt(FIELD_RX_BYTES);
  const tx = valueAt(FIELD_TX_BYTES);
  sampleRx = 0;
  sampleTx = 0;
  sampleCounters = rx != 0 || tx != 0 ? 1 : 0;
  if (rx != 0) {
    if (!readCounter(rx, end)) return REJECT_BAD_COUNTER + FIELD_RX_BYTES * FIELD;
    sampleRx = integer;
  }
  if (tx != 0) {
    if (!readCounter(tx, end)) return REJECT_BAD_COUNTER + FIELD_TX_BYTES * FIELD;
    sampleTx = integer;
  }
  samplePart = sampleCounters == 0 || (rx != 0 && tx != 0) ? 0 : rx != 0 ? 1 : 2;

  const epoch = valueAt(FIELD_EPOCH);
  sampleEpoch = 0;
  if (epoch != 0) {
    if (readNumber(epoch, end) != INTEGER || integer > 0xffffffff) return REJECT_BAD_EPOCH + FIELD_EPOCH * FIELD;
    sampleEpoch = <u32>integer;
  }

  const started = valueAt(FIELD_STARTED_AT);
  sampleStarted = -1;
  if (started != 0) {
    if (readInstant(started, end) != ACCEPTED || instantRead < 0 || instantRead >= sampleTs) return REJECT_BAD_STARTED_AT + FIELD_STARTED_AT * FIELD;
    sampleStarted = instantRead;
  }

  const state = valueAt(FIELD_STATE);
  let down = false;
  sampleCondition = 0;
  if (state != 0) {
    const n = readWord(state, 4);
    const w = load<u32>(scratch + 128);
    down = n == 4 && w == 0x6e776f64;
    if (down) sampleCondition = 1;
    else if (n == 4 && w == 0x656e6f6e) sampleCondition = NONE;
    else if (n != 2 || w != 0x7075) return REJECT_BAD_STATE + FIELD_STATE * FIELD;
  }
  if (sampleCondition == NONE && sampleCounters == 0) return REJECT_MISSING_FIELD + FIELD_RX_BYTES * FIELD;
  const cause = valueAt(FIELD_CAUSE);
  if (cause != 0) {
    const n = readWord(cause, 13);
    const code = n > 13 ? 0 : causeOf(scratch + 128, n);
    if (!down || code == 0) return REJECT_BAD_CAUSE + FIELD_CAUSE * FIELD;
    sampleCondition = code;
  }
  const hold = valueAt(FIELD_HOLD_S);
  sampleHold = 0;
  if (hold != 0) {
    if (readNumber(hold, end) != INTEGER || integer - 1 >= HOLD_S_MAX) return REJECT_BAD_HOLD + FIELD_HOLD_S * FIELD;
    sampleHold = <u32>integer;
  }
  const link = valueAt(FIELD_LINK_MBPS);
  sampleLink = 0;
  if (link != 0) {
    if (readNumber(link, end) != INTEGER || integer - 1 >= LINK_MBPS_MAX) return REJECT_BAD_LINK + FIELD_LINK_MBPS * FIELD;
    sampleLink = <u32>integer;
  }
  const sum = valueAt(FIELD_SUM);
  sampleIsSum = 0;
  if (sum != 0) {
    const c = load<u8>(sum);
    if (c != 0x74 && c != 0x66) return REJECT_BAD_SUM + FIELD_SUM * FIELD;
    sampleIsSum = c == 0x74 ? 1 : 0;
  }
  if (!isAllowed(sampleVm, sampleVmLength)) return REJECT_VM_NOT_ALLOWED + FIELD_VM * FIELD;
  return ACCEPTED;
}
