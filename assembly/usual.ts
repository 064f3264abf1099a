/**
 * The usual sample, which is nearly every one: of the newest interface of its VM (the one after the last, or one that was looked for), later than
 * all before, in the same condition as the one before and in its minute or the next, with counters that went on. It is taken in here in one stretch
 * without a call. Whatever is otherwise is noticed before anything is written, and left to `take` in aggregate.ts, which knows every case; both come
 * to the same.
 */
import {
  FLAG_AHEAD,
  FLAG_DOUBTS,
  FLAG_HOLDS,
  FLAG_REPAIR,
  FLAG_SILENT,
  FRAME_CONDITION,
  FRAME_EPOCH,
  FRAME_HEAD,
  FRAME_NIC_LENGTH,
  FRAME_RX,
  FRAME_TS,
  FRAME_VM_LENGTH,
  H_ARCHIVE,
  H_EVENT_CLOCK,
  H_LINK_BYTES_MS,
  H_REDO,
  H_STALENESS,
  H_VERSION,
  MINUTE_MS,
  NIC_BASE_CONDITION,
  NIC_BASE_EPOCH,
  NIC_BASE_RX,
  NIC_BASE_TS,
  NIC_DIRTY,
  NIC_LAST_CONDITION,
  NIC_LAST_EPOCH,
  NIC_LAST_TS,
  NIC_SUM_MINUTE,
  NIC_SUM_RX,
  NIC_SUM_TX,
  OUT_SAMPLES,
  VM_CONDITION,
  VM_FLAGS,
  VM_HEAD,
  VM_LAST_TS,
  VM_MINUTE,
  VM_NAMES,
  VM_NIC,
  VM_NIC_COUNT,
  VM_PARTS,
  VM_PREVIOUS_CONDITION,
  VM_PREVIOUS_TS,
  VM_PUBLISHED,
} from './layout';
import { emitTraffic, emitUptime } from './emit';
import { nicAt } from './intern';
import { multiplyDivide } from './spread';

/** An agent's name longer than this is left to `take`. */
const AGENT_SHORT: u32 = 32;

/** Do the padded names of two heads agree? `bytes` is a multiple of 8 up to 48, and not 16; vectors may overlap. */
function sameNames(a: usize, b: usize, bytes: usize): bool {
  if (bytes == 8) return load<u64>(a) == load<u64>(b);
  if (v128.any_true(v128.xor(v128.load(a), v128.load(b)))) return false;
  if (v128.any_true(v128.xor(v128.load(a + bytes - 16), v128.load(b + bytes - 16)))) return false;
  return bytes <= 32 || !v128.any_true(v128.xor(v128.load(a + 16), v128.load(b + 16)));
}

/** A name of up to 48 bytes with its length before it; up to 15 bytes past its end are written over. */
// @ts-ignore: decorator
@inline
function putShortName(at: usize, name: usize, length: u32): usize {
  store<u8>(at, <u8>length);
  v128.store(at + 1, v128.load(name));
  if (length > 16) {
    v128.store(at + 17, v128.load(name + 16));
    if (length > 32) v128.store(at + 33, v128.load(name + 32));
  }
  return at + 1 + length;
}

/** The sample lies within the minute after the open one: that is written out, with its share of the increase, and the next one begun. */
function crossMinute(vm: usize, nic: usize, ts: i64, moreRx: u64, moreTx: u64): void {
  const minute = load<u32>(vm + VM_MINUTE);
  const end = <i64>(minute + 1) * MINUTE_MS;
  const baseTs = load<i64>(nic + NIC_BASE_TS);
  const parts = vm + VM_PARTS;
  const part = parts + (<usize>load<u8>(vm + VM_CONDITION) << 1);
  store<u16>(part, <u16>(<u32>load<u16>(part) + <u32>(end - load<i64>(vm + VM_LAST_TS))));
  emitUptime(vm, minute, parts);
  store<u64>(parts, 0);
  store<u64>(parts + 8, 0);
  store<u16>(parts + 16, 0);
  store<u16>(part, <u16>(ts - end));
  store<u32>(vm + VM_MINUTE, minute + 1);

  const sumRx = load<u64>(nic + NIC_SUM_RX);
  const sumTx = load<u64>(nic + NIC_SUM_TX);
  if ((moreRx | moreTx) == 0) {
    if ((sumRx | sumTx) == 0) return;
    emitTraffic(vm, nic);
    store<u64>(nic + NIC_SUM_RX, 0);
    store<u64>(nic + NIC_SUM_TX, 0);
    store<u8>(nic + NIC_DIRTY, 0);
    return;
  }
  const dt = <u64>(ts - baseTs);
  const shareRx = multiplyDivide(moreRx, <u64>(end - baseTs), dt);
  const shareTx = multiplyDivide(moreTx, <u64>(end - baseTs), dt);
  store<u32>(nic + NIC_SUM_MINUTE, minute);
  store<u64>(nic + NIC_SUM_RX, sumRx + shareRx);
  store<u64>(nic + NIC_SUM_TX, sumTx + shareTx);
  emitTraffic(vm, nic);
  store<u32>(nic + NIC_SUM_MINUTE, minute + 1);
  store<u64>(nic + NIC_SUM_RX, moreRx - shareRx);
  store<u64>(nic + NIC_SUM_TX, moreTx - shareTx);
  store<u8>(nic + NIC_DIRTY, 1);
}

/** May samples of this agent be usual ones, as the terms are? Asked once a record; they change between records only. */
export function mayBeUsual(agentLength: u32): bool {
  if (agentLength > AGENT_SHORT || load<u32>(H_ARCHIVE) == 0) return false;
  return load<u32>(H_REDO) == 0 && load<u32>(H_EVENT_CLOCK) == 0 && load<u64>(H_LINK_BYTES_MS) >> 46 == 0;
}

/**
 * Takes the frame in if it is of this VM and usual, or answers false with nothing done. The outputs have room, and samples may be usual ones. Conditions
 * stand one by one, pairs of counters are kept in vectors and what is in memory is read again rather than kept: that is what the
 * engine turns into the fewest instructions.
 */
// @ts-ignore: decorator
@inline
export function takeUsual(frame: usize, agent: usize, agentLength: u32, vm: usize, version: u64, watermark: i64): bool {
  const head = load<u64>(frame);
  if (load<u64>(vm + VM_HEAD) != head) return false;
  if ((head & 0xffff) == <u64>FRAME_HEAD + 16) {
    if (v128.any_true(v128.xor(v128.load(vm + VM_NAMES), v128.load(frame + FRAME_HEAD)))) return false;
  } else if (!sameNames(vm + VM_NAMES, frame + FRAME_HEAD, (<usize>head & 0xffff) - FRAME_HEAD)) return false;
  const nic = nicAt(load<u32>(vm + VM_NIC) - 1);

  // the timeline: the same condition goes on
  const condition = <usize>load<u8>(vm + VM_CONDITION);
  if (<usize>load<u16>(frame + FRAME_CONDITION) != (condition | 0x100)) return false; // and has counters
  if ((load<u8>(vm + VM_FLAGS) & (FLAG_REPAIR | FLAG_SILENT | FLAG_AHEAD | FLAG_HOLDS | FLAG_DOUBTS)) != 0) return false;
  const ts = load<i64>(frame + FRAME_TS);
  const last = load<i64>(vm + VM_LAST_TS);
  if (ts <= last) return false;
  if (ts > last + load<i64>(H_STALENESS)) return false;
  if (ts < watermark) return false;
  const end = <i64>(load<u32>(vm + VM_MINUTE) + 1) * MINUTE_MS;

  // the counters: they have not fallen (none is so large that its sign says otherwise), nor gone faster than the link. The time is less
  // than two minutes, below 2¹⁷ ms, so the product fits.
  const baseTs = load<i64>(nic + NIC_BASE_TS);
  if (baseTs < end - MINUTE_MS) return false;
  if (load<u32>(frame + FRAME_EPOCH) != load<u32>(nic + NIC_BASE_EPOCH)) return false;
  const now = v128.load(frame + FRAME_RX);
  const base = v128.load(nic + NIC_BASE_RX);
  const more = i64x2.sub(now, base);
  const most = i64x2.splat(load<u64>(H_LINK_BYTES_MS) * <u64>(ts - baseTs));
  if (i64x2.bitmask(v128.or(v128.or(now, base), v128.or(more, i64x2.gt_s(more, most)))) != 0) return false;
  const sum = v128.load(nic + NIC_SUM_RX);
  if (load<u32>(nic + NIC_SUM_MINUTE) != load<u32>(vm + VM_MINUTE)) {
    if (v128.any_true(sum)) return false;
  }

  if (ts < end) {
    const part = vm + VM_PARTS + (condition << 1);
    store<u16>(part, <u16>(<u32>load<u16>(part) + <u32>(ts - last)));
    if (v128.any_true(more)) {
      store<u32>(nic + NIC_SUM_MINUTE, load<u32>(vm + VM_MINUTE));
      v128.store(nic + NIC_SUM_RX, i64x2.add(sum, more));
      store<u8>(nic + NIC_DIRTY, 1);
    }
  } else {
    if (ts == end) return false;
    if (ts >= end + MINUTE_MS) return false;
    if (load<u16>(vm + VM_NIC_COUNT) != 1) return false;
    store<u64>(H_VERSION, version);
    crossMinute(vm, nic, ts, i64x2.extract_lane(more, 0), i64x2.extract_lane(more, 1));
  }
  v128.store(vm + VM_PREVIOUS_TS, v128.load(vm + VM_LAST_TS)); // and the start of the run
  store<u8>(vm + VM_PREVIOUS_CONDITION, <u8>condition);
  store<i64>(vm + VM_LAST_TS, ts);
  store<u32>(vm + VM_PUBLISHED, 0);
  // the earliest deadline stands: this VM's has only moved away
  store<i64>(nic + NIC_BASE_TS, ts);
  v128.store(nic + NIC_BASE_RX, now);
  store<u8>(nic + NIC_BASE_CONDITION, <u8>condition);
  store<i64>(nic + NIC_LAST_TS, ts);
  store<u16>(nic + NIC_LAST_CONDITION, <u16>(condition | 0x100));
  store<u32>(nic + NIC_LAST_EPOCH, load<u32>(frame + FRAME_EPOCH));

  // the raw sample: the row that emitSample writes
  const vmLength = <u32>load<u8>(frame + FRAME_VM_LENGTH);
  let at = putShortName(<usize>load<u32>(OUT_SAMPLES + 4), frame + FRAME_HEAD, vmLength);
  at = putShortName(at, frame + FRAME_HEAD + vmLength, load<u8>(frame + FRAME_NIC_LENGTH));
  store<i64>(at, ts);
  store<u64>(at + 8, version);
  store<u16>(at + 16, <u16>(condition | 0x100));
  store<u32>(at + 18, load<u32>(frame + FRAME_EPOCH));
  v128.store(at + 22, now);
  store<u32>(OUT_SAMPLES + 4, <u32>putShortName(at + 38, agent, agentLength));
  return true;
}

/** The same for a VM that was looked for. */
export function takeUsualFound(frame: usize, agent: usize, agentLength: u32, vm: usize, version: u64, watermark: i64): bool {
  return takeUsual(frame, agent, agentLength, vm, version, watermark);
}
