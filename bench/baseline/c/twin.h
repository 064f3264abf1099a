/* The kernel's algorithm in C, natively compiled: what WebAssembly costs is measured against it (bench/kernel.ts). The layouts are those of
   assembly/layout.ts. What the kernel does besides and no sample of the benchmark needs is left out, in C's favour: the tolerant path
   (a line that the fast path refuses ends the program), late samples, repair, the watermark's settling, prices. */
#ifndef TWIN_H
#define TWIN_H

#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEAD = 40, NAME_INLINE = 32, CONDITIONS = 9, SILENT = 8, UP = 0 };

struct frame {
  uint16_t size;
  uint8_t vm_length, nic_length;
  uint32_t hash;
  int64_t ts;
  uint64_t rx, tx;
  uint32_t epoch;
  uint8_t condition, counters;
  uint16_t zero;
  uint8_t names[];
};

struct terms {
  int64_t now, oldest;
};

struct decoded {
  uint32_t accepted;
  uint8_t *end;
};

/* A body of lines into frames. Writable up to 64 bytes past `length`; the frames need 136 bytes a line. */
struct decoded decode_lines(uint8_t *body, size_t length, uint8_t *frames, const struct terms *terms);

struct output {
  uint8_t *start, *at, *limit;
};

struct twin;

struct twin *twin_new(uint32_t vms, size_t output_bytes);
void twin_forget(struct twin *twin);
/* Takes in frames up to `end`; answers the first that there was no room for, or `end`. Drain the outputs and call again. */
const uint8_t *twin_aggregate(struct twin *twin, const uint8_t *frames, const uint8_t *end, uint64_t sequence, uint32_t *index);

enum { OUT_SAMPLES, OUT_UPTIME, OUT_TRAFFIC, OUT_OUTAGES, OUT_ANOMALIES, OUTPUTS };
struct output *twin_output(struct twin *twin, int which);

#endif
