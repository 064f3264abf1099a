/* Frames to rows: assembly/aggregate.ts, intern.ts, timeline.ts, counter.ts, spread.ts and emit.ts, the live path. */
#include "twin.h"
#include <stdio.h>
#include <stdlib.h>
#include "text.h"

enum { MINUTE_MS = 60000, STALENESS_MS = 90000 };
static const int64_t NEVER = INT64_MIN, OPEN = 0;
static const uint64_t LINK_BYTES_MS = 12500000;
static const char AGENT[] = "bench";
#define AGENT_LENGTH 5u

struct vm {
  int64_t last_ts, run_start;
  uint32_t minute, hash, nic;
  uint8_t condition, previous_condition, name_length, unused;
  uint16_t parts[10];
  uint32_t published;
  int64_t previous_ts, previous_run;
  union { uint8_t name[NAME_INLINE]; uint8_t *long_name; };
  int64_t first_ts;
  uint32_t nic_count, unused2;
} __attribute__((aligned(64)));

struct nic {
  int64_t last_ts, base_ts;
  uint64_t base_rx, base_tx, sum_rx, sum_tx;
  uint32_t sum_minute, base_epoch, last_epoch;
  uint8_t last_condition, last_counters, dirty, name_length;
  uint8_t name[32];
  uint32_t vm, next;
  uint8_t base_condition;
} __attribute__((aligned(64)));

struct entry { uint32_t hash, slot; };

struct twin {
  struct vm *vms;
  struct nic *nics;
  struct entry *vm_table, *nic_table;
  uint32_t mask, vm_count, nic_count, max;
  uint8_t *names;
  uint64_t version;
  uint64_t accepted, duplicates;
  struct output out[OUTPUTS];
};

static void *room(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 64 + 63) & ~(size_t)63);
  if (p == NULL) abort();
  memset(p, 0, bytes);
  return p;
}

struct twin *twin_new(uint32_t vms, size_t output_bytes) {
  struct twin *t = room(sizeof *t);
  uint32_t places = 16;
  while (places < vms * 2) places <<= 1;
  t->max = vms;
  t->mask = places - 1;
  t->vms = room(sizeof(struct vm) * (vms + 1));
  t->nics = room(sizeof(struct nic) * vms);
  t->vm_table = room(sizeof(struct entry) * places);
  t->nic_table = room(sizeof(struct entry) * places);
  t->names = room((size_t)vms * 64);
  for (int i = 0; i < OUTPUTS; i++) {
    struct output *o = &t->out[i];
    o->start = o->at = room(output_bytes + 64);
    o->limit = o->start + output_bytes;
  }
  return t;
}

void twin_forget(struct twin *t) {
  memset(t->vms, 0, sizeof(struct vm) * t->vm_count);
  memset(t->nics, 0, sizeof(struct nic) * t->nic_count);
  memset(t->vm_table, 0, sizeof(struct entry) * (t->mask + 1));
  memset(t->nic_table, 0, sizeof(struct entry) * (t->mask + 1));
  t->vm_count = t->nic_count = 0;
  t->accepted = t->duplicates = 0;
}

struct output *twin_output(struct twin *t, int which) { return &t->out[which]; }

/* ---- names ---- */

INLINE const uint8_t *name_of(const struct vm *vm) { return vm->name_length <= NAME_INLINE ? vm->name : vm->long_name; }

static struct vm *new_vm(struct twin *t, struct entry *place, const uint8_t *name, uint32_t length, uint32_t hash) {
  if (t->vm_count == t->max) abort();
  uint32_t slot = t->vm_count++;
  *place = (struct entry){hash, slot + 1};
  struct vm *vm = &t->vms[slot];
  vm->hash = hash;
  vm->name_length = (uint8_t)length;
  if (length > NAME_INLINE) vm->long_name = t->names + (size_t)slot * 64;
  memcpy(length > NAME_INLINE ? vm->long_name : vm->name, name, length);
  vm->last_ts = vm->first_ts = vm->previous_ts = NEVER;
  return vm;
}

static struct vm *vm_of(struct twin *t, const uint8_t *name, uint32_t length, uint32_t hash) {
  for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
    struct entry *e = &t->vm_table[i];
    if (UNLIKELY(e->slot == 0)) return new_vm(t, e, name, length, hash);
    if (LIKELY(e->hash == hash)) {
      struct vm *vm = &t->vms[e->slot - 1];
      if (LIKELY(vm->name_length == length && same_name(name_of(vm), name, length))) return vm;
    }
  }
}

/* The record after the last one first: agents send their VMs in one order every time. */
INLINE struct vm *vm_after(struct twin *t, struct vm *previous, const uint8_t *name, uint32_t length, uint32_t hash) {
  struct vm *next = previous + 1;
  if (LIKELY(next->hash == hash && next->name_length == length && same_name(name_of(next), name, length))) return next;
  return vm_of(t, name, length, hash);
}

static struct nic *other_nic(struct twin *t, struct vm *vm, const uint8_t *name, uint32_t length) {
  uint32_t slot = (uint32_t)(vm - t->vms);
  uint32_t hash = (hash_name(name, length) ^ slot * 0x9e3779b1u) | 1;
  uint32_t i = (hash ^ hash >> 15) & t->mask;
  for (; t->nic_table[i].slot != 0; i = (i + 1) & t->mask) {
    if (t->nic_table[i].hash != hash) continue;
    struct nic *nic = &t->nics[t->nic_table[i].slot - 1];
    if (nic->vm == slot && nic->name_length == length && same_name(nic->name, name, length)) return nic;
  }
  if (t->nic_count == t->max) abort();
  struct nic *nic = &t->nics[t->nic_count++];
  t->nic_table[i] = (struct entry){hash, t->nic_count};
  nic->name_length = (uint8_t)length;
  memcpy(nic->name, name, length);
  nic->vm = slot;
  nic->next = vm->nic;
  nic->last_ts = nic->base_ts = NEVER;
  vm->nic = t->nic_count;
  vm->nic_count++;
  return nic;
}

INLINE struct nic *nic_of(struct twin *t, struct vm *vm, const uint8_t *name, uint32_t length) {
  if (LIKELY(vm->nic != 0)) {
    struct nic *nic = &t->nics[vm->nic - 1];
    if (LIKELY(nic->name_length == length && same_name(nic->name, name, length))) return nic;
  }
  return other_nic(t, vm, name, length);
}

/* ---- rows: ClickHouse's RowBinary ---- */

INLINE uint8_t *put_name(uint8_t *at, const uint8_t *name, uint32_t length) {
  *at = (uint8_t)length;
  copy_wide(at + 1, name, length);
  return at + 1 + length;
}

INLINE void emit_sample(struct twin *t, const struct frame *f) {
  uint8_t *at = put_name(t->out[OUT_SAMPLES].at, f->names, f->vm_length);
  at = put_name(at, f->names + f->vm_length, f->nic_length);
  store64(at, (uint64_t)f->ts);
  store64(at + 8, t->version);
  store16(at + 16, load16(&f->condition));
  store32(at + 18, f->epoch);
  store64(at + 22, f->rx);
  store64(at + 30, f->tx);
  t->out[OUT_SAMPLES].at = put_name(at + 38, (const uint8_t *)AGENT, AGENT_LENGTH);
}

static void emit_uptime(struct twin *t, const struct vm *vm, uint32_t minute) {
  uint8_t *at = put_name(t->out[OUT_UPTIME].at, name_of(vm), vm->name_length);
  store32(at, minute * 60);
  memcpy(at + 4, vm->parts, 18);
  at[22] = vm->parts[1] != 0; /* provider: what is creditable without a plan */
  store64(at + 23, 0);
  store64(at + 31, t->version);
  t->out[OUT_UPTIME].at = at + 39;
}

static void emit_traffic(struct twin *t, const struct vm *vm, const struct nic *nic) {
  if ((nic->sum_rx | nic->sum_tx) == 0) return;
  uint8_t *at = put_name(t->out[OUT_TRAFFIC].at, name_of(vm), vm->name_length);
  at = put_name(at, nic->name, nic->name_length);
  store32(at, nic->sum_minute * 60);
  store64(at + 4, nic->sum_rx);
  store64(at + 12, nic->sum_tx);
  store64(at + 20, t->version);
  t->out[OUT_TRAFFIC].at = at + 28;
}

static void emit_outage(struct twin *t, const struct vm *vm, int64_t start, int64_t end, uint8_t condition) {
  uint8_t *at = put_name(t->out[OUT_OUTAGES].at, name_of(vm), vm->name_length);
  store64(at, (uint64_t)start);
  store64(at + 8, (uint64_t)end);
  at[16] = condition;
  at[17] = 0;
  store64(at + 18, t->version);
  t->out[OUT_OUTAGES].at = at + 26;
}

static void emit_quarantine(struct twin *t, const struct vm *vm, const struct nic *nic, const struct frame *f) {
  uint8_t *at = put_name(t->out[OUT_ANOMALIES].at, name_of(vm), vm->name_length);
  at = put_name(at, nic->name, nic->name_length);
  memset(at, 0, 78);
  store64(at, (uint64_t)f->ts);
  at[8] = 1;
  store64(at + 17, (uint64_t)nic->base_ts);
  at[25] = nic->base_condition;
  at[26] = 1;
  store32(at + 27, nic->base_epoch);
  store64(at + 31, nic->base_rx);
  store64(at + 39, nic->base_tx);
  store16(at + 47, load16(&f->condition));
  store32(at + 49, f->epoch);
  store64(at + 53, f->rx);
  store64(at + 61, f->tx);
  store64(at + 70, t->version);
  t->out[OUT_ANOMALIES].at = at + 78;
}

/* ---- the timeline ---- */

static void add_minutes(struct twin *t, struct vm *vm, int64_t a, int64_t b, uint8_t condition) {
  uint32_t minute = vm->minute;
  int64_t end = (int64_t)(minute + 1) * MINUTE_MS;
  uint32_t last = (uint32_t)(b / MINUTE_MS);
  while (b >= end) {
    vm->parts[condition] = (uint16_t)(vm->parts[condition] + (end - a));
    emit_uptime(t, vm, minute);
    memset(vm->parts, 0, 18);
    a = end;
    minute++;
    if (condition == SILENT && minute + 1 < last) {
      minute = last - 1;
      a = (int64_t)minute * MINUTE_MS;
    }
    end = (int64_t)(minute + 1) * MINUTE_MS;
  }
  vm->parts[condition] = (uint16_t)(vm->parts[condition] + (b - a));
  vm->minute = minute;
}

INLINE void add_segment(struct twin *t, struct vm *vm, int64_t a, int64_t b, uint8_t condition) {
  if (LIKELY(b < (int64_t)(vm->minute + 1) * MINUTE_MS)) vm->parts[condition] = (uint16_t)(vm->parts[condition] + (b - a));
  else add_minutes(t, vm, a, b, condition);
}

static void begin(struct twin *t, struct vm *vm, int64_t ts, uint8_t condition) {
  vm->first_ts = vm->last_ts = vm->run_start = ts;
  vm->minute = (uint32_t)(ts / MINUTE_MS);
  vm->condition = condition;
  if (condition != UP) emit_outage(t, vm, ts, OPEN, condition);
}

INLINE void advance(struct twin *t, struct vm *vm, int64_t ts, uint8_t condition) {
  int64_t last = vm->last_ts;
  if (UNLIKELY(last == NEVER)) {
    begin(t, vm, ts, condition);
    return;
  }
  uint8_t before = vm->condition;
  vm->previous_ts = last;
  vm->previous_run = vm->run_start;
  vm->previous_condition = before;
  vm->last_ts = ts;
  vm->published = 0;
  int64_t held_until = last + STALENESS_MS;
  if (LIKELY(ts <= held_until)) {
    add_segment(t, vm, last, ts, before);
    if (LIKELY(condition == before)) return;
    if (before != UP) emit_outage(t, vm, vm->run_start, ts, before);
  } else {
    add_segment(t, vm, last, held_until, before);
    add_segment(t, vm, held_until, ts, SILENT);
    if (before != UP) emit_outage(t, vm, vm->run_start, held_until, before);
    emit_outage(t, vm, held_until, ts, SILENT);
  }
  vm->run_start = ts;
  vm->condition = condition;
  if (condition != UP) emit_outage(t, vm, ts, OPEN, condition);
}

/* ---- counters ---- */

INLINE void close_minute(struct twin *t, struct vm *vm, struct nic *nic, int64_t until) {
  if (LIKELY((int64_t)(nic->sum_minute + 1) * MINUTE_MS > until) || (nic->sum_rx | nic->sum_tx) == 0) return;
  emit_traffic(t, vm, nic);
  nic->sum_rx = nic->sum_tx = 0;
  nic->dirty = 0;
}

INLINE void add(struct nic *nic, uint32_t minute, uint64_t rx, uint64_t tx) {
  nic->sum_minute = minute;
  nic->sum_rx += rx;
  nic->sum_tx += tx;
  nic->dirty = 1;
}

static void long_spread(struct twin *t, struct vm *vm, struct nic *nic, int64_t a, int64_t b, uint64_t rx, uint64_t tx, uint32_t minute) {
  uint64_t cum_rx = 0, cum_tx = 0, dt = (uint64_t)(b - a);
  for (;; minute++) {
    int64_t end = (int64_t)(minute + 1) * MINUTE_MS;
    if (end >= b) {
      add(nic, minute, rx - cum_rx, tx - cum_tx);
      if (end == b) close_minute(t, vm, nic, b);
      return;
    }
    uint64_t reached_rx, reached_tx, part = (uint64_t)(end - a);
    if (((rx | tx) >> 32 | dt >> 32) == 0) {
      reached_rx = rx * part / dt;
      reached_tx = tx * part / dt;
    } else {
      reached_rx = (uint64_t)((unsigned __int128)rx * part / dt);
      reached_tx = (uint64_t)((unsigned __int128)tx * part / dt);
    }
    add(nic, minute, reached_rx - cum_rx, reached_tx - cum_tx);
    emit_traffic(t, vm, nic);
    nic->sum_rx = nic->sum_tx = 0;
    cum_rx = reached_rx;
    cum_tx = reached_tx;
  }
}

INLINE void count(struct twin *t, struct vm *vm, struct nic *nic, const struct frame *f) {
  if (LIKELY(nic->base_ts != NEVER)) {
    bool reset = f->epoch != nic->base_epoch || f->rx < nic->base_rx || f->tx < nic->base_tx;
    uint64_t rx = reset ? f->rx : f->rx - nic->base_rx;
    uint64_t tx = reset ? f->tx : f->tx - nic->base_tx;
    int64_t a = nic->base_ts, b = f->ts;
    uint64_t most = rx > tx ? rx : tx, dt = (uint64_t)(b - a);
    if (UNLIKELY((unsigned __int128)most > (unsigned __int128)LINK_BYTES_MS * dt)) {
      emit_quarantine(t, vm, nic, f);
      close_minute(t, vm, nic, b);
    } else if ((rx | tx) != 0) {
      uint32_t minute = (uint32_t)((uint64_t)a / MINUTE_MS);
      int64_t end = (int64_t)(minute + 1) * MINUTE_MS;
      close_minute(t, vm, nic, a);
      if (LIKELY(b <= end)) {
        add(nic, minute, rx, tx);
        if (b == end) close_minute(t, vm, nic, b);
      } else long_spread(t, vm, nic, a, b, rx, tx, minute);
    } else close_minute(t, vm, nic, b);
  }
  nic->base_ts = f->ts;
  nic->base_rx = f->rx;
  nic->base_tx = f->tx;
  nic->base_epoch = f->epoch;
  nic->base_condition = f->condition;
}

INLINE bool is_repeat(const struct nic *nic, const struct frame *f) {
  if (nic->last_condition != f->condition || nic->last_counters != f->counters || nic->last_epoch != f->epoch) return false;
  return f->counters == 0 || (nic->base_rx == f->rx && nic->base_tx == f->tx);
}

INLINE struct vm *take(struct twin *t, const struct frame *f, struct vm *previous) {
  struct vm *vm = vm_after(t, previous, f->names, f->vm_length, f->hash);
  struct nic *nic = nic_of(t, vm, f->names + f->vm_length, f->nic_length);
  if (LIKELY(f->ts > vm->last_ts)) advance(t, vm, f->ts, f->condition);
  else if (f->ts > nic->last_ts) {
    if (f->condition != vm->condition || f->ts < vm->run_start) {
      fprintf(stderr, "a late sample: the twin has no repair\n");
      exit(1);
    }
  } else {
    if (f->ts != nic->last_ts || !is_repeat(nic, f)) {
      fprintf(stderr, "a late sample: the twin has no repair\n");
      exit(1);
    }
    t->duplicates++;
    return vm;
  }
  emit_sample(t, f);
  if (f->counters != 0) count(t, vm, nic, f);
  nic->last_ts = f->ts;
  nic->last_condition = f->condition;
  nic->last_counters = f->counters;
  nic->last_epoch = f->epoch;
  return vm;
}

/* How many samples can be taken in before any output might be full. */
static uint32_t budget(const struct twin *t) {
  static const uint32_t most[OUTPUTS] = {256, 112 * 6, 160 * 16, 96 * 4, 192};
  uint32_t n = UINT32_MAX;
  for (int i = 0; i < OUTPUTS; i++) {
    uint32_t fit = (uint32_t)((size_t)(t->out[i].limit - t->out[i].at) / most[i]);
    if (fit < n) n = fit;
  }
  return n;
}

const uint8_t *twin_aggregate(struct twin *t, const uint8_t *p, const uint8_t *end, uint64_t sequence, uint32_t *index) {
  uint32_t left = budget(t), i = *index;
  struct vm *vm = t->vms;
  while (p < end) {
    if (left == 0 && (left = budget(t)) == 0) break;
    left--;
    const struct frame *f = (const struct frame *)p;
    t->version = sequence << 16 | i++;
    p += f->size;
    vm = take(t, f, vm);
  }
  t->accepted += i - *index;
  *index = i;
  return p;
}
