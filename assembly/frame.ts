/** What every decoder writes: frames, and rejections. */
import {
  FRAME_CONDITION,
  FRAME_COUNTERS,
  FRAME_EPOCH,
  FRAME_HASH,
  FRAME_HEAD,
  FRAME_MORE,
  FRAME_MORE_HOLD,
  FRAME_MORE_LINK,
  FRAME_MORE_HOST,
  FRAME_MORE_SAYS,
  FRAME_MORE_STARTED,
  FRAME_NIC_LENGTH,
  FRAME_RX,
  FRAME_SAYS_MORE,
  FRAME_SIZE,
  FRAME_TS,
  FRAME_TX,
  FRAME_VM_LENGTH,
  H_NOW,
  H_OLDEST,
  H_PATTERN_COUNT,
  H_REJECTED,
  H_REJECTED_BY_CODE,
  H_REJECTS,
} from './layout';
import { FUTURE_MS, NIC_NAME_MAX, VM_NAME_MAX } from './judge';
import { isAllowed } from './pattern';
import { copyNameWide, hashName, isPathStep } from './text';

// what decode answers
export const OK: u32 = 0;
export const TOO_MANY: u32 = 1;
export const MALFORMED: u32 = 2;

/** Errors that are told one by one; the rest is counted. */
const REJECTS_TOLD: u32 = 100;

/** Writes a frame at `at`; its size. */
// @ts-ignore: decorator
@inline
export function writeFrame(
  at: usize,
  vm: usize,
  vmLength: u32,
  nic: usize,
  nicLength: u32,
  hash: u32,
  ts: i64,
  rx: u64,
  tx: u64,
  epoch: u32,
  condition: u32,
  counters: u32,
): u32 {
  const names = at + FRAME_HEAD;
  const size = (<u32>FRAME_HEAD + vmLength + nicLength + 7) & ~7;
  copyNameWide(names, vm, vmLength);
  copyNameWide(names + vmLength, nic, nicLength);
  store<u64>(names + vmLength + nicLength, 0);
  store<u16>(at + FRAME_SIZE, <u16>size);
  store<u8>(at + FRAME_VM_LENGTH, <u8>vmLength);
  store<u8>(at + FRAME_NIC_LENGTH, <u8>nicLength);
  store<u32>(at + FRAME_HASH, hash);
  store<i64>(at + FRAME_TS, ts);
  store<u64>(at + FRAME_RX, rx);
  store<u64>(at + FRAME_TX, tx);
  store<u32>(at + FRAME_EPOCH, epoch);
  store<u32>(at + FRAME_CONDITION, condition | counters << 8);
  return size;
}

/**
 * Adds to the frame of `size` bytes at `at` what few samples say; its new size.
 * @param started -1, link 0, hold 0: not said @param part 0 both counters, 1 rx, 2 tx
 */
export function sayMore(
  at: usize,
  size: u32,
  started: i64,
  link: u32,
  isSum: u32,
  hold: u32,
  host: usize,
  hostLength: u32,
  part: u32,
): u32 {
  if (started < 0 && (link | isSum | hold | hostLength | part) == 0) return size;
  if (hostLength != 0) {
    const names = <u32>FRAME_HEAD + load<u8>(at + FRAME_VM_LENGTH) + load<u8>(at + FRAME_NIC_LENGTH);
    memory.copy(at + names, host, hostLength);
    store<u64>(at + names + hostLength, 0);
    size = (names + hostLength + 7) & ~7;
  }
  const more = at + size;
  store<i64>(more + FRAME_MORE_STARTED, started);
  store<u32>(more + FRAME_MORE_LINK, link);
  store<u8>(more + FRAME_MORE_SAYS, <u8>(isSum | part << 1));
  store<u8>(more + FRAME_MORE_HOST, <u8>hostLength);
  store<u16>(more + FRAME_MORE_HOLD, <u16>hold);
  store<u16>(at + FRAME_SIZE, <u16>(size + <u32>FRAME_MORE));
  store<u8>(at + FRAME_COUNTERS, <u8>(load<u8>(at + FRAME_COUNTERS) | FRAME_SAYS_MORE));
  return size + <u32>FRAME_MORE;
}

/**
 * Judges a sample that has been read without doubt about what it says (`ts` -1: absent; `counters` bit 0 rx, bit 1 tx; `cause` 0: none named) and
 * writes its frame at `at`: its size, or 0 where anything is wrong, which judge.ts then names.
 */
// @ts-ignore: decorator
@inline
export function writeGood(
  at: usize,
  vm: usize,
  vmLength: u32,
  nic: usize,
  nicLength: u32,
  ts: i64,
  rx: u64,
  tx: u64,
  epoch: u32,
  counters: u32,
  down: u32,
  cause: u32,
): u32 {
  if (vmLength - 1 >= VM_NAME_MAX || nicLength > NIC_NAME_MAX || isPathStep(vm, vmLength)) return 0;
  // a half is for judge
  if (ts < 0 || counters == 1 || counters == 2 || (cause != 0 && down == 0)) return 0;
  if (ts > load<i64>(H_NOW) + FUTURE_MS || ts < load<i64>(H_OLDEST)) return 0;
  if (load<u32>(H_PATTERN_COUNT) != 0 && !isAllowed(vm, vmLength)) return 0;
  if (down != 0 && cause == 0) cause = 1;
  return writeFrame(at, vm, vmLength, nic, nicLength, hashName(vm, vmLength), ts, rx, tx, epoch, cause, counters >> 1);
}

/** Notes a rejection: the first hundred one by one, all of them by code. */
export function reject(index: u32, verdict: u32): void {
  const code = verdict & 0xff;
  const told = load<u32>(H_REJECTED);
  if (told < REJECTS_TOLD) {
    const at = <usize>load<u32>(H_REJECTS) + (<usize>told << 3);
    store<u32>(at, index);
    store<u32>(at + 4, verdict);
  }
  store<u32>(H_REJECTED, told + 1);
  const count = H_REJECTED_BY_CODE + (<usize>code << 2);
  store<u32>(count, load<u32>(count) + 1);
}
