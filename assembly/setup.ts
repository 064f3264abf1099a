/** Laying out the memory for given capacities. The same walk answers how much memory is needed and then puts everything in place. */
import { LAYOUT_FOLD } from './layout-fold.gen';
import {
  COLD_SIZE,
  HEADER,
  HEADER_SIZE,
  H_FRAMES,
  H_INPUT,
  H_INPUT_SIZE,
  H_MAX_NICS,
  H_MAX_PHASES,
  H_MAX_PLANS,
  H_MAX_VMS,
  H_MEMORY_END,
  H_MINUTES_LEFT,
  H_MIN_DEADLINE,
  H_NAMES,
  H_NAMES_END,
  H_NIC_MASK,
  H_NIC_RECORDS,
  H_NIC_TABLE,
  H_OUT,
  H_PATTERNS,
  H_PHASES,
  H_PLANS,
  H_REJECTS,
  H_SCRATCH,
  H_STACK,
  H_STATE_END,
  H_TABLE,
  H_TOUCHED,
  H_VM_COLD,
  H_VM_MASK,
  H_VM_RECORDS,
  H_VM_TABLE,
  H_ZONES,
  H_ZONES_END,
  H_ZONES_LIMIT,
  NIC_SIZE,
  OUTPUT_COUNT,
  PHASE_SIZE,
  PLAN_SIZE,
  VM_SIZE,
} from './layout';

const PADDING: u64 = 128;
const REJECTS_SIZE: u64 = 1024;
const PATTERNS_SIZE: u64 = 8192;
const SCRATCH_SIZE: u64 = 1024;
const ZONES_SIZE: u64 = 1 << 20;

/** A number that changes with every line of layout.ts: the host knows the same, and a checkpoint bears it. */
export function layoutFold(): u32 {
  return LAYOUT_FOLD;
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
  // three names a sample, of which 216 bytes is the largest frame
  place(H_TABLE, <u64>(framesSize / 216) * 3 * 16);
  for (let i: usize = 0; i < OUTPUT_COUNT; i++) {
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
