/**
 * Rows in ClickHouse's RowBinary, in the column order of schemas/clickhouse: a string is its length (one byte here: every name is
 * shorter than 128) and its bytes, a DateTime u32 seconds, a DateTime64(3) i64 milliseconds. The caller has made sure of the room.
 */
import {
  CHAIN_HOST,
  CHAIN_HOST_LENGTH,
  CHAIN_PART,
  COLD_EMIT_UNTIL,
  EMIT_SLICE,
  FRAME_CONDITION,
  FRAME_COUNTERS,
  FRAME_EPOCH,
  FRAME_HEAD,
  FRAME_MORE,
  FRAME_MORE_HOLD,
  FRAME_MORE_LINK,
  FRAME_MORE_HOST,
  FRAME_MORE_SAYS,
  FRAME_MORE_STARTED,
  FRAME_NIC_LENGTH,
  FRAME_RX,
  FRAME_SIZE,
  FRAME_TS,
  FRAME_TX,
  FRAME_VM_LENGTH,
  H_VERSION,
  MINUTE_MS,
  NIC_BASE_CONDITION,
  NIC_BASE_EPOCH,
  NIC_BASE_RX,
  NIC_BASE_TS,
  NIC_BASE_TX,
  NIC_NAME,
  NIC_NAME_LENGTH,
  NIC_TOLD,
  NIC_SUM_MINUTE,
  NIC_SUM_RX,
  NIC_SUM_TX,
  OUT_ANOMALIES,
  OUT_CHAINS,
  OUT_FULL,
  OUT_LATE,
  OUT_OUTAGES,
  OUT_SAMPLES,
  OUT_TRAFFIC,
  OUT_UPTIME,
  VM_EMIT_FROM,
  VM_NAME_LENGTH,
} from './layout';
import { NEVER, coldOf, isTold, nameOfVm, nicNameLength, slotOfVm, tellingOf, vmAt } from './intern';
import { copyNameWide } from './text';
import { creditNanos, priceMinute, unavailable } from './credit';

// @ts-ignore: decorator
@inline
function putName(at: usize, name: usize, length: u32): usize {
  store<u8>(at, <u8>length);
  copyNameWide(at + 1, name, length);
  return at + 1 + length;
}

// @ts-ignore: decorator
@inline
function putVm(at: usize, vm: usize): usize {
  return putName(at, nameOfVm(vm), load<u8>(vm + VM_NAME_LENGTH));
}

// @ts-ignore: decorator
@inline
function putNic(at: usize, nic: usize): usize {
  return putName(at, nic + NIC_NAME, nicNameLength(nic));
}

/** The host and the half of what counts. */
function putChain(at: usize, nic: usize): usize {
  if (!isTold(nic)) {
    store<u16>(at, 0);
    return at + 2;
  }
  const telling = tellingOf(nic);
  at = putName(at, telling + CHAIN_HOST, load<u8>(telling + CHAIN_HOST_LENGTH));
  store<u8>(at, load<u8>(telling + CHAIN_PART));
  return at + 1;
}

/** A raw sample: vm, nic, ts, pos, condition, has_counters, epoch, rx_bytes, tx_bytes, agent. */
// @ts-ignore: decorator
@inline
export function emitSample(frame: usize, agent: usize, agentLength: u32): void {
  let at = <usize>load<u32>(OUT_SAMPLES + 4);
  const vmLength = <u32>load<u8>(frame + FRAME_VM_LENGTH);
  at = putName(at, frame + FRAME_HEAD, vmLength);
  at = putName(at, frame + FRAME_HEAD + vmLength, load<u8>(frame + FRAME_NIC_LENGTH));
  store<i64>(at, load<i64>(frame + FRAME_TS));
  store<u64>(at + 8, load<u64>(H_VERSION));
  store<u16>(at + 16, load<u16>(frame + FRAME_CONDITION)); // condition, has_counters
  store<u32>(at + 18, load<u32>(frame + FRAME_EPOCH));
  store<u64>(at + 22, load<u64>(frame + FRAME_RX));
  store<u64>(at + 30, load<u64>(frame + FRAME_TX));
  at = putName(at + 38, agent, agentLength);
  store<u32>(OUT_SAMPLES + 4, <u32>at);
}

/** A raw sample that says more: the same with started_ms, link_mbps, is_sum, hold_s, host and part before the agent. */
export function emitFull(frame: usize, agent: usize, agentLength: u32): void {
  let at = <usize>load<u32>(OUT_FULL + 4);
  const vmLength = <u32>load<u8>(frame + FRAME_VM_LENGTH);
  const more = frame + load<u16>(frame + FRAME_SIZE) - FRAME_MORE;
  at = putName(at, frame + FRAME_HEAD, vmLength);
  at = putName(at, frame + FRAME_HEAD + vmLength, load<u8>(frame + FRAME_NIC_LENGTH));
  store<i64>(at, load<i64>(frame + FRAME_TS));
  store<u64>(at + 8, load<u64>(H_VERSION));
  store<u8>(at + 16, load<u8>(frame + FRAME_CONDITION));
  store<u8>(at + 17, load<u8>(frame + FRAME_COUNTERS) & 1);
  store<u32>(at + 18, load<u32>(frame + FRAME_EPOCH));
  store<u64>(at + 22, load<u64>(frame + FRAME_RX));
  store<u64>(at + 30, load<u64>(frame + FRAME_TX));
  store<i64>(at + 38, load<i64>(more + FRAME_MORE_STARTED));
  store<u32>(at + 46, load<u32>(more + FRAME_MORE_LINK));
  const says = load<u8>(more + FRAME_MORE_SAYS);
  store<u8>(at + 50, says & 1);
  store<u16>(at + 51, load<u16>(more + FRAME_MORE_HOLD));
  const names = <usize>vmLength + load<u8>(frame + FRAME_NIC_LENGTH);
  at = putName(at + 53, frame + FRAME_HEAD + names, load<u8>(more + FRAME_MORE_HOST));
  store<u8>(at, says >> 1 & 3);
  at = putName(at + 1, agent, agentLength);
  store<u32>(OUT_FULL + 4, <u32>at);
}

/** Does a repair leave this minute to another slice? */
// @ts-ignore: decorator
@inline
function isLeftOut(vm: usize, minute: u32): bool {
  const from = load<u32>(vm + VM_EMIT_FROM);
  return from != 0 && isOutside(vm, from & ~EMIT_SLICE, minute);
}

function isOutside(vm: usize, from: u32, minute: u32): bool {
  return minute < from || minute >= load<u32>(coldOf(vm) + COLD_EMIT_UNTIL);
}

/** The first minute from `minute` on that is written out before `last`; else `last`. */
export function nextWritten(vm: usize, minute: u32, last: u32): u32 {
  const from = load<u32>(vm + VM_EMIT_FROM) & ~EMIT_SLICE;
  if (minute < from) return min(from, last);
  return minute < load<u32>(coldOf(vm) + COLD_EMIT_UNTIL) ? minute : last;
}

/** A minute of a VM from nine u16 parts. */
export function emitUptime(vm: usize, minute: u32, parts: usize): void {
  if (isLeftOut(vm, minute)) return;
  let at = putVm(<usize>load<u32>(OUT_UPTIME + 4), vm);
  priceMinute(vm, minute, parts);
  store<u32>(at, minute * 60);
  store<u64>(at + 4, load<u64>(parts));
  store<u64>(at + 12, load<u64>(parts + 8));
  store<u16>(at + 20, load<u16>(parts + 16));
  store<u8>(at + 22, <u8>unavailable);
  store<u64>(at + 23, creditNanos);
  store<u64>(at + 31, load<u64>(H_VERSION));
  store<u32>(OUT_UPTIME + 4, <u32>(at + 39));
}

/** The open minute of an interface; nothing where there was no traffic. */
export function emitTraffic(vm: usize, nic: usize): void {
  const rx = load<u64>(nic + NIC_SUM_RX);
  const tx = load<u64>(nic + NIC_SUM_TX);
  const minute = load<u32>(nic + NIC_SUM_MINUTE);
  if ((rx | tx) == 0 || isLeftOut(vm, minute)) return;
  if (isTold(nic)) {
    emitChain(vm, nic, minute, rx, tx);
    return;
  }
  let at = putVm(<usize>load<u32>(OUT_TRAFFIC + 4), vm);
  at = putNic(at, nic);
  store<u32>(at, minute * 60);
  store<u64>(at + 4, rx);
  store<u64>(at + 12, tx);
  store<u64>(at + 20, load<u64>(H_VERSION));
  store<u32>(OUT_TRAFFIC + 4, <u32>(at + 28));
}

/** The same of a host or half: with its name after the interface's. */
function emitChain(vm: usize, nic: usize, minute: u32, rx: u64, tx: u64): void {
  let at = putVm(<usize>load<u32>(OUT_CHAINS + 4), vm);
  at = putChain(putNic(at, nic), nic);
  store<u32>(at, minute * 60);
  store<u64>(at + 4, rx);
  store<u64>(at + 12, tx);
  store<u64>(at + 20, load<u64>(H_VERSION));
  store<u32>(OUT_CHAINS + 4, <u32>(at + 28));
}

/** What emitOutage takes as the end of an outage that is not over. */
export const OPEN: i64 = 0;

export function emitOutage(vm: usize, start: i64, end: i64, condition: u8, withdrawn: u8): void {
  const at = putVm(<usize>load<u32>(OUT_OUTAGES + 4), vm);
  store<i64>(at, start);
  store<i64>(at + 8, end);
  store<u8>(at + 16, condition);
  store<u8>(at + 17, withdrawn);
  store<u64>(at + 18, load<u64>(H_VERSION));
  store<u32>(OUT_OUTAGES + 4, <u32>(at + 26));
}

/** In repair, does an instant lie before the stretch, where all is on record, or after it, where not all samples are read? Its ends are of both. */
function isElsewhere(vm: usize, ts: i64): bool {
  if (ts < <i64>(load<u32>(vm + VM_EMIT_FROM) & ~EMIT_SLICE) * MINUTE_MS) return true;
  return ts > <i64>load<u32>(coldOf(vm) + COLD_EMIT_UNTIL) * MINUTE_MS;
}

/**
 * An increase that is faster than the link, or a fall that is no restart: the sample before and the frame after it. First counters that are too
 * fast since their beginning are alone: the other has no counters and no instant.
 */
export function emitQuarantine(vm: usize, nic: usize, frame: usize): void {
  if (load<u32>(vm + VM_EMIT_FROM) != 0 && isElsewhere(vm, load<i64>(frame + FRAME_TS))) return;
  let at = putVm(<usize>load<u32>(OUT_ANOMALIES + 4), vm);
  at = putNic(at, nic);
  store<i64>(at, load<i64>(frame + FRAME_TS));
  store<u8>(at + 8, 1);
  store<u64>(at + 9, 0);
  const isAlone = load<i64>(nic + NIC_BASE_TS) == NEVER;
  store<i64>(at + 17, isAlone ? 0 : load<i64>(nic + NIC_BASE_TS));
  store<u8>(at + 25, load<u8>(nic + NIC_BASE_CONDITION));
  store<u8>(at + 26, isAlone ? 0 : 1);
  store<u32>(at + 27, load<u32>(nic + NIC_BASE_EPOCH));
  store<u64>(at + 31, load<u64>(nic + NIC_BASE_RX));
  store<u64>(at + 39, load<u64>(nic + NIC_BASE_TX));
  store<u8>(at + 47, load<u8>(frame + FRAME_CONDITION));
  store<u8>(at + 48, 1);
  store<u32>(at + 49, load<u32>(frame + FRAME_EPOCH));
  store<u64>(at + 53, load<u64>(frame + FRAME_RX));
  store<u64>(at + 61, load<u64>(frame + FRAME_TX));
  store<u8>(at + 69, 0);
  store<u64>(at + 70, load<u64>(H_VERSION));
  store<u32>(OUT_ANOMALIES + 4, <u32>putChain(at + 78, nic));
}

/** A sample that repair must take in: u64 pos, u32 vm slot, u32 length of the agent's name, frame, agent padded to 8. */
export function emitLate(frame: usize, vm: usize, agent: usize, agentLength: u32): void {
  const at = <usize>load<u32>(OUT_LATE + 4);
  const size = <usize>load<u16>(frame + FRAME_SIZE);
  store<u64>(at, load<u64>(H_VERSION));
  store<u32>(at + 8, slotOfVm(vm));
  store<u32>(at + 12, agentLength);
  memory.copy(at + 16, frame, size);
  memory.copy(at + 16 + size, agent, agentLength);
  store<u32>(OUT_LATE + 4, <u32>((at + 16 + size + agentLength + 7) & ~7));
}


/** For the host: a minute row with the credit of the plan now in force, from nine u16 parts at an address. */
export function writeMinute(vmSlot: u32, minute: u32, parts: u32): void {
  emitUptime(vmAt(vmSlot), minute, parts);
}
