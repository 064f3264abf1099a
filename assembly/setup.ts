/** Laying out the memory for given capacities. The same walk answers how much memory is needed and then puts everything in place. */
import {
  COLD_EMIT_UNTIL,
  COLD_FIRST_TS,
  COLD_NAME,
  COLD_PHASE,
  COLD_SIZE,
  ENVELOPE,
  FRAME_CONDITION,
  FRAME_COUNTERS,
  FRAME_EPOCH,
  FRAME_HASH,
  FRAME_HEAD,
  FRAME_NIC_LENGTH,
  FRAME_RX,
  FRAME_TS,
  FRAME_TX,
  FRAME_VM_LENGTH,
  HEADER,
  HEADER_SIZE,
  H_ACCEPTED,
  H_ARCHIVE,
  H_CATALOG_SEQ,
  H_CLOCK,
  H_COUNTERS,
  H_CURSOR,
  H_CURSOR_END,
  H_EVENT_CLOCK,
  H_FRAMES,
  H_FRAMES_END,
  H_INPUT,
  H_INPUT_SIZE,
  H_LATENESS,
  H_LINK_BPS,
  H_LINK_BYTES_MS,
  H_MAX_NICS,
  H_MAX_PHASES,
  H_MAX_PLANS,
  H_MAX_VMS,
  H_MEMORY_END,
  H_MINUTES_LEFT,
  H_MIN_DEADLINE,
  H_NAMES,
  H_NAMES_END,
  H_NICS,
  H_NIC_MASK,
  H_NIC_RECORDS,
  H_NIC_TABLE,
  H_NOW,
  H_OLDEST,
  H_OUT,
  H_PATTERNS,
  H_PATTERN_COUNT,
  H_PHASES,
  H_PHASES_USED,
  H_PLANS,
  H_POSITION,
  H_REDO,
  H_REJECTED,
  H_REJECTED_BY_CODE,
  H_REJECTS,
  H_SAMPLES_MAX,
  H_SCRATCH,
  H_SEEN,
  H_STACK,
  H_STALENESS,
  H_STATE_END,
  H_TABLE,
  H_TOUCHED,
  H_VERSION,
  H_VMS,
  H_VMS_SEEN,
  H_VM_COLD,
  H_VM_MASK,
  H_VM_RECORDS,
  H_VM_TABLE,
  H_ZONES,
  H_ZONES_END,
  H_ZONES_LIMIT,
  NIC_BASE_TS,
  NIC_FIRST_TS,
  NIC_HASH,
  NIC_LAST_TS,
  NIC_NAME,
  NIC_NAME_LENGTH,
  NIC_NEXT,
  NIC_SIZE,
  NIC_VM,
  PHASE_SIZE,
  PLAN_SIZE,
  RECORD_CLOCK,
  RECORD_COUNT,
  RECORD_EVENT,
  RECORD_FIRST,
  RECORD_HEAD,
  VM_CONDITION,
  VM_EMIT_FROM,
  VM_FLAGS,
  VM_INLINE_MAX,
  VM_LAST_TS,
  VM_MINUTE,
  VM_NAMES,
  VM_NAME_LENGTH,
  VM_NIC,
  VM_PARTS,
  VM_PREVIOUS_CONDITION,
  VM_PREVIOUS_RUN,
  VM_PREVIOUS_TS,
  VM_PUBLISHED,
  VM_RUN_START,
  VM_SIZE,
} from './layout';

const PADDING: u64 = 128;
const REJECTS_SIZE: u64 = 1024;
const PATTERNS_SIZE: u64 = 8192;
const SCRATCH_SIZE: u64 = 1024;
const ZONES_SIZE: u64 = 1 << 20;

/** Bumped when the meaning of the state changes while its places stay. */
const STATE_VERSION: u32 = 3;

let fold: u32 = 0;

function mix(value: usize): void {
  fold = fold * 31 + <u32>value;
}

/** A number that changes with every place and size the host relies on: it folds the same list, and a checkpoint of another layout is refused. */
export function layoutHash(): u32 {
  fold = STATE_VERSION;
  mix(HEADER);
  mix(HEADER_SIZE);
  mix(VM_SIZE);
  mix(NIC_SIZE);
  mix(H_VMS);
  mix(H_NICS);
  mix(H_MAX_VMS);
  mix(H_MAX_NICS);
  mix(H_VM_RECORDS);
  mix(H_NIC_RECORDS);
  mix(H_VM_TABLE);
  mix(H_VM_MASK);
  mix(H_NIC_TABLE);
  mix(H_NIC_MASK);
  mix(H_NAMES);
  mix(H_NAMES_END);
  mix(H_PLANS);
  mix(H_ZONES);
  mix(H_ZONES_END);
  mix(H_PHASES);
  mix(H_PHASES_USED);
  mix(H_STATE_END);
  mix(H_VMS_SEEN);
  mix(H_INPUT);
  mix(H_INPUT_SIZE);
  mix(H_FRAMES);
  mix(H_FRAMES_END);
  mix(H_REJECTS);
  mix(H_PATTERNS);
  mix(H_MEMORY_END);
  mix(H_OUT);
  mix(H_ACCEPTED);
  mix(H_REJECTED);
  mix(H_SEEN);
  mix(H_REJECTED_BY_CODE);
  mix(H_NOW);
  mix(H_OLDEST);
  mix(H_PATTERN_COUNT);
  mix(H_SAMPLES_MAX);
  mix(H_STALENESS);
  mix(H_LATENESS);
  mix(H_LINK_BPS);
  mix(H_LINK_BYTES_MS);
  mix(H_EVENT_CLOCK);
  mix(H_ARCHIVE);
  mix(H_CLOCK);
  mix(H_MIN_DEADLINE);
  mix(H_POSITION);
  mix(H_CATALOG_SEQ);
  mix(H_CURSOR);
  mix(H_CURSOR_END);
  mix(H_VERSION);
  mix(H_REDO);
  mix(H_MINUTES_LEFT);
  mix(H_COUNTERS);
  mix(H_VM_COLD);
  mix(COLD_SIZE);
  mix(COLD_FIRST_TS);
  mix(COLD_PHASE);
  mix(COLD_NAME);
  mix(COLD_EMIT_UNTIL);
  mix(VM_LAST_TS);
  mix(VM_RUN_START);
  mix(VM_MINUTE);
  mix(VM_NIC);
  mix(VM_NAME_LENGTH);
  mix(VM_EMIT_FROM);
  mix(VM_PUBLISHED);
  mix(VM_PARTS);
  mix(VM_CONDITION);
  mix(VM_FLAGS);
  mix(VM_PREVIOUS_CONDITION);
  mix(VM_PREVIOUS_TS);
  mix(VM_PREVIOUS_RUN);
  mix(VM_NAMES);
  mix(VM_INLINE_MAX);
  mix(NIC_LAST_TS);
  mix(NIC_BASE_TS);
  mix(NIC_NAME);
  mix(NIC_NAME_LENGTH);
  mix(NIC_NEXT);
  mix(NIC_VM);
  mix(NIC_HASH);
  mix(NIC_FIRST_TS);
  mix(FRAME_HEAD);
  mix(FRAME_VM_LENGTH);
  mix(FRAME_NIC_LENGTH);
  mix(FRAME_HASH);
  mix(FRAME_TS);
  mix(FRAME_RX);
  mix(FRAME_TX);
  mix(FRAME_EPOCH);
  mix(FRAME_CONDITION);
  mix(FRAME_COUNTERS);
  mix(RECORD_HEAD);
  mix(RECORD_COUNT);
  mix(RECORD_CLOCK);
  mix(RECORD_EVENT);
  mix(RECORD_FIRST);
  mix(ENVELOPE);
  mix(PLAN_SIZE);
  mix(PHASE_SIZE);
  return fold;
}

function powerOfTwo(n: u32): u32 {
  let size: u32 = 16;
  while (size < n * 2) size <<= 1;
  return size;
}

let next: u64 = 0;
let writing: bool = false;

function place(field: usize, size: u64): void {
  if (writing) store<u32>(field, <u32>next);
  next = (next + size + PADDING + 63) & ~63;
}

function walk(maxVms: u32, maxNics: u32, maxPlans: u32, maxPhases: u32, inputSize: u32, framesSize: u32, outSize: u32): void {
  next = HEADER + HEADER_SIZE;
  place(H_VM_RECORDS, <u64>maxVms * VM_SIZE);
  place(H_VM_COLD, <u64>maxVms * COLD_SIZE);
  place(H_NIC_RECORDS, <u64>maxNics * NIC_SIZE);
  place(H_VM_TABLE, <u64>powerOfTwo(maxVms) * 8);
  place(H_NIC_TABLE, <u64>powerOfTwo(maxNics) * 8);
  place(H_NAMES, <u64>maxVms * 64);
  place(H_PLANS, <u64>maxPlans * PLAN_SIZE);
  place(H_PHASES, <u64>maxPhases * PHASE_SIZE);
  place(H_ZONES, ZONES_SIZE);
  place(H_TOUCHED, <u64>maxVms * 4);
  if (writing) store<u32>(H_STATE_END, <u32>next);
  place(H_INPUT, inputSize);
  place(H_FRAMES, framesSize);
  place(H_REJECTS, REJECTS_SIZE);
  place(H_PATTERNS, PATTERNS_SIZE);
  place(H_STACK, <u64>(inputSize >> 3) + 64);
  place(H_SCRATCH, SCRATCH_SIZE);
  // two names a sample: 136 bytes is the largest frame
  place(H_TABLE, <u64>(framesSize / 136) * 2 * 16);
  for (let i: usize = 0; i < 6; i++) {
    const out = H_OUT + i * 16;
    place(out, outSize);
    if (writing) {
      store<u32>(out + 4, load<u32>(out));
      store<u32>(out + 8, load<u32>(out) + outSize);
    }
  }
}

/** Pages of 64 KiB that `initialise` will want for these capacities. */
export function memoryNeeded(
  maxVms: u32,
  maxNics: u32,
  maxPlans: u32,
  maxPhases: u32,
  inputSize: u32,
  framesSize: u32,
  outSize: u32,
): u32 {
  writing = false;
  walk(maxVms, maxNics, maxPlans, maxPhases, inputSize, framesSize, outSize);
  return <u32>((next + 65535) >> 16);
}

/** Puts everything in place in zeroed memory. The host fills in the terms (H_STALENESS …) afterwards. */
export function initialise(
  maxVms: u32,
  maxNics: u32,
  maxPlans: u32,
  maxPhases: u32,
  inputSize: u32,
  framesSize: u32,
  outSize: u32,
): void {
  writing = true;
  walk(maxVms, maxNics, maxPlans, maxPhases, inputSize, framesSize, outSize);
  store<u32>(H_MAX_VMS, maxVms);
  store<u32>(H_MAX_NICS, maxNics);
  store<u32>(H_MAX_PLANS, maxPlans);
  store<u32>(H_MAX_PHASES, maxPhases);
  store<u32>(H_VM_MASK, powerOfTwo(maxVms) - 1);
  store<u32>(H_NIC_MASK, powerOfTwo(maxNics) - 1);
  store<u32>(H_NAMES_END, load<u32>(H_NAMES));
  store<u32>(H_ZONES_END, load<u32>(H_ZONES));
  store<u32>(H_ZONES_LIMIT, load<u32>(H_ZONES) + <u32>ZONES_SIZE);
  store<u32>(H_INPUT_SIZE, inputSize);
  store<u32>(H_MEMORY_END, <u32>next);
  store<u32>(H_MINUTES_LEFT, u32.MAX_VALUE);
  store<i64>(H_MIN_DEADLINE, i64.MAX_VALUE);
}
