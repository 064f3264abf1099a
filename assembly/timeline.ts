/** The timeline of a VM (SPEC §2): held states, silence, outages, minute rows, and what is published ahead of the next sample. */
import {
  COLD_FIRST_TS,
  FLAG_REPAIR,
  FLAG_SILENT,
  H_STALENESS,
  H_VMS_SEEN,
  MINUTE_MS,
  NIC_DIRTY,
  NIC_NEXT,
  NIC_SUM_MINUTE,
  OUT_OUTAGES,
  OUT_TRAFFIC,
  OUT_UPTIME,
  SILENT,
  UP,
  VM_CONDITION,
  VM_FLAGS,
  VM_LAST_TS,
  VM_MINUTE,
  VM_NIC,
  VM_PARTS,
  VM_PREVIOUS_CONDITION,
  VM_PREVIOUS_RUN,
  VM_PREVIOUS_TS,
  VM_PUBLISHED,
  VM_RUN_START,
} from './layout';
import { OPEN, emitOutage, emitTraffic, emitUptime } from './emit';
import { NEVER, coldOf, nicAt } from './intern';
import { TRAFFIC_ROW_MAX } from './spread';

/** Room that a minute row and an outage may take. */
export const UPTIME_ROW_MAX: u32 = 112;
export const OUTAGE_ROW_MAX: u32 = 96;

/** Nine u16 for a minute that is only looked at; transient. */
const PROSPECT = memory.data(24);

// @ts-ignore: decorator
@inline
function addPart(parts: usize, condition: u8, ms: i64): void {
  const at = parts + (<usize>condition << 1);
  store<u16>(at, load<u16>(at) + <u16>ms);
}

// @ts-ignore: decorator
@inline
function clearParts(parts: usize): void {
  store<u64>(parts, 0);
  store<u64>(parts + 8, 0);
  store<u16>(parts + 16, 0);
}

/** Adds [a, b) of one condition to the VM's minutes and writes out each one that is complete. A long silence is skipped. */
// @ts-ignore: decorator
@inline
function addSegment(vm: usize, a: i64, b: i64, condition: u8): void {
  const minute = load<u32>(vm + VM_MINUTE);
  if (b < <i64>(minute + 1) * MINUTE_MS) addPart(vm + VM_PARTS, condition, b - a);
  else addMinutes(vm, a, b, condition, minute);
}

function addMinutes(vm: usize, a: i64, b: i64, condition: u8, minute: u32): void {
  const parts = vm + VM_PARTS;
  let end = <i64>(minute + 1) * MINUTE_MS;
  const last = <u32>(b / MINUTE_MS);
  while (b >= end) {
    addPart(parts, condition, end - a);
    emitUptime(vm, minute, parts);
    clearParts(parts);
    a = end;
    minute++;
    // of a silence only the minute before the next sample is written: it tells readers how far the VM's own samples reach
    if (condition == SILENT && minute + 1 < last) {
      minute = last - 1;
      a = <i64>minute * MINUTE_MS;
    }
    end = <i64>(minute + 1) * MINUTE_MS;
  }
  if (b > a) addPart(parts, condition, b - a);
  store<u32>(vm + VM_MINUTE, minute);
}

/** The VM's first sample. */
function begin(vm: usize, ts: i64, condition: u8): void {
  store<i64>(coldOf(vm) + COLD_FIRST_TS, ts);
  store<i64>(vm + VM_LAST_TS, ts);
  store<i64>(vm + VM_RUN_START, ts);
  store<u32>(vm + VM_MINUTE, <u32>(ts / MINUTE_MS));
  store<u8>(vm + VM_CONDITION, condition);
  store<u32>(H_VMS_SEEN, load<u32>(H_VMS_SEEN) + 1);
  if (condition != UP) emitOutage(vm, ts, OPEN, condition, 0);
}

/** Takes in the state of a sample that is later than every one of this VM before it. */
// @ts-ignore: decorator
@inline
export function advance(vm: usize, ts: i64, condition: u8): void {
  const last = load<i64>(vm + VM_LAST_TS);
  if (last == NEVER) {
    begin(vm, ts, condition);
    return;
  }
  const before = load<u8>(vm + VM_CONDITION);
  const flags = load<u8>(vm + VM_FLAGS);
  store<i64>(vm + VM_PREVIOUS_TS, last);
  store<i64>(vm + VM_PREVIOUS_RUN, load<i64>(vm + VM_RUN_START));
  store<u8>(vm + VM_PREVIOUS_CONDITION, before);
  const heldUntil = last + load<i64>(H_STALENESS);
  store<i64>(vm + VM_LAST_TS, ts);
  store<u32>(vm + VM_PUBLISHED, 0);
  if (ts <= heldUntil) {
    addSegment(vm, last, ts, before);
    if (condition != before || (flags & FLAG_SILENT) != 0) change(vm, ts, heldUntil, before, condition, flags);
  } else {
    addSegment(vm, last, heldUntil, before);
    addSegment(vm, heldUntil, ts, SILENT);
    if (before != UP) emitOutage(vm, load<i64>(vm + VM_RUN_START), heldUntil, before, 0);
    emitOutage(vm, heldUntil, ts, SILENT, 0);
    store<i64>(vm + VM_RUN_START, ts);
    store<u8>(vm + VM_CONDITION, condition);
    store<u8>(vm + VM_FLAGS, flags & ~FLAG_SILENT);
    if (condition != UP) emitOutage(vm, ts, OPEN, condition, 0);
  }
}

/** The condition changes at ts, or a silence that was already on record turns out not to have been one. */
function change(vm: usize, ts: i64, heldUntil: i64, before: u8, condition: u8, flags: u8): void {
  const changed = condition != before;
  if ((flags & FLAG_SILENT) != 0) {
    store<u8>(vm + VM_FLAGS, flags & ~FLAG_SILENT);
    // an outage that begins where the silence did takes its place on record
    if (!(changed && condition != UP && ts == heldUntil)) emitOutage(vm, heldUntil, OPEN, SILENT, 1);
    if (!changed && before != UP) emitOutage(vm, load<i64>(vm + VM_RUN_START), OPEN, before, 0);
  }
  if (changed) {
    if (before != UP) emitOutage(vm, load<i64>(vm + VM_RUN_START), ts, before, 0);
    store<i64>(vm + VM_RUN_START, ts);
    store<u8>(vm + VM_CONDITION, condition);
    if (condition != UP) emitOutage(vm, ts, OPEN, condition, 0);
  }
}

/** Another interface says otherwise at the same instant, later in the log: its word counts. */
export function overrule(vm: usize, condition: u8): void {
  const ts = load<i64>(vm + VM_LAST_TS);
  const said = load<u8>(vm + VM_CONDITION);
  const previousTs = load<i64>(vm + VM_PREVIOUS_TS);
  const before = load<u8>(vm + VM_PREVIOUS_CONDITION);
  const held = previousTs != NEVER && ts <= previousTs + load<i64>(H_STALENESS);
  const previousRun = load<i64>(vm + VM_PREVIOUS_RUN);
  const flags = load<u8>(vm + VM_FLAGS);
  store<u8>(vm + VM_CONDITION, condition);
  store<u32>(vm + VM_PUBLISHED, 0);
  if ((flags & FLAG_SILENT) != 0) {
    emitOutage(vm, ts + load<i64>(H_STALENESS), OPEN, SILENT, 1);
    store<u8>(vm + VM_FLAGS, flags & ~FLAG_SILENT);
  }
  if (held && condition == before) {
    // as if nothing had changed at ts
    if (said != UP) emitOutage(vm, ts, OPEN, said, 1);
    if (before != UP) emitOutage(vm, previousRun, OPEN, before, 0);
    store<i64>(vm + VM_RUN_START, previousRun);
    return;
  }
  if (held && said == before && before != UP) emitOutage(vm, previousRun, ts, before, 0);
  store<i64>(vm + VM_RUN_START, ts);
  if (condition != UP) emitOutage(vm, ts, OPEN, condition, 0);
  else if (!(held && said == before)) emitOutage(vm, ts, OPEN, said, 1);
}

/** The last minute that the VM's state still holds in; later ones are wholly silent until a sample comes. */
// @ts-ignore: decorator
@inline
function lastHeldMinute(vm: usize): u32 {
  return <u32>((load<i64>(vm + VM_LAST_TS) + load<i64>(H_STALENESS) - 1) / MINUTE_MS);
}

// @ts-ignore: decorator
@inline
function nextToPublish(vm: usize): u32 {
  return max(load<u32>(vm + VM_PUBLISHED), load<u32>(vm + VM_MINUTE));
}

/** The watermark at which this VM has something to say without a sample of its own; MAX for never. */
// @ts-ignore: decorator
@inline
export function deadline(vm: usize): i64 {
  const last = load<i64>(vm + VM_LAST_TS);
  if (last == NEVER) return i64.MAX_VALUE;
  const flags = load<u8>(vm + VM_FLAGS);
  if ((flags & (FLAG_SILENT | FLAG_REPAIR)) == 0) return last + load<i64>(H_STALENESS) + 1;
  // what samples that wait for repair have said is not known here
  if ((flags & FLAG_REPAIR) != 0) return i64.MAX_VALUE;
  const minute = nextToPublish(vm);
  return minute <= lastHeldMinute(vm) ? <i64>(minute + 1) * MINUTE_MS + load<i64>(H_STALENESS) : i64.MAX_VALUE;
}

/** A minute that no sample has closed yet, as the watermark shows it: what was held, then silence. */
function emitProspect(vm: usize, minute: u32): void {
  clearParts(PROSPECT);
  const last = load<i64>(vm + VM_LAST_TS);
  let from = <i64>minute * MINUTE_MS;
  const end = from + MINUTE_MS;
  if (minute == load<u32>(vm + VM_MINUTE)) {
    memory.copy(PROSPECT, vm + VM_PARTS, 18);
    from = last;
  }
  const heldUntil = min(last + load<i64>(H_STALENESS), end);
  if (heldUntil > from) addPart(PROSPECT, load<u8>(vm + VM_CONDITION), heldUntil - from);
  if (heldUntil < end) addPart(PROSPECT, SILENT, end - max(heldUntil, from));
  emitUptime(vm, minute, PROSPECT);
}

/** Publishes what the watermark allows: minutes, the beginning silence, interfaces that lag behind. False when an output is full first. */
export function publish(vm: usize, watermark: i64): bool {
  const last = load<i64>(vm + VM_LAST_TS);
  if (last == NEVER || (load<u8>(vm + VM_FLAGS) & FLAG_REPAIR) != 0) return true;
  const staleness = load<i64>(H_STALENESS);
  if (load<u32>(OUT_OUTAGES + 4) + 2 * OUTAGE_ROW_MAX > load<u32>(OUT_OUTAGES + 8)) return false;
  const flags = load<u8>(vm + VM_FLAGS);
  if (watermark > last + staleness && (flags & FLAG_SILENT) == 0) {
    const condition = load<u8>(vm + VM_CONDITION);
    if (condition != UP) emitOutage(vm, load<i64>(vm + VM_RUN_START), last + staleness, condition, 0);
    emitOutage(vm, last + staleness, OPEN, SILENT, 0);
    store<u8>(vm + VM_FLAGS, flags | FLAG_SILENT);
  }
  const lastHeld = lastHeldMinute(vm);
  let minute = nextToPublish(vm);
  while (minute <= lastHeld && <i64>(minute + 1) * MINUTE_MS + staleness <= watermark) {
    if (load<u32>(OUT_UPTIME + 4) + UPTIME_ROW_MAX > load<u32>(OUT_UPTIME + 8)) return false;
    emitProspect(vm, minute);
    minute++;
    store<u32>(vm + VM_PUBLISHED, minute);
  }
  let slot = load<u32>(vm + VM_NIC);
  while (slot != 0) {
    const nic = nicAt(slot - 1);
    if (load<u8>(nic + NIC_DIRTY) != 0) {
      const open = load<u32>(nic + NIC_SUM_MINUTE);
      if (open < load<u32>(vm + VM_MINUTE) || <i64>(open + 1) * MINUTE_MS + staleness <= watermark) {
        if (load<u32>(OUT_TRAFFIC + 4) + TRAFFIC_ROW_MAX > load<u32>(OUT_TRAFFIC + 8)) return false;
        emitTraffic(vm, nic);
        store<u8>(nic + NIC_DIRTY, 0);
      }
    }
    slot = load<u32>(nic + NIC_NEXT);
  }
  return true;
}
