/** The timeline of a VM (SPEC §2): held states, silence, outages, minute rows, and what is published ahead of the next sample. */
import {
  COLD_FIRST_TS,
  COLD_HOLD,
  COLD_PREVIOUS_HOLD,
  FLAG_AHEAD,
  FLAG_HOLDS,
  FLAG_REPAIR,
  FLAG_SILENT,
  FLAG_UNTOLD,
  H_STALENESS,
  H_VMS_SEEN,
  MINUTE_MS,
  NIC_DIRTY,
  NIC_LAST_TS,
  NIC_NEXT,
  NIC_SUM_MINUTE,
  OUT_OUTAGES,
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
import { isTrafficFull } from './spread';

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

/** The hold of the last sample becomes that of the one before; answers it in ms. */
function shiftHold(vm: usize): i64 {
  const hold = ownHold(vm, COLD_HOLD);
  const cold = coldOf(vm);
  store<u16>(cold + COLD_PREVIOUS_HOLD, load<u16>(cold + COLD_HOLD));
  store<u16>(cold + COLD_HOLD, 0);
  return hold;
}

/** How long the VM's state holds without a newer one, in ms. */
// @ts-ignore: decorator
@inline
export function holdOf(vm: usize): i64 {
  return (load<u8>(vm + VM_FLAGS) & FLAG_HOLDS) == 0 ? load<i64>(H_STALENESS) : ownHold(vm, COLD_HOLD);
}

/** What is on record of a hold, in ms. */
function ownHold(vm: usize, field: usize): i64 {
  const seconds = load<u16>(coldOf(vm) + field);
  return seconds == 0 ? load<i64>(H_STALENESS) : <i64>seconds * 1000;
}

/** What the VM's last sample said of how long its state holds, in s; 0: nothing. */
export function heldFor(vm: usize): u32 {
  return (load<u8>(vm + VM_FLAGS) & FLAG_HOLDS) == 0 ? 0 : load<u16>(coldOf(vm) + COLD_HOLD);
}

/** The VM's state holds that long. @param seconds 0: the staleness */
function holdFor(vm: usize, seconds: u32): void {
  const flags = load<u8>(vm + VM_FLAGS);
  if (seconds == 0 && (flags & FLAG_HOLDS) == 0) return;
  store<u8>(vm + VM_FLAGS, flags | FLAG_HOLDS);
  store<u16>(coldOf(vm) + COLD_HOLD, <u16>seconds);
}

/** The VM's first sample that says a state. */
function begin(vm: usize, ts: i64, condition: u8): void {
  store<i64>(coldOf(vm) + COLD_FIRST_TS, ts);
  store<i64>(vm + VM_LAST_TS, ts);
  store<i64>(vm + VM_RUN_START, ts);
  store<u32>(vm + VM_MINUTE, <u32>(ts / MINUTE_MS));
  store<u8>(vm + VM_CONDITION, condition);
  const flags = load<u8>(vm + VM_FLAGS);
  if ((flags & FLAG_UNTOLD) == 0) store<u32>(H_VMS_SEEN, load<u32>(H_VMS_SEEN) + 1);
  else store<u8>(vm + VM_FLAGS, flags & ~FLAG_UNTOLD);
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
  let heldUntil = last + load<i64>(H_STALENESS);
  if ((flags & FLAG_HOLDS) != 0) heldUntil = last + shiftHold(vm);
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

/** The same of a VM with samples that say how long their states hold. @param hold s; 0: this one does not say */
export function advanceHeld(vm: usize, ts: i64, condition: u8, hold: u32): void {
  advance(vm, ts, condition);
  holdFor(vm, hold);
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

/** Another interface says of the same condition, at the same instant and later in the log, that it holds otherwise: its word counts. */
function holdOtherwise(vm: usize, hold: u32): void {
  const flags = load<u8>(vm + VM_FLAGS);
  store<u32>(vm + VM_PUBLISHED, 0);
  if ((flags & FLAG_SILENT) != 0) {
    const condition = load<u8>(vm + VM_CONDITION);
    emitOutage(vm, load<i64>(vm + VM_LAST_TS) + holdOf(vm), OPEN, SILENT, 1);
    if (condition != UP) emitOutage(vm, load<i64>(vm + VM_RUN_START), OPEN, condition, 0);
    store<u8>(vm + VM_FLAGS, flags & ~FLAG_SILENT);
  }
  holdFor(vm, hold);
}


/** Another interface says otherwise at the same instant, later in the log: its word counts. @param hold s; 0: it does not say */
export function overrule(vm: usize, condition: u8, hold: u32): void {
  if (condition == load<u8>(vm + VM_CONDITION)) {
    holdOtherwise(vm, hold);
    return;
  }
  const ts = load<i64>(vm + VM_LAST_TS);
  const said = load<u8>(vm + VM_CONDITION);
  const previousTs = load<i64>(vm + VM_PREVIOUS_TS);
  const before = load<u8>(vm + VM_PREVIOUS_CONDITION);
  const flags = load<u8>(vm + VM_FLAGS);
  const previousHold = (flags & FLAG_HOLDS) == 0 ? load<i64>(H_STALENESS) : ownHold(vm, COLD_PREVIOUS_HOLD);
  const held = previousTs != NEVER && ts <= previousTs + previousHold;
  const previousRun = load<i64>(vm + VM_PREVIOUS_RUN);
  store<u8>(vm + VM_CONDITION, condition);
  store<u32>(vm + VM_PUBLISHED, 0);
  if ((flags & FLAG_SILENT) != 0) {
    emitOutage(vm, ts + holdOf(vm), OPEN, SILENT, 1);
    store<u8>(vm + VM_FLAGS, flags & ~FLAG_SILENT);
  }
  holdFor(vm, hold);
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
function lastHeldMinute(vm: usize, hold: i64): u32 {
  return <u32>((load<i64>(vm + VM_LAST_TS) + hold - 1) / MINUTE_MS);
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
  const flags = load<u8>(vm + VM_FLAGS);
  if ((flags & (FLAG_HOLDS | FLAG_AHEAD)) != 0) return ownDeadline(vm, flags);
  if (last == NEVER) return i64.MAX_VALUE;
  if ((flags & (FLAG_SILENT | FLAG_REPAIR)) == 0) return last + load<i64>(H_STALENESS) + 1;
  // what samples that wait for repair have said is not known here
  if ((flags & FLAG_REPAIR) != 0) return i64.MAX_VALUE;
  const minute = nextToPublish(vm);
  return minute <= lastHeldMinute(vm, load<i64>(H_STALENESS)) ? <i64>(minute + 1) * MINUTE_MS + load<i64>(H_STALENESS) : i64.MAX_VALUE;
}

/** The same of a VM with samples that say how long they hold, or no state. */
function ownDeadline(vm: usize, flags: u8): i64 {
  if ((flags & FLAG_REPAIR) != 0) return i64.MAX_VALUE;
  const last = load<i64>(vm + VM_LAST_TS);
  const staleness = load<i64>(H_STALENESS);
  let due = i64.MAX_VALUE;
  if (last != NEVER) {
    const minute = nextToPublish(vm);
    if (minute <= lastHeldMinute(vm, holdOf(vm))) due = <i64>(minute + 1) * MINUTE_MS + staleness;
    if ((flags & FLAG_SILENT) == 0) due = min(due, last + holdOf(vm) + 1);
  }
  if ((flags & FLAG_AHEAD) == 0) return due;
  for (let slot = load<u32>(vm + VM_NIC); slot != 0;) {
    const nic = nicAt(slot - 1);
    if (load<u8>(nic + NIC_DIRTY) != 0) due = min(due, <i64>(load<u32>(nic + NIC_SUM_MINUTE) + 1) * MINUTE_MS + staleness);
    slot = load<u32>(nic + NIC_NEXT);
  }
  return due;
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
  const heldUntil = min(last + holdOf(vm), end);
  if (heldUntil > from) addPart(PROSPECT, load<u8>(vm + VM_CONDITION), heldUntil - from);
  if (heldUntil < end) addPart(PROSPECT, SILENT, end - max(heldUntil, from));
  emitUptime(vm, minute, PROSPECT);
}

/** Publishes what the watermark allows: minutes, the beginning silence, interfaces that lag behind. False when an output is full first. */
export function publish(vm: usize, watermark: i64): bool {
  const last = load<i64>(vm + VM_LAST_TS);
  if ((load<u8>(vm + VM_FLAGS) & FLAG_REPAIR) != 0) return true;
  if (last == NEVER) return publishAhead(vm, watermark);
  const staleness = load<i64>(H_STALENESS);
  if (load<u32>(OUT_OUTAGES + 4) + 2 * OUTAGE_ROW_MAX > load<u32>(OUT_OUTAGES + 8)) return false;
  const flags = load<u8>(vm + VM_FLAGS);
  const hold = (flags & FLAG_HOLDS) == 0 ? staleness : ownHold(vm, COLD_HOLD);
  if (watermark > last + hold && (flags & FLAG_SILENT) == 0) {
    const condition = load<u8>(vm + VM_CONDITION);
    if (condition != UP) emitOutage(vm, load<i64>(vm + VM_RUN_START), last + hold, condition, 0);
    emitOutage(vm, last + hold, OPEN, SILENT, 0);
    store<u8>(vm + VM_FLAGS, flags | FLAG_SILENT);
  }
  const lastHeld = lastHeldMinute(vm, hold);
  let minute = nextToPublish(vm);
  while (minute <= lastHeld && <i64>(minute + 1) * MINUTE_MS + staleness <= watermark) {
    if (load<u32>(OUT_UPTIME + 4) + UPTIME_ROW_MAX > load<u32>(OUT_UPTIME + 8)) return false;
    emitProspect(vm, minute);
    minute++;
    store<u32>(vm + VM_PUBLISHED, minute);
  }
  return (flags & FLAG_AHEAD) == 0 ? publishTraffic(vm, watermark, load<u32>(vm + VM_MINUTE)) : publishAhead(vm, watermark);
}

/** Traffic of a VM with samples that say no state: as far as any of its samples reach. */
function publishAhead(vm: usize, watermark: i64): bool {
  const newest = newestOf(vm);
  if (!publishTraffic(vm, watermark, max(load<u32>(vm + VM_MINUTE), <u32>(newest / MINUTE_MS)))) return false;
  if (newest <= load<i64>(vm + VM_LAST_TS) && !isDirty(vm)) store<u8>(vm + VM_FLAGS, load<u8>(vm + VM_FLAGS) & ~FLAG_AHEAD);
  return true;
}

/** Has it traffic that is not written out? */
function isDirty(vm: usize): bool {
  for (let slot = load<u32>(vm + VM_NIC); slot != 0;) {
    const nic = nicAt(slot - 1);
    if (load<u8>(nic + NIC_DIRTY) != 0) return true;
    slot = load<u32>(nic + NIC_NEXT);
  }
  return false;
}

/** Minutes of traffic before `reached`, which the VM's own samples have passed, or which the watermark has. False when the output is full first. */
// @ts-ignore: decorator
@inline
function publishTraffic(vm: usize, watermark: i64, reached: u32): bool {
  const staleness = load<i64>(H_STALENESS);
  let slot = load<u32>(vm + VM_NIC);
  while (slot != 0) {
    const nic = nicAt(slot - 1);
    if (load<u8>(nic + NIC_DIRTY) != 0) {
      const open = load<u32>(nic + NIC_SUM_MINUTE);
      if (open < reached || <i64>(open + 1) * MINUTE_MS + staleness <= watermark) {
        if (isTrafficFull(nic, 1)) return false;
        emitTraffic(vm, nic);
        store<u8>(nic + NIC_DIRTY, 0);
      }
    }
    slot = load<u32>(nic + NIC_NEXT);
  }
  return true;
}

/** The newest sample of the VM, whatever it says. */
function newestOf(vm: usize): i64 {
  let last: i64 = 0;
  for (let slot = load<u32>(vm + VM_NIC); slot != 0;) {
    const nic = nicAt(slot - 1);
    last = max(last, load<i64>(nic + NIC_LAST_TS));
    slot = load<u32>(nic + NIC_NEXT);
  }
  return last;
}
