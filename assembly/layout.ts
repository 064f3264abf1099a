/**
 * The memory map, and the only place that says it: `npm run build:layout` (part of the build) writes what the host knows of it into
 * src/kernel/layout.gen.ts, and one number over every line below, the fold, into layout-fold.gen.ts. The kernel exports the fold and the host
 * compares it at load; a checkpoint bears it. Every byte the kernel knows lives in linear memory at addresses kept in the header, so a
 * snapshot is a copy of what is in use of [HEADER, H_STATE_END).
 *
 *   0               65536    66560
 *   | asc's statics | HEADER | state: vms · cold vms · nics · vm table · nic table · names · plans · phases · zones · touched
 *                            | buffers: input · frames · rejects · patterns · stack · scratch · names of a body · outputs, to H_MEMORY_END
 *
 * (setup.ts puts them there in this order; test/kernel/layout.test.ts holds the drawing against a kernel.)
 */

/** Bumped when the meaning of the state changes while its places stay. */
export const STATE_VERSION: u32 = 3;

// ---- header -------------------------------------------------------------------------------------------------------
export const HEADER: usize = 65536;
export const HEADER_SIZE: usize = 1024;

// capacities and the places of the regions
export const H_MAX_VMS: usize = HEADER + 0; // u32
export const H_MAX_NICS: usize = HEADER + 4; // u32
export const H_VMS: usize = HEADER + 8; // u32 used
export const H_NICS: usize = HEADER + 12; // u32 used
export const H_VM_RECORDS: usize = HEADER + 16; // u32 address
export const H_NIC_RECORDS: usize = HEADER + 20;
export const H_VM_TABLE: usize = HEADER + 24;
export const H_VM_MASK: usize = HEADER + 28;
export const H_NIC_TABLE: usize = HEADER + 32;
export const H_NIC_MASK: usize = HEADER + 36;
export const H_NAMES: usize = HEADER + 40;
export const H_NAMES_END: usize = HEADER + 44; // next free byte
export const H_PLANS: usize = HEADER + 48;
export const H_MAX_PLANS: usize = HEADER + 52;
export const H_ZONES: usize = HEADER + 56;
export const H_ZONES_END: usize = HEADER + 60; // next free byte
export const H_ZONES_LIMIT: usize = HEADER + 64;
export const H_PHASES: usize = HEADER + 68; // dated plans of VMs
export const H_PHASES_USED: usize = HEADER + 72;
export const H_MAX_PHASES: usize = HEADER + 76;
export const H_TOUCHED: usize = HEADER + 80; // u32 list of VM slots to settle
export const H_TOUCHED_COUNT: usize = HEADER + 84;
export const H_STATE_END: usize = HEADER + 88;
export const H_VMS_SEEN: usize = HEADER + 92; // VMs with at least one sample
export const H_VM_COLD: usize = HEADER + 96;

// buffers
export const H_INPUT: usize = HEADER + 128;
export const H_INPUT_SIZE: usize = HEADER + 132;
export const H_FRAMES: usize = HEADER + 136;
export const H_FRAMES_END: usize = HEADER + 140;
export const H_REJECTS: usize = HEADER + 144;
export const H_PATTERNS: usize = HEADER + 148;
export const H_STACK: usize = HEADER + 152; // bits of open arrays and objects
export const H_SCRATCH: usize = HEADER + 156;
export const H_MEMORY_END: usize = HEADER + 160;
export const H_TABLE: usize = HEADER + 164; // names of a binary body

// outputs: start, write position, limit (u32); OUTPUTS of the host are these, in this order
export const H_OUT: usize = HEADER + 192; // 8 outputs × 16 bytes
export const OUT_SAMPLES: usize = H_OUT + 0;
export const OUT_UPTIME: usize = H_OUT + 16;
export const OUT_TRAFFIC: usize = H_OUT + 32;
export const OUT_OUTAGES: usize = H_OUT + 48;
export const OUT_ANOMALIES: usize = H_OUT + 64;
export const OUT_LATE: usize = H_OUT + 80;
export const OUT_FULL: usize = H_OUT + 96; // raw samples with the columns that few need
export const OUT_CHAINS: usize = H_OUT + 112; // rows of traffic of what counts by host or part
export const OUTPUT_COUNT: usize = 8;

// answers of decode
export const H_ACCEPTED: usize = HEADER + 320; // u32
export const H_REJECTED: usize = HEADER + 324; // u32
export const H_SEEN: usize = HEADER + 328; // u32 samples looked at
export const H_REJECTED_BY_CODE: usize = HEADER + 840; // 32 × u32

// terms of decoding
export const H_NOW: usize = HEADER + 400; // i64 the server's clock
export const H_OLDEST: usize = HEADER + 408; // i64 the oldest ts still accepted
export const H_PATTERN_COUNT: usize = HEADER + 416; // u32, 0 = every VM is allowed
export const H_SAMPLES_MAX: usize = HEADER + 420; // u32 samples a request

// terms of the aggregation
export const H_STALENESS: usize = HEADER + 448; // i64 ms
export const H_LATENESS: usize = HEADER + 456; // i64 ms
export const H_LINK_BPS: usize = HEADER + 464; // u64 bits a second
export const H_LINK_BYTES_MS: usize = HEADER + 472; // u64 floor of bytes a millisecond
export const H_EVENT_CLOCK: usize = HEADER + 480; // u32: 1 = the clock is the highest ts
export const H_ARCHIVE: usize = HEADER + 484; // u32: 1 = write raw samples out
export const H_CLOCK: usize = HEADER + 488; // i64
export const H_MIN_DEADLINE: usize = HEADER + 496; // i64: no VM needs settling before the watermark reaches this
export const H_POSITION: usize = HEADER + 504; // u64: of the last record aggregated
export const H_CATALOG_SEQ: usize = HEADER + 512; // u64: catalog entries applied

// where aggregate and settle go on after the outputs were drained
export const H_CURSOR: usize = HEADER + 520; // u32 address of the next record
export const H_CURSOR_END: usize = HEADER + 524;
export const H_FRAME_AT: usize = HEADER + 528; // u32 offset in the record, 0 = at its start
export const H_FRAME_INDEX: usize = HEADER + 532;
export const H_SETTLE_AT: usize = HEADER + 536;
export const H_SCAN_AT: usize = HEADER + 540;
export const H_SCAN_MIN: usize = HEADER + 544; // i64
export const H_SPREAD_NIC: usize = HEADER + 552; // u32 address of the interface whose spread is not finished, 0 = none
export const H_SPREAD_VM: usize = HEADER + 556;
export const H_SPREAD_A: usize = HEADER + 560; // i64
export const H_SPREAD_B: usize = HEADER + 568; // i64
export const H_SPREAD_RX: usize = HEADER + 576; // u64 increase
export const H_SPREAD_TX: usize = HEADER + 584;
export const H_SPREAD_CUM_RX: usize = HEADER + 592; // u64 already given out
export const H_SPREAD_CUM_TX: usize = HEADER + 600;
export const H_SPREAD_MINUTE: usize = HEADER + 608; // u32
export const H_VERSION: usize = HEADER + 616; // u64 version of the rows being written
export const H_REDO: usize = HEADER + 624; // u32: 1 = the store may hold rows of later steps than this state knows of
export const H_MINUTES_LEFT: usize = HEADER + 628; // u32: minutes that samples far from those before them may still write in this step

export const H_HOLD_MAX: usize = HEADER + 632; // u32 ms: the longest hold that a sample has said

// counters since the log began, u64 each
export const H_COUNTERS: usize = HEADER + 640;
export const C_ACCEPTED: usize = H_COUNTERS + 0;
export const C_DUPLICATE: usize = H_COUNTERS + 8;
export const C_CONFLICT: usize = H_COUNTERS + 16;
export const C_LATE: usize = H_COUNTERS + 24;
export const C_REJECTED: usize = H_COUNTERS + 32; // a word a code
export const COUNTERS: u32 = 21;
// states of before names were forgotten hold zeros here
export const H_MARKED: usize = HEADER + 976; // u64: the highest mark of the catalog taken in, up to which names were forgotten

// ---- a VM: 128 bytes, all of which an ordinary sample touches; what it does not is in VM_COLD ----------------------------
// The head is that of a frame of this VM and its newest interface, whose names lie together as in the frame: one comparison of words
// finds both. Its size is 0 where the two names don't fit.
export const VM_SIZE: usize = 128;
export const VM_LAST_TS: usize = 0; // i64, MIN = no sample yet
export const VM_RUN_START: usize = 8; // i64 start of the run of `condition` that reaches last_ts
export const VM_MINUTE: usize = 16; // u32 minute of last_ts
export const VM_NIC: usize = 20; // u32 slot + 1 of the newest interface
export const VM_HEAD: usize = 24; // u64: u16 size, u8 vm length, u8 nic length, u32 hash
export const VM_NAME_LENGTH: usize = 26; // u8
export const VM_NIC_LENGTH: usize = 27; // u8 where the size is not 0
export const VM_HASH: usize = 28; // u32
export const VM_EMIT_FROM: usize = 32; // u32 in repair EMIT_SLICE + the first minute that is written out; 0 = all minutes are
export const VM_PUBLISHED: usize = 36; // u32 first minute not yet published ahead of a sample
export const VM_PARTS: usize = 40; // 9 × u16 ms of the open minute, by condition
export const VM_NIC_COUNT: usize = 58; // u16, no further than 65535
export const VM_CONDITION: usize = 60; // u8
export const VM_FLAGS: usize = 61; // u8
export const VM_PREVIOUS_CONDITION: usize = 62; // u8
export const VM_PREVIOUS_TS: usize = 64; // i64 the sample before last_ts, MIN = none: what a second opinion at last_ts goes back to
export const VM_PREVIOUS_RUN: usize = 72; // i64
export const VM_NAMES: usize = 80; // 48 bytes: the VM's name if it fits, then the newest interface's if both do, then zeros
export const VM_INLINE_MAX: u32 = 48;

// ---- what is seldom asked of a VM: 24 bytes --------------------------------------------------------------------------------
export const COLD_SIZE: usize = 24;
export const COLD_FIRST_TS: usize = 0; // i64
export const COLD_PHASE: usize = 8; // u32 index + 1 of the newest dated plan
export const COLD_NAME: usize = 12; // u32 address of a name that is not in VM_NAMES
export const COLD_EMIT_UNTIL: usize = 16; // u32 in repair: minutes from here on are not written out
export const COLD_HOLD: usize = 20; // u16 s that the state of last_ts holds, 0 = the staleness; with FLAG_HOLDS only
export const COLD_PREVIOUS_HOLD: usize = 22; // u16 s, of previous_ts

/** Set in VM_EMIT_FROM beside a minute: only a stretch of the VM's minutes is written out. */
export const EMIT_SLICE: u32 = 0x80000000;

export const FLAG_REPAIR: u8 = 1; // a sample waits for repair: everything after it waits too
export const FLAG_SILENT: u8 = 2; // the silence after last_ts is on record as an outage
export const FLAG_TOUCHED: u8 = 4;
export const FLAG_FORGOTTEN: u8 = 8; // for the moment before its slot is given back
export const FLAG_AHEAD: u8 = 16; // its newest samples say no state, or have traffic that is not written out
export const FLAG_HOLDS: u8 = 32; // a sample has said how long its state holds, or that it says none
export const FLAG_UNTOLD: u8 = 64; // it has samples, and none that says a state
export const FLAG_DOUBTS: u8 = 128; // of one of its chains the first counters said when they began, or an increase was too fast: later samples may tell otherwise

// ---- what counts: an interface as one host counts it, or one half of that (a chain): 128 bytes ---------------------------------------------------------------------------------------
export const NIC_SIZE: usize = 128;
export const NIC_LAST_TS: usize = 0; // i64 last sample of any kind
export const NIC_BASE_TS: usize = 8; // i64 last sample with counters
export const NIC_BASE_RX: usize = 16; // u64
export const NIC_BASE_TX: usize = 24; // u64
export const NIC_SUM_RX: usize = 32; // u64 of the open minute
export const NIC_SUM_TX: usize = 40; // u64
export const NIC_SUM_MINUTE: usize = 48; // u32
export const NIC_BASE_EPOCH: usize = 52; // u32
export const NIC_LAST_EPOCH: usize = 56; // u32
export const NIC_LAST_CONDITION: usize = 60; // u8
export const NIC_LAST_COUNTERS: usize = 61; // u8
export const NIC_DIRTY: usize = 62; // u8 the open minute has traffic that was not written out
export const NIC_NAME_LENGTH: usize = 63; // u8; bit 7: of a host or half, which the next slot tells
export const NIC_NAME: usize = 64; // 32 bytes
export const NIC_VM: usize = 96; // u32 slot
export const NIC_NEXT: usize = 100; // u32 slot + 1 of the next interface of the VM
export const NIC_BASE_CONDITION: usize = 104; // u8
export const NIC_JUMPED: usize = 105; // u8 NIC_HAS_JUMPED, NIC_HAS_FALLEN
export const NIC_BORN: usize = 106; // u8 its first counters said when they began
export const NIC_HASH: usize = 108; // u32
export const NIC_FIRST_TS: usize = 112; // i64 first sample of any kind
export const NIC_PLACE: usize = 120; // u32 address of its entry in the table
export const NIC_BEFORE: usize = 124; // u32 in repair: how many ms before base_ts the counters before it are, at most; 0: there are none
export const NIC_TOLD: u32 = 128; // in NIC_NAME_LENGTH
export const NIC_HAS_JUMPED: u8 = 1; // in NIC_JUMPED: an increase was faster than the link
export const NIC_HAS_FALLEN: u8 = 2; // a counter fell; with NIC_HAS_JUMPED perhaps behind what it jumped over, which the host finds out

// ---- the slot after a chain of a host or half: its hash is 0, NIC_VM as there -------------------------------------------------
export const CHAIN_HOST: usize = 0; // 64 bytes
export const CHAIN_HOST_LENGTH: usize = 64; // u8
export const CHAIN_PART: usize = 65; // u8 0 both, 1 rx, 2 tx
export const CHAIN_LAST_MORE: usize = 72; // 16 bytes: what its last sample said more
export const CHAIN_BORN_TS: usize = 88; // i64 of its first counters, if they said when they began

// ---- a dated plan of a VM: 16 bytes · a plan: 40 bytes · a zone: u32 count, then (u32 from minute, i32 offset minutes) -----
export const PHASE_SIZE: usize = 16;
export const PHASE_FROM: usize = 0; // i64 ms
export const PHASE_PLAN: usize = 8; // u32 slot
export const PHASE_NEXT: usize = 12; // u32 index + 1 of the one before it
export const PLAN_SIZE: usize = 40;
export const PLAN_PRICE: usize = 0; // u64 nanos
export const PLAN_PER: usize = 8; // u32 0 month, 1 day, 2 hour
export const PLAN_MASK: usize = 12; // u32 bit a creditable condition
export const PLAN_ZONE: usize = 16; // u32 address
export const PLAN_DAY: usize = 20; // u32 the day last asked for: start minute
export const PLAN_DAY_MINUTES: usize = 24; // u32
export const PLAN_DAY_CHARGE: usize = 32; // u64 nanos

// ---- a frame: one accepted sample; what the log stores ------------------------------------------------------------------
//  0 u16 size (a multiple of 8)   2 u8 vm length   3 u8 nic length   4 u32 hash of the vm (hashName: stored, so it never changes; the
//  table of names goes by its lower bits but the lowest, partitions of a log by its upper ones; src/samples/vm-hash.ts is its twin)
//  8 i64 ts ms   16 u64 rx   24 u64 tx   32 u32 epoch   36 u8 condition, or NONE   37 u8 bit 0: has counters, bit 7: says more   38 u16 zero
// 40 vm, nic, zeros up to size; of a frame that says more the last 16 bytes are: i64 started ms or -1 · u32 Mbit/s of its link or 0 ·
//    u8 bit 0: a sum, bits 1 and 2: the half, as CHAIN_PART · u8 length of the host, whose name is after that of the nic · u16 s that its state holds, or 0
export const FRAME_HEAD: usize = 40;
export const FRAME_SIZE: usize = 0;
export const FRAME_VM_LENGTH: usize = 2;
export const FRAME_NIC_LENGTH: usize = 3;
export const FRAME_HASH: usize = 4;
export const FRAME_TS: usize = 8;
export const FRAME_RX: usize = 16;
export const FRAME_TX: usize = 24;
export const FRAME_EPOCH: usize = 32;
export const FRAME_CONDITION: usize = 36;
export const FRAME_COUNTERS: usize = 37;
export const FRAME_SAYS_MORE: u32 = 128; // in FRAME_COUNTERS
export const FRAME_MORE: usize = 16; // bytes at the end of such a frame
export const FRAME_MORE_STARTED: usize = 0;
export const FRAME_MORE_LINK: usize = 8;
export const FRAME_MORE_SAYS: usize = 12;
export const FRAME_MORE_HOST: usize = 13;
export const FRAME_MORE_HOLD: usize = 14;

// ---- a log record: 16 bytes, the agent's name padded to 8, then frames ---------------------------------------------------
// Records may share a sequence number (those of one message): the samples of each then say the index that they begin at.
export const RECORD_HEAD: usize = 16;
export const RECORD_KIND: usize = 0; // u8
export const RECORD_AGENT_LENGTH: usize = 1; // u8
export const RECORD_EVENT: usize = 2; // u8 of a tick: 1 = its clock is the highest ts accepted anywhere
export const RECORD_COUNT: usize = 4; // u32 samples
export const RECORD_FIRST: usize = 8; // u32 index of the first sample among those of its sequence number
export const RECORD_CLOCK: usize = 8; // i64 ms of a tick, catalog sequence of a change
export const KIND_SAMPLES: u8 = 1;
export const KIND_TICK: u8 = 2;
export const KIND_CATALOG: u8 = 3;
export const KIND_IDENTITY: u8 = 4; // which log this is; passed over
// in the input buffer every record is preceded by: u32 size of the payload, u32 zero, u64 sequence
export const ENVELOPE: usize = 16;

export const UP: u8 = 0;
export const SILENT: u8 = 8;
export const NONE: u8 = 9; // in place of the condition of a sample that says nothing about the state
export const CONDITIONS: u32 = 9;
export const MINUTE_MS: i64 = 60000;

// ---- why a sample is refused: the code, and 256 times the field that is meant ---------------------------------------------
export const REJECT_MALFORMED_JSON: u32 = 0;
export const REJECT_MISSING_FIELD: u32 = 1;
export const REJECT_BAD_VM: u32 = 2;
export const REJECT_BAD_NIC: u32 = 3;
export const REJECT_BAD_TS: u32 = 4;
export const REJECT_TS_IN_FUTURE: u32 = 5;
export const REJECT_TS_TOO_OLD: u32 = 6;
export const REJECT_BAD_COUNTER: u32 = 7;
export const REJECT_BAD_EPOCH: u32 = 8;
export const REJECT_BAD_STATE: u32 = 9;
export const REJECT_BAD_CAUSE: u32 = 10;
export const REJECT_VM_NOT_ALLOWED: u32 = 11;
export const REJECT_BAD_STARTED_AT: u32 = 12;
export const REJECT_BAD_LINK: u32 = 13;
export const REJECT_BAD_SUM: u32 = 14;
export const REJECT_BAD_HOLD: u32 = 15;
export const REJECT_BAD_HOST: u32 = 16;
export const REJECTIONS: u32 = 17;
export const FIELD_VM: u32 = 1;
export const FIELD_TS: u32 = 2;
export const FIELD_NIC: u32 = 3;
export const FIELD_RX_BYTES: u32 = 4;
export const FIELD_TX_BYTES: u32 = 5;
export const FIELD_EPOCH: u32 = 6;
export const FIELD_STATE: u32 = 7;
export const FIELD_CAUSE: u32 = 8;
export const FIELD_STARTED_AT: u32 = 9;
export const FIELD_LINK_MBPS: u32 = 10;
export const FIELD_SUM: u32 = 11;
export const FIELD_HOLD_S: u32 = 12;
export const FIELD_HOST: u32 = 13;
