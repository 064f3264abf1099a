/**
 * A request's bytes → frames and rejections. The usual line (our keys in any order, no white space, no escapes, plain integers) is read
 * here in one pass; anything else goes to loose.ts, and from there to judge.ts. All give the same verdict: the first two only ever accept.
 */
import {
  H_ACCEPTED,
  H_FRAMES,
  H_FRAMES_END,
  H_INPUT,
  H_REJECTED,
  H_REJECTED_BY_CODE,
  H_SAMPLES_MAX,
  H_SEEN,
  REJECTIONS,
} from './layout';
import {
  ACCEPTED,
  judge,
  sampleCondition,
  sampleCounters,
  sampleEpoch,
  sampleHold,
  sampleHost,
  sampleHostLength,
  sampleIsSum,
  sampleLink,
  sampleNic,
  sampleNicLength,
  samplePart,
  sampleRx,
  sampleStarted,
  sampleTs,
  sampleTx,
  sampleVm,
  sampleVmLength,
  textCause,
} from './judge';
import { decodeBinary } from './binary';
import { MALFORMED, OK, TOO_MANY, reject, sayMore, writeFrame, writeGood } from './frame';
import { skipSpace, skipValue } from './json';
import { loose, looseSize } from './loose';
import { allowPathSteps, digits, digitsEnd, hashName, isPlain, nameEnd, shortDigits } from './text';

// the beginnings of members as little-endian words
const KEY_VM: u64 = 0x223a226d7622; // "vm":"
const KEY_TS: u64 = 0x3a22737422; // "ts":
const KEY_NIC: u64 = 0x223a2263696e22; // "nic":"
const KEY_RX: u64 = 0x657479625f787222; // "rx_byte
const KEY_TX: u64 = 0x657479625f787422; // "tx_byte
const KEY_BYTES_END: u32 = 0x003a2273; // s":
const KEY_EPOCH: u64 = 0x3a2268636f706522; // "epoch":
const KEY_STATE: u64 = 0x3a22657461747322; // "state":
const KEY_CAUSE: u64 = 0x3a22657375616322; // "cause":

// the line as our own agents write it: what comes before each value
const SEVEN: u64 = 0x00ffffffffffffff;
const HEAD_VM: u64 = 0x00223a226d76227b; // {"vm":"
const THEN_TS: u64 = 0x003a227374222c22; // ","ts":
const THEN_NIC: u64 = 0x223a2263696e222c; // ,"nic":"
const THEN_RX: u64 = 0x7479625f7872222c; // ,"rx_byt
const THEN_TX: u64 = 0x7479625f7874222c; // ,"tx_byt
const BYTES_END: u32 = 0x3a227365; // es":

let frameSize: u32 = 0;

/**
 * The usual sample at p: writes a frame at `at` and answers the address after its closing brace, or 0 where judge must look. The order of
 * keys that our agents write is met first, without a choice at each key; whatever comes after it, or instead, is read key by key.
 */
function quick(p: usize, at: usize): usize {
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
  const head = load<u64>(p);
  if (<u8>head != 0x7b) return 0;
  let c: u32 = 0x2c;
  if ((head & SEVEN) == HEAD_VM) {
    vm = p + 7;
    p = nameEnd(vm);
    vmLength = <u32>(p - vm);
    if ((load<u64>(p) & SEVEN) == THEN_TS) {
      ts = <i64>shortDigits(p + 7);
      if (!isPlain(p + 7)) return 0;
      p = digitsEnd;
      if (load<u64>(p) == THEN_NIC) {
        nic = p + 8;
        p = nameEnd(nic);
        nicLength = <u32>(p - nic);
        if (load<u8>(p) != 0x22) return 0;
        p++;
      }
      if (load<u64>(p) == THEN_RX && load<u32>(p + 8) == BYTES_END) {
        rx = shortDigits(p + 12);
        if (!isPlain(p + 12)) return 0;
        p = digitsEnd;
        counters = 1;
        if (load<u64>(p) == THEN_TX && load<u32>(p + 8) == BYTES_END) {
          tx = shortDigits(p + 12);
          if (!isPlain(p + 12)) return 0;
          p = digitsEnd;
          counters = 3;
        }
      }
    } else {
      if (load<u8>(p) != 0x22) return 0;
      p++;
    }
    c = load<u8>(p);
  }
  p++;
  while (c == 0x2c) {
    const w = load<u64>(p);
    if (w == KEY_RX) {
      if ((load<u32>(p + 8) & 0xffffff) != KEY_BYTES_END) return 0;
      p += 11;
      rx = digits(p);
      if (!isPlain(p)) return 0;
      p = digitsEnd;
      counters |= 1;
    } else if (w == KEY_TX) {
      if ((load<u32>(p + 8) & 0xffffff) != KEY_BYTES_END) return 0;
      p += 11;
      tx = digits(p);
      if (!isPlain(p)) return 0;
      p = digitsEnd;
      counters |= 2;
    } else if ((w & 0xffffffffffff) == KEY_VM) {
      vm = p + 6;
      p = nameEnd(vm);
      vmLength = <u32>(p - vm);
      if (load<u8>(p) != 0x22) return 0;
      p++;
    } else if ((w & 0xffffffffff) == KEY_TS) {
      p += 5;
      ts = <i64>digits(p);
      if (!isPlain(p)) return 0;
      p = digitsEnd;
    } else if ((w & SEVEN) == KEY_NIC) {
      nic = p + 7;
      p = nameEnd(nic);
      nicLength = <u32>(p - nic);
      if (load<u8>(p) != 0x22) return 0;
      p++;
    } else if (w == KEY_EPOCH) {
      p += 8;
      const value = digits(p);
      if (!isPlain(p) || value > 0xffffffff) return 0;
      epoch = <u32>value;
      p = digitsEnd;
    } else if (w == KEY_STATE) {
      const v = load<u64>(p + 8);
      if ((v & 0xffffffff) == 0x22707522) {
        down = 0;
        p += 12;
      } else if ((v & 0xffffffffffff) == 0x226e776f6422) {
        down = 1;
        p += 14;
      } else return 0;
    } else if (w == KEY_CAUSE) {
      const from = p + 9;
      p = nameEnd(from);
      const n = <u32>(p - from);
      if (load<u8>(from - 1) != 0x22 || load<u8>(p) != 0x22 || n - 1 >= 13) return 0;
      cause = textCause(from, n);
      if (cause == 0) return 0;
      p++;
    } else return 0;
    c = load<u8>(p);
    p++;
  }
  if (c != 0x7d) return 0;
  frameSize = writeGood(at, vm, vmLength, nic, nicLength, ts, rx, tx, epoch, counters, down, cause);
  return frameSize == 0 ? 0 : p;
}

/** Judges [p, end) and writes the frame at `at`, or the rejection; the frame's size or 0. */
function slow(p: usize, end: usize, at: usize, index: u32): u32 {
  const verdict = judge(p, end);
  if (verdict != ACCEPTED) {
    reject(index, verdict);
    return 0;
  }
  const size = writeFrame(
    at,
    sampleVm,
    sampleVmLength,
    sampleNic,
    sampleNicLength,
    hashName(sampleVm, sampleVmLength),
    sampleTs,
    sampleRx,
    sampleTx,
    sampleEpoch,
    sampleCondition,
    sampleCounters,
  );
  return sayMore(at, size, sampleStarted, sampleLink, sampleIsSum, sampleHold, sampleHost, sampleHostLength, samplePart);
}

function lineEnd(p: usize, end: usize): usize {
  while (p + 8 <= end) {
    const w = load<u64>(p) ^ 0x0a0a0a0a0a0a0a0a;
    const zero = (w - 0x0101010101010101) & ~w & 0x8080808080808080;
    if (zero != 0) return p + <usize>(ctz(zero) >> 3);
    p += 8;
  }
  while (p < end && load<u8>(p) != 0x0a) p++;
  return p;
}

function decodeLines(p: usize, end: usize): u32 {
  let at = <usize>load<u32>(H_FRAMES);
  let index: u32 = 0;
  let accepted: u32 = 0;
  const max = load<u32>(H_SAMPLES_MAX);
  while (p < end) {
    store<u32>(H_FRAMES_END, <u32>at);
    let next = quick(p, at);
    if (next != 0) {
      if (load<u8>(next) == 0x0d) next++;
      next = load<u8>(next) == 0x0a ? next + 1 : 0; // the host puts a line feed after the last byte
    }
    if (next != 0) {
      if (index == max) return TOO_MANY;
      at += frameSize;
      accepted++;
      index++;
      p = next;
      continue;
    }
    const stop = lineEnd(p, end);
    const first = skipSpace(p, stop);
    if (first != stop) {
      if (index == max) return TOO_MANY;
      const after = loose(first, stop, at);
      const size = after != 0 && skipSpace(after, stop) == stop ? looseSize : slow(first, stop, at, index);
      at += size;
      if (size != 0) accepted++;
      index++;
    }
    p = stop + 1;
  }
  store<u32>(H_FRAMES_END, <u32>at);
  store<u32>(H_ACCEPTED, accepted);
  store<u32>(H_SEEN, index);
  return OK;
}

function decodeDocument(p: usize, end: usize): u32 {
  let at = <usize>load<u32>(H_FRAMES);
  store<u32>(H_FRAMES_END, <u32>at);
  const max = load<u32>(H_SAMPLES_MAX);
  p = skipSpace(p, end);
  if (p >= end) return MALFORMED;
  let index: u32 = 0;
  let accepted: u32 = 0;
  const single = load<u8>(p) == 0x7b;
  if (!single) {
    if (load<u8>(p) != 0x5b) return MALFORMED;
    p = skipSpace(p + 1, end);
  }
  if (single || p >= end || load<u8>(p) != 0x5d) {
    while (true) {
      p = skipSpace(p, end);
      store<u32>(H_FRAMES_END, <u32>at);
      let next = quick(p, at);
      let size = frameSize;
      if (next == 0) {
        next = loose(p, end, at);
        size = looseSize;
      }
      if (next == 0) {
        next = skipValue(p, end);
        if (next == 0) return MALFORMED;
        if (index == max) return TOO_MANY;
        size = slow(p, next, at, index);
      } else if (index == max) return TOO_MANY;
      at += size;
      if (size != 0) accepted++;
      index++;
      p = skipSpace(next, end);
      if (single) break;
      if (p >= end) return MALFORMED;
      const c = load<u8>(p);
      p++;
      if (c == 0x5d) break;
      if (c != 0x2c) return MALFORMED;
    }
  } else p++;
  if (skipSpace(p, end) != end) return MALFORMED;
  store<u32>(H_FRAMES_END, <u32>at);
  store<u32>(H_ACCEPTED, accepted);
  store<u32>(H_SEEN, index);
  return OK;
}

/**
 * Decodes `length` bytes at the input buffer. mode 0: a sample a line; 1: one JSON document (both after a byte order mark, if there is one); 2: the binary format; 3: lines of the archive, whose VMs may have names that are refused today. Answers 0 (frames between H_FRAMES and
 * H_FRAMES_END, counts and rejections set), 1 (more samples than H_SAMPLES_MAX) or 2 (the document is not JSON, or neither a sample
 * nor an array; the bytes are not of the binary format); at 1 and 2 the frames mean nothing.
 */
export function decode(length: u32, mode: u32): u32 {
  let p = <usize>load<u32>(H_INPUT);
  const end = p + length;
  store<u8>(end, 0x0a);
  memory.fill(end + 1, 0, 63);
  store<u32>(H_ACCEPTED, 0);
  store<u32>(H_REJECTED, 0);
  store<u32>(H_SEEN, 0);
  memory.fill(H_REJECTED_BY_CODE, 0, REJECTIONS << 2);
  store<u32>(H_FRAMES_END, load<u32>(H_FRAMES));
  // RFC 8259 §8.1 lets a reader skip the mark that some tools put before UTF-8; anywhere else it is no JSON
  if (mode != 2 && length >= 3 && (load<u32>(p) & 0xffffff) == 0xbfbbef) p += 3;
  allowPathSteps(mode == 3);
  return mode == 0 || mode == 3 ? decodeLines(p, end) : mode == 1 ? decodeDocument(p, end) : decodeBinary(p, end);
}
