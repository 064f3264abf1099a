/** Log records → rows: the live path, and the settling at the end of a step. Both stop when an output is full and go on when called again. */
import {
  C_ACCEPTED,
  C_DUPLICATE,
  C_LATE,
  C_REJECTED,
  CHAIN_LAST_MORE,
  COLD_FIRST_TS,
  ENVELOPE,
  FLAG_AHEAD,
  FLAG_DOUBTS,
  FLAG_HOLDS,
  FLAG_REPAIR,
  FLAG_SILENT,
  FLAG_TOUCHED,
  FLAG_UNTOLD,
  FRAME_CONDITION,
  FRAME_COUNTERS,
  FRAME_EPOCH,
  FRAME_HASH,
  FRAME_HEAD,
  FRAME_MORE,
  FRAME_MORE_HOLD,
  FRAME_MORE_STARTED,
  FRAME_NIC_LENGTH,
  FRAME_RX,
  FRAME_SAYS_MORE,
  FRAME_SIZE,
  FRAME_TS,
  FRAME_TX,
  FRAME_VM_LENGTH,
  H_ARCHIVE,
  H_CLOCK,
  H_CURSOR,
  H_CURSOR_END,
  H_EVENT_CLOCK,
  H_FRAME_AT,
  H_FRAME_INDEX,
  H_HOLD_MAX,
  H_LATENESS,
  H_MINUTES_LEFT,
  H_MIN_DEADLINE,
  H_POSITION,
  H_REDO,
  H_SCAN_AT,
  H_SCAN_MIN,
  H_SETTLE_AT,
  H_SPREAD_NIC,
  H_STALENESS,
  H_TOUCHED,
  H_TOUCHED_COUNT,
  H_VERSION,
  H_VMS,
  H_VMS_SEEN,
  KIND_SAMPLES,
  KIND_TICK,
  MINUTE_MS,
  NIC_BASE_RX,
  NIC_BASE_TS,
  NIC_BASE_TX,
  NIC_FIRST_TS,
  NIC_LAST_CONDITION,
  NIC_LAST_COUNTERS,
  NIC_LAST_EPOCH,
  NIC_LAST_TS,
  NONE,
  OUT_ANOMALIES,
  OUT_CHAINS,
  OUT_FULL,
  OUT_LATE,
  OUT_OUTAGES,
  OUT_SAMPLES,
  OUT_TRAFFIC,
  OUT_UPTIME,
  RECORD_AGENT_LENGTH,
  RECORD_CLOCK,
  RECORD_EVENT,
  RECORD_FIRST,
  RECORD_HEAD,
  RECORD_KIND,
  REJECTIONS,
  VM_CONDITION,
  VM_FLAGS,
  VM_LAST_TS,
  VM_MINUTE,
  VM_NIC_COUNT,
  VM_RUN_START,
  VM_SIZE,
} from './layout';
import { AHEAD, lookAhead } from './ahead';
import { UNKNOWN, count, countFull, keepBefore, mayTakeBack, newestBefore, unsettles } from './counter';
import { emitFull, emitLate, emitSample } from './emit';
import { NEVER, chainOf, coldOf, isTold, nicOf, slotOfVm, tellingOf, vmAfter, vmAt } from './intern';
import { TRAFFIC_ROW_MAX, goOnSpreading } from './spread';
import { OUTAGE_ROW_MAX, UPTIME_ROW_MAX, advance, advanceHeld, deadline, heldFor, holdOf, overrule, publish } from './timeline';
import { mayBeUsual, takeUsual, takeUsualFound } from './usual';

export const DONE: u32 = 0;
export const DRAIN: u32 = 1;

const SAMPLE_ROW_MAX: u32 = 256;
const FULL_ROW_MAX: u32 = 352;
const ANOMALY_ROW_MAX: u32 = 272;
const LATE_MAX: u32 = 368;
const OUTAGES_A_SAMPLE: u32 = 4;
const TRAFFIC_A_SAMPLE: u32 = 4;


// @ts-ignore: decorator
@inline
function add(counter: usize, n: u64): void {
  store<u64>(counter, load<u64>(counter) + n);
}

function room(out: usize, each: u32): u32 {
  return (load<u32>(out + 8) - load<u32>(out + 4)) / each;
}

/** How many samples can be taken in before any output might be full. */
function budget(): u32 {
  const minutes = <u32>(max(load<i64>(H_STALENESS), <i64>load<u32>(H_HOLD_MAX)) / MINUTE_MS) + 5;
  let n = room(OUT_SAMPLES, SAMPLE_ROW_MAX);
  n = min(n, room(OUT_UPTIME, UPTIME_ROW_MAX * minutes));
  n = min(n, room(OUT_TRAFFIC, TRAFFIC_ROW_MAX * TRAFFIC_A_SAMPLE));
  n = min(n, room(OUT_CHAINS, TRAFFIC_ROW_MAX * TRAFFIC_A_SAMPLE));
  n = min(n, room(OUT_OUTAGES, OUTAGE_ROW_MAX * OUTAGES_A_SAMPLE));
  n = min(n, room(OUT_ANOMALIES, ANOMALY_ROW_MAX));
  n = min(n, room(OUT_FULL, FULL_ROW_MAX));
  return min(n, room(OUT_LATE, LATE_MAX));
}

/** Puts a VM on the list of those that settle looks at. */
function note(vm: usize): void {
  const flags = load<u8>(vm + VM_FLAGS);
  if ((flags & FLAG_TOUCHED) != 0) return;
  store<u8>(vm + VM_FLAGS, flags | FLAG_TOUCHED);
  const n = load<u32>(H_TOUCHED_COUNT);
  store<u32>(<usize>load<u32>(H_TOUCHED) + (<usize>n << 2), slotOfVm(vm));
  store<u32>(H_TOUCHED_COUNT, n + 1);
}

/** For the host: a repaired VM is settled again. */
export function touch(vmSlot: u32): void {
  note(vmAt(vmSlot));
}

/** Is the frame the same as the last sample of its chain? Live it is not known of one that says more without a host or half: the archive is asked. */
// @ts-ignore: decorator
@inline
function isRepeat(nic: usize, frame: usize): bool {
  if (load<u16>(nic + NIC_LAST_CONDITION) != load<u16>(frame + FRAME_CONDITION)) return false; // and has counters
  if (load<u32>(nic + NIC_LAST_EPOCH) != load<u32>(frame + FRAME_EPOCH)) return false;
  // what is read back for repair is in force: of one identity it is the same sample
  if (<u32>load<u8>(frame + FRAME_COUNTERS) >= FRAME_SAYS_MORE) {
    if (load<u32>(H_ARCHIVE) == 0) return true;
    if (!isTold(nic) || !saysTheSame(nic, frame)) return false;
  }
  if ((load<u8>(frame + FRAME_COUNTERS) & 1) == 0) return true;
  return load<u64>(nic + NIC_BASE_RX) == load<u64>(frame + FRAME_RX) && load<u64>(nic + NIC_BASE_TX) == load<u64>(frame + FRAME_TX);
}

/** Does the frame say the same more as the last one of its chain, of a host or half? */
function saysTheSame(nic: usize, frame: usize): bool {
  const more = moreOf(frame);
  const last = tellingOf(nic) + CHAIN_LAST_MORE;
  return load<u64>(more) == load<u64>(last) && load<u64>(more + 8) == load<u64>(last + 8);
}

/** A sample that the live path can't place: its VM waits for repair, with everything that follows in this step. */
function defer(frame: usize, vm: usize, nic: usize, agent: usize, agentLength: u32): void {
  store<u8>(vm + VM_FLAGS, load<u8>(vm + VM_FLAGS) | FLAG_REPAIR);
  const ts = load<i64>(frame + FRAME_TS);
  if (ts < load<i64>(nic + NIC_FIRST_TS)) store<i64>(nic + NIC_FIRST_TS, ts);
  emitLate(frame, vm, agent, agentLength);
}

/** A sample no further than this from those before it is taken in at once … */
const NEAR_MS: i64 = 10 * MINUTE_MS;

/**
 * … and one that is further away as long as the minutes that it fills, in states and in traffic, are among those that the step may still write.
 * Else it waits for repair, which writes them slice by slice.
 */
function fillsTooMany(vm: usize, nic: usize, frame: usize, ts: i64, lastTs: i64): bool {
  if (load<u32>(H_ARCHIVE) == 0 || ts <= load<i64>(nic + NIC_LAST_TS)) return false;
  const baseTs = load<i64>(nic + NIC_BASE_TS);
  let ms: i64 = 0;
  if ((load<u8>(frame + FRAME_COUNTERS) & 1) != 0 && baseTs != NEVER) ms = ts - baseTs;
  if (lastTs != NEVER && ts > lastTs && load<u8>(frame + FRAME_CONDITION) != NONE) ms += min(ts - lastTs, holdOf(vm));
  return ms > NEAR_MS && isMoreThanLeft(ms);
}

/** Are these more minutes than the step may still write? Else they are taken from those. */
function isMoreThanLeft(ms: i64): bool {
  const minutes = ms / MINUTE_MS;
  const left = <i64>load<u32>(H_MINUTES_LEFT);
  if (minutes > left) return true;
  store<u32>(H_MINUTES_LEFT, <u32>(left - minutes));
  return false;
}

/**
 * A step that is done again may have ended elsewhere the first time, with the silence of this VM on record as the watermark then showed it.
 * So a sample that would close such a silence takes it back, whether or not this state has seen it.
 */
function expectSilence(vm: usize, watermark: i64): void {
  const last = load<i64>(vm + VM_LAST_TS);
  if (last == NEVER || watermark <= last + holdOf(vm)) return;
  store<u8>(vm + VM_FLAGS, load<u8>(vm + VM_FLAGS) | FLAG_SILENT);
}

/** Archives a sample that says more, and counts its counters. */
function keepFull(vm: usize, nic: usize, frame: usize, agent: usize, agentLength: u32): void {
  if (load<u32>(H_ARCHIVE) != 0) emitFull(frame, agent, agentLength);
  else if ((load<u8>(frame + FRAME_COUNTERS) & 1) != 0) keepBefore(nic, load<i64>(frame + FRAME_TS));
  if ((load<u8>(frame + FRAME_COUNTERS) & 1) != 0) countFull(vm, nic, frame);
  if (isTold(nic)) memory.copy(tellingOf(nic) + CHAIN_LAST_MORE, moreOf(frame), FRAME_MORE);
}

/** What a frame that says more says. */
// @ts-ignore: decorator
@inline
function moreOf(frame: usize): usize {
  return frame + load<u16>(frame + FRAME_SIZE) - FRAME_MORE;
}

/** How long the state of a frame that says more holds, in s; 0: it does not say. */
// @ts-ignore: decorator
@inline
function holdIn(frame: usize): u32 {
  return load<u16>(moreOf(frame) + FRAME_MORE_HOLD);
}

/** A state has been said to hold longer than any before: samples after it may make more minutes than they had room for. Transient. */
let mayMakeMore: bool = false;

/** Takes in that a state holds so long. @param hold s */
function hasHeld(hold: u32): void {
  if (hold * 1000 <= load<u32>(H_HOLD_MAX)) return;
  store<u32>(H_HOLD_MAX, hold * 1000);
  mayMakeMore = true;
}

/** A sample that says nothing about the state changes nothing in the timeline; its traffic is published when the step settles. */
function passBy(vm: usize): void {
  const flags = load<u8>(vm + VM_FLAGS) | FLAG_AHEAD | FLAG_HOLDS;
  const isNew = load<i64>(coldOf(vm) + COLD_FIRST_TS) == NEVER && (flags & FLAG_UNTOLD) == 0;
  store<u8>(vm + VM_FLAGS, isNew ? flags | FLAG_UNTOLD : flags);
  if (isNew) store<u32>(H_VMS_SEEN, load<u32>(H_VMS_SEEN) + 1);
  note(vm);
}

/** Live, may minutes have been shown as held for longer than the state of this sample holds? Only a repair takes rows of minutes back. */
function mayShorten(frame: usize, ts: i64, told: u32, flags: u8, watermark: i64): bool {
  if (load<u32>(H_ARCHIVE) == 0 || load<u8>(frame + FRAME_CONDITION) == NONE) return false;
  const hold = <i64>(told >= FRAME_SAYS_MORE ? holdIn(frame) : 0) * 1000;
  if (hold == 0 && (flags & FLAG_HOLDS) == 0) return false;
  return ts + (hold == 0 ? load<i64>(H_STALENESS) : hold) < watermark - load<i64>(H_STALENESS);
}

/**
 * Live, may what was counted turn out otherwise with this sample? The order of the log may have hidden what a chain's first counters are (they are new
 * where they began after all others of their interface), and a counter that goes back behind what it jumped over takes back what was billed since.
 */
function isUncertain(vm: usize, nic: usize, frame: usize, ts: i64, told: u32, flags: u8): bool {
  if (load<u32>(H_ARCHIVE) == 0 || (told & 1) == 0) return false;
  if ((flags & FLAG_DOUBTS) != 0) {
    if (mayTakeBack(nic, frame, ts)) return true;
    if (ts > load<i64>(nic + NIC_LAST_TS) && unsettles(vm, nic, ts)) return true;
  }
  if (told < FRAME_SAYS_MORE || load<i64>(nic + NIC_BASE_TS) != NEVER) return false;
  const started = load<i64>(moreOf(frame) + FRAME_MORE_STARTED);
  if (started < 0) return false;
  const newest = newestBefore(vm, nic, ts);
  if (newest == UNKNOWN) return true;
  return newest != NEVER && started > newest && ts - started > NEAR_MS && isMoreThanLeft(ts - started);
}

/** One sample of a VM, whatever it is. */
function take(frame: usize, agent: usize, agentLength: u32, vm: usize): void {
  const ts = load<i64>(frame + FRAME_TS);
  const condition = load<u8>(frame + FRAME_CONDITION);
  const watermark = load<i64>(H_CLOCK) - load<i64>(H_LATENESS);
  if (ts < watermark) add(C_LATE, 1);
  if (load<u32>(H_EVENT_CLOCK) != 0 && ts > load<i64>(H_CLOCK)) store<i64>(H_CLOCK, ts);

  const name = frame + FRAME_HEAD;
  const vmLength = <u32>load<u8>(frame + FRAME_VM_LENGTH);
  const told = <u32>load<u8>(frame + FRAME_COUNTERS);
  const nic = told >= FRAME_SAYS_MORE ? chainOf(vm, frame) : nicOf(vm, name + vmLength, load<u8>(frame + FRAME_NIC_LENGTH));
  const lastTs = load<i64>(vm + VM_LAST_TS);
  const nicLastTs = load<i64>(nic + NIC_LAST_TS);

  const flags = load<u8>(vm + VM_FLAGS);
  if ((flags & (FLAG_REPAIR | FLAG_AHEAD | FLAG_HOLDS | FLAG_DOUBTS)) != 0 || told >= FRAME_SAYS_MORE) {
    if ((flags & FLAG_REPAIR) != 0 || isUncertain(vm, nic, frame, ts, told, flags) || mayShorten(frame, ts, told, flags, watermark)) {
      defer(frame, vm, nic, agent, agentLength);
      return;
    }
    // what it holds, and what is ahead of its states, is published when the step settles
    note(vm);
    // a sample that says no state may be the newest of its interface, and later than all that do
    if (ts <= nicLastTs) {
      if (ts == nicLastTs && isRepeat(nic, frame)) add(C_DUPLICATE, 1);
      else defer(frame, vm, nic, agent, agentLength);
      return;
    }
  }
  // NEVER is so early that the difference wraps around and is below zero
  if (ts - lastTs > NEAR_MS || ts - load<i64>(nic + NIC_BASE_TS) > NEAR_MS) {
    if (fillsTooMany(vm, nic, frame, ts, lastTs)) {
      defer(frame, vm, nic, agent, agentLength);
      return;
    }
  }
  if (condition == NONE) {
    if (ts <= nicLastTs) {
      if (ts == nicLastTs && isRepeat(nic, frame)) add(C_DUPLICATE, 1);
      else defer(frame, vm, nic, agent, agentLength);
      return;
    }
    passBy(vm);
  } else if (ts > lastTs) {
    const minute = load<u32>(vm + VM_MINUTE);
    if (load<u32>(H_REDO) != 0) expectSilence(vm, watermark);
    if (told >= FRAME_SAYS_MORE || (flags & FLAG_HOLDS) != 0) {
      const hold = told >= FRAME_SAYS_MORE ? holdIn(frame) : 0;
      advanceHeld(vm, ts, condition, hold);
      hasHeld(hold);
      note(vm);
    } else advance(vm, ts, condition);
    // interfaces that lag behind the VM's own time are published when the step settles
    if (load<u32>(vm + VM_MINUTE) != minute && (load<u16>(vm + VM_NIC_COUNT) > 1 || (told & 1) == 0)) note(vm);
    const due = ts + load<i64>(H_STALENESS) + 1;
    if (due <= watermark) note(vm);
    else if (due < load<i64>(H_MIN_DEADLINE)) store<i64>(H_MIN_DEADLINE, due);
  } else if (ts > nicLastTs) {
    const said = load<u8>(vm + VM_CONDITION);
    const hold = told >= FRAME_SAYS_MORE ? holdIn(frame) : 0;
    if (ts == lastTs) {
      if (condition != said || hold != heldFor(vm)) {
        if (load<u32>(H_REDO) != 0) expectSilence(vm, watermark);
        overrule(vm, condition, hold);
        hasHeld(hold);
        note(vm);
      }
    } else if (condition != said || ts < load<i64>(vm + VM_RUN_START) || hold != 0 || (load<u8>(vm + VM_FLAGS) & FLAG_HOLDS) != 0) {
      defer(frame, vm, nic, agent, agentLength);
      return;
    }
    // within a run of the same condition a sample adds nothing to the timeline; its traffic may belong to a minute that the watermark
    // has already published
    if (ts < lastTs || ts < watermark) note(vm);
  } else {
    if (ts == nicLastTs && isRepeat(nic, frame)) add(C_DUPLICATE, 1);
    else defer(frame, vm, nic, agent, agentLength);
    return;
  }
  if (told < FRAME_SAYS_MORE) {
    if (load<u32>(H_ARCHIVE) != 0) emitSample(frame, agent, agentLength);
    else if (told != 0) keepBefore(nic, ts);
    if (told != 0) count(vm, nic, frame);
  } else keepFull(vm, nic, frame, agent, agentLength);
  store<i64>(nic + NIC_LAST_TS, ts);
  store<u16>(nic + NIC_LAST_CONDITION, load<u16>(frame + FRAME_CONDITION));
  store<u32>(nic + NIC_LAST_EPOCH, load<u32>(frame + FRAME_EPOCH));
  // a sample that waits for repair may have come before the first one here
  if (nicLastTs == NEVER && ts < load<i64>(nic + NIC_FIRST_TS)) store<i64>(nic + NIC_FIRST_TS, ts);
}

function tick(record: usize, size: usize): void {
  // the time of day does not count where samples tell the time, and the other way round
  if (load<u32>(H_EVENT_CLOCK) == <u32>load<u8>(record + RECORD_EVENT)) {
    const clock = load<i64>(record + RECORD_CLOCK);
    if (clock > load<i64>(H_CLOCK)) store<i64>(H_CLOCK, clock);
  }
  // refusals at the door since the tick before, by code: as many as its version knew
  const codes = min<usize>(REJECTIONS, (size - RECORD_HEAD) >> 2);
  for (let code: usize = 0; code < codes; code++) add(C_REJECTED + (code << 3), load<u32>(record + RECORD_HEAD + (code << 2)));
}

/**
 * Takes in the records between H_CURSOR and H_CURSOR_END (each an envelope and a payload, padded to 8). Answers DONE, or DRAIN: empty
 * the outputs and call again. In repair (H_ARCHIVE 0) the host sets the version of the rows; live, a row's version is the position.
 */
export function aggregate(): u32 {
  if (load<u32>(H_SPREAD_NIC) != 0 && !goOnSpreading()) return DRAIN;
  const live = load<u32>(H_ARCHIVE) != 0;
  let cursor = <usize>load<u32>(H_CURSOR);
  const end = <usize>load<u32>(H_CURSOR_END);
  let left = budget();
  let vm = vmAt(0);
  let scattered: u32 = 0; // samples for which it is worth to look ahead
  let seen: u32 = 0; // of those, the ones that it was done for
  while (cursor < end) {
    const size = <usize>load<u32>(cursor);
    const sequence = load<u64>(cursor + 8);
    const record = cursor + ENVELOPE;
    const kind = load<u8>(record + RECORD_KIND);
    if (kind == KIND_SAMPLES) {
      const agent = record + RECORD_HEAD;
      const agentLength = <u32>load<u8>(record + RECORD_AGENT_LENGTH);
      let at = <usize>load<u32>(H_FRAME_AT);
      let index = load<u32>(H_FRAME_INDEX);
      if (at == 0) {
        at = RECORD_HEAD + ((<usize>agentLength + 7) & ~7);
        index = load<u32>(record + RECORD_FIRST);
      }
      const from = index;
      let full = false;
      let version = live ? sequence << 16 | <u64>index : load<u64>(H_VERSION);
      const usually = live && mayBeUsual(agentLength);
      const watermark = load<i64>(H_CLOCK) - load<i64>(H_LATENESS);
      while (at < size) {
        if (left == 0) {
          left = budget();
          if (left == 0) {
            full = true;
            break;
          }
        }
        left--;
        const frame = record + at;
        at += <usize>load<u16>(frame + FRAME_SIZE);
        index++;
        if (seen != 0) seen--;
        if (usually) {
          if (takeUsual(frame, agent, agentLength, vm + VM_SIZE, version, watermark)) {
            vm += VM_SIZE;
            version++;
            continue;
          }
        }
        if (scattered != 0) {
          if (seen == 0) {
            lookAhead(frame, record + size);
            seen = AHEAD;
          }
          scattered--;
        }
        const expected = vm + VM_SIZE;
        vm = vmAfter(vm, frame + FRAME_HEAD, load<u8>(frame + FRAME_VM_LENGTH), load<u32>(frame + FRAME_HASH));
        if (vm != expected) {
          scattered = 2 * AHEAD;
          if (usually && takeUsualFound(frame, agent, agentLength, vm, version, watermark)) {
            version++;
            continue;
          }
        }
        store<u64>(H_VERSION, version);
        if (live) version++;
        take(frame, agent, agentLength, vm);
        if (mayMakeMore) {
          mayMakeMore = false;
          left = 0;
        }
        if (load<u32>(H_SPREAD_NIC) != 0) {
          full = true;
          break;
        }
      }
      add(C_ACCEPTED, index - from);
      if (full) {
        store<u32>(H_FRAME_AT, <u32>at);
        store<u32>(H_FRAME_INDEX, index);
        store<u32>(H_CURSOR, <u32>cursor);
        return DRAIN;
      }
      store<u32>(H_FRAME_AT, 0);
      store<u32>(H_FRAME_INDEX, 0);
    } else if (kind == KIND_TICK) tick(record, size);
    if (live) store<u64>(H_POSITION, sequence);
    cursor += ENVELOPE + ((size + 7) & ~7);
  }
  store<u32>(H_CURSOR, <u32>cursor);
  return DONE;
}

/**
 * Ends a step: publishes for every VM that was touched and, when the watermark has come that far, for every VM that is due. The host sets
 * H_VERSION before. Answers DONE or DRAIN, as aggregate does.
 */
export function settle(): u32 {
  const watermark = load<i64>(H_CLOCK) - load<i64>(H_LATENESS);
  const list = <usize>load<u32>(H_TOUCHED);
  const touched = load<u32>(H_TOUCHED_COUNT);
  let earliest = load<i64>(H_MIN_DEADLINE);
  let i = load<u32>(H_SETTLE_AT);
  for (; i < touched; i++) {
    const vm = vmAt(load<u32>(list + (<usize>i << 2)));
    if (!publish(vm, watermark)) {
      store<u32>(H_SETTLE_AT, i);
      store<i64>(H_MIN_DEADLINE, earliest);
      return DRAIN;
    }
    store<u8>(vm + VM_FLAGS, load<u8>(vm + VM_FLAGS) & ~FLAG_TOUCHED);
    const due = deadline(vm);
    if (due < earliest) earliest = due;
  }
  store<u32>(H_SETTLE_AT, touched);
  store<i64>(H_MIN_DEADLINE, earliest);
  if (watermark >= earliest) {
    let slot = load<u32>(H_SCAN_AT);
    let next = slot == 0 ? i64.MAX_VALUE : load<i64>(H_SCAN_MIN);
    const vms = load<u32>(H_VMS);
    for (; slot < vms; slot++) {
      const vm = vmAt(slot);
      let due = deadline(vm);
      if (due <= watermark) {
        if (!publish(vm, watermark)) {
          store<u32>(H_SCAN_AT, slot);
          store<i64>(H_SCAN_MIN, next);
          return DRAIN;
        }
        due = deadline(vm);
      }
      if (due < next) next = due;
    }
    store<i64>(H_MIN_DEADLINE, next);
    store<u32>(H_SCAN_AT, 0);
  }
  store<u32>(H_TOUCHED_COUNT, 0);
  store<u32>(H_SETTLE_AT, 0);
  return DONE;
}
