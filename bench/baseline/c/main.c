/* twin WORK VMS MODE PASSES [ROWS]: reads bodies (u32 length, bytes; repeated) from the file WORK, runs MODE over all of them PASSES times and
   prints, of the fastest pass, samples, wall seconds and CPU seconds. MODE: rows (bytes to rows), decode, aggregate (frames, made
   before, to rows). With ROWS the uptime and traffic rows of the last pass are written to ROWS.uptime and ROWS.traffic. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "twin.h"

struct body {
  uint8_t *bytes;
  uint32_t length;
};

/* rows that are kept, as the kernel's host keeps its own */
struct kept {
  uint8_t *bytes;
  size_t used, room;
};

static void keep(struct kept *kept, struct output *out) {
  size_t n = (size_t)(out->at - out->start);
  if (kept->used + n > kept->room) {
    kept->room = (kept->used + n) * 2;
    kept->bytes = realloc(kept->bytes, kept->room);
    if (kept->bytes == NULL) abort();
  }
  memcpy(kept->bytes + kept->used, out->start, n);
  kept->used += n;
  out->at = out->start;
}

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_rows(const char *path, const char *table, const struct kept *kept) {
  char name[4096];
  snprintf(name, sizeof name, "%s.%s", path, table);
  FILE *file = fopen(name, "wb");
  if (file == NULL || fwrite(kept->bytes, 1, kept->used, file) != kept->used || fclose(file) != 0) exit(1);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  FILE *file = fopen(argv[1], "rb");
  if (file == NULL) return 1;
  struct body *bodies = NULL;
  size_t count = 0;
  uint32_t length, longest = 0;
  while (fread(&length, 4, 1, file) == 1) {
    bodies = realloc(bodies, (count + 1) * sizeof *bodies);
    bodies[count].length = length;
    bodies[count].bytes = malloc(length + 64);
    if (fread(bodies[count].bytes, 1, length, file) != length) return 1;
    if (length > longest) longest = length;
    count++;
  }
  fclose(file);
  const int whole = strcmp(argv[3], "rows") == 0, from_frames = strcmp(argv[3], "aggregate") == 0;
  const struct terms terms = {INT64_C(1) << 50, 0};
  struct twin *twin = twin_new((uint32_t)strtoul(argv[2], NULL, 10), 2 << 20);
  struct kept kept[OUTPUTS] = {{NULL, 0, 0}};
  /* the smallest line is longer than half of a frame without names */
  uint8_t *input = malloc((size_t)longest + 64), *frames = malloc((size_t)longest * 2 + 256);
  struct body *decoded = calloc(count, sizeof *decoded);
  for (size_t i = 0; from_frames && i < count; i++) {
    struct decoded d = decode_lines(bodies[i].bytes, bodies[i].length, frames, &terms);
    decoded[i].length = (uint32_t)(d.end - frames);
    decoded[i].bytes = malloc(decoded[i].length + 64);
    memcpy(decoded[i].bytes, frames, decoded[i].length);
  }
  uint64_t samples = 0;
  double wall = 0, cpu = 0;
  for (int pass = 0; pass < atoi(argv[4]); pass++) {
    samples = 0;
    twin_forget(twin);
    for (int i = 0; i < OUTPUTS; i++) kept[i].used = 0;
    double w = seconds(CLOCK_MONOTONIC), c = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < count; i++) {
      const uint8_t *p, *end;
      if (from_frames) {
        /* a record is copied into the aggregator's input, as the kernel's host does */
        memcpy(frames, decoded[i].bytes, decoded[i].length);
        p = frames;
        end = frames + decoded[i].length;
      } else {
        memcpy(input, bodies[i].bytes, bodies[i].length);
        struct decoded d = decode_lines(input, bodies[i].length, frames, &terms);
        p = frames;
        end = d.end;
        if (!whole) {
          samples += d.accepted;
          continue;
        }
      }
      uint32_t index = 0;
      while (p < end) {
        p = twin_aggregate(twin, p, end, i, &index);
        twin_output(twin, OUT_SAMPLES)->at = twin_output(twin, OUT_SAMPLES)->start;
        for (int o = OUT_UPTIME; o < OUTPUTS; o++) keep(&kept[o], twin_output(twin, o));
      }
      samples += index;
    }
    w = seconds(CLOCK_MONOTONIC) - w;
    c = seconds(CLOCK_PROCESS_CPUTIME_ID) - c;
    if (pass == 0 || c < cpu) cpu = c;
    if (pass == 0 || w < wall) wall = w;
  }
  printf("%llu %.9f %.9f\n", (unsigned long long)samples, wall, cpu);
  if (argc > 5) {
    write_rows(argv[5], "uptime", &kept[OUT_UPTIME]);
    write_rows(argv[5], "traffic", &kept[OUT_TRAFFIC]);
  }
  return 0;
}
