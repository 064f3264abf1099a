/**
 * The kernel's memory map as the host uses it: the same numbers as assembly/layout.ts, which draws and explains them. `layoutHash` folds them
 * in the same order as the kernel does; the two are compared when a kernel is loaded.
 */
export const STATE_VERSION = 3;

export const LAYOUT = {
  HEADER: 65536,
  HEADER_SIZE: 1024,
  VM_SIZE: 128,
  NIC_SIZE: 128,
  H_VMS: 65544,
  H_NICS: 65548,
  H_MAX_VMS: 65536,
  H_MAX_NICS: 65540,
  H_VM_RECORDS: 65552,
  H_NIC_RECORDS: 65556,
  H_VM_TABLE: 65560,
  H_VM_MASK: 65564,
  H_NIC_TABLE: 65568,
  H_NIC_MASK: 65572,
  H_NAMES: 65576,
  H_NAMES_END: 65580,
  H_PLANS: 65584,
  H_ZONES: 65592,
  H_ZONES_END: 65596,
  H_PHASES: 65604,
  H_PHASES_USED: 65608,
  H_STATE_END: 65624,
  H_VMS_SEEN: 65628,
  H_INPUT: 65664,
  H_INPUT_SIZE: 65668,
  H_FRAMES: 65672,
  H_FRAMES_END: 65676,
  H_REJECTS: 65680,
  H_PATTERNS: 65684,
  H_MEMORY_END: 65696,
  H_OUT: 65728,
  H_ACCEPTED: 65856,
  H_REJECTED: 65860,
  H_SEEN: 65864,
  H_REJECTED_BY_CODE: 65872,
  H_NOW: 65936,
  H_OLDEST: 65944,
  H_PATTERN_COUNT: 65952,
  H_SAMPLES_MAX: 65956,
  H_STALENESS: 65984,
  H_LATENESS: 65992,
  H_LINK_BPS: 66000,
  H_LINK_BYTES_MS: 66008,
  H_EVENT_CLOCK: 66016,
  H_ARCHIVE: 66020,
  H_CLOCK: 66024,
  H_MIN_DEADLINE: 66032,
  H_POSITION: 66040,
  H_CATALOG_SEQ: 66048,
  H_CURSOR: 66056,
  H_CURSOR_END: 66060,
  H_VERSION: 66152,
  H_REDO: 66160,
  H_MINUTES_LEFT: 66164,
  H_COUNTERS: 66176,
  H_VM_COLD: 65632,
  COLD_SIZE: 24,
  COLD_FIRST_TS: 0,
  COLD_PHASE: 8,
  COLD_NAME: 12,
  COLD_EMIT_UNTIL: 16,
  VM_LAST_TS: 0,
  VM_RUN_START: 8,
  VM_MINUTE: 16,
  VM_NIC: 20,
  VM_NAME_LENGTH: 26,
  VM_EMIT_FROM: 32,
  VM_PUBLISHED: 36,
  VM_PARTS: 40,
  VM_CONDITION: 60,
  VM_FLAGS: 61,
  VM_PREVIOUS_CONDITION: 62,
  VM_PREVIOUS_TS: 64,
  VM_PREVIOUS_RUN: 72,
  VM_NAMES: 80,
  VM_INLINE_MAX: 48,
  NIC_LAST_TS: 0,
  NIC_BASE_TS: 8,
  NIC_NAME: 64,
  NIC_NAME_LENGTH: 63,
  NIC_NEXT: 100,
  NIC_VM: 96,
  NIC_HASH: 108,
  NIC_FIRST_TS: 112,
  FRAME_HEAD: 40,
  FRAME_VM_LENGTH: 2,
  FRAME_NIC_LENGTH: 3,
  FRAME_HASH: 4,
  FRAME_TS: 8,
  FRAME_RX: 16,
  FRAME_TX: 24,
  FRAME_EPOCH: 32,
  FRAME_CONDITION: 36,
  FRAME_COUNTERS: 37,
  RECORD_HEAD: 16,
  RECORD_COUNT: 4,
  RECORD_CLOCK: 8,
  RECORD_EVENT: 2,
  RECORD_FIRST: 8,
  ENVELOPE: 16,
  PLAN_SIZE: 40,
  PHASE_SIZE: 16,
} as const;

/** Outputs of aggregation: each has start, position and limit (u32) at H_OUT + 16 × its number. */
export const OUTPUTS = { samples: 0, uptime: 1, traffic: 2, outages: 3, anomalies: 4, late: 5 } as const;
export type Output = keyof typeof OUTPUTS;

/** Counters since the log began: u64 at H_COUNTERS + 8 × number; rejections by code follow from `rejected` on. */
export const COUNTERS = { accepted: 0, duplicate: 1, conflict: 2, late: 3, rejected: 4 } as const;
export const COUNTER_WORDS = 16;

/** Beside a minute in VM_EMIT_FROM: only a stretch of the VM's minutes is written out. */
export const EMIT_SLICE = 0x80000000;

export const FLAG_REPAIR = 1;
export const FLAG_SILENT = 2;
export const FLAG_TOUCHED = 4;

/** Kinds of log records (first byte). */
export const KIND_SAMPLES = 1;
export const KIND_TICK = 2;
export const KIND_CATALOG = 3;
/** Which log this is: of no concern to the kernel. */
export const KIND_IDENTITY = 4;

export function layoutHash(): number {
  let fold = STATE_VERSION;
  for (const value of Object.values(LAYOUT)) fold = (Math.imul(fold, 31) + value) >>> 0;
  return fold;
}
