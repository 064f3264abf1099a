/* Lines to frames: assembly/decode.ts. */
#include "twin.h"
#include <stdio.h>
#include <stdlib.h>
#include "text.h"

#define KEY_VM 0x223a226d7622u      /* "vm":"      */
#define KEY_TS 0x3a22737422u        /* "ts":       */
#define KEY_NIC 0x223a2263696e22u   /* "nic":"     */
#define KEY_RX 0x657479625f787222u  /* "rx_byte    */
#define KEY_TX 0x657479625f787422u  /* "tx_byte    */
#define KEY_BYTES_END 0x003a2273u   /* s":         */
#define KEY_EPOCH 0x3a2268636f706522u
#define KEY_STATE 0x3a22657461747322u
#define KEY_CAUSE 0x3a22657375616322u
#define SEVEN 0x00ffffffffffffffu
#define HEAD_VM 0x00223a226d76227bu  /* {"vm":"    */
#define THEN_TS 0x003a227374222c22u  /* ","ts":    */
#define THEN_NIC 0x223a2263696e222cu /* ,"nic":"   */
#define THEN_RX 0x7479625f7872222cu  /* ,"rx_byt   */
#define THEN_TX 0x7479625f7874222cu  /* ,"tx_byt   */
#define BYTES_END 0x3a227365u        /* es":       */

static const struct { uint8_t length; const char *word; } CAUSES[] = {
    {8, "provider"}, {11, "third_party"}, {11, "maintenance"}, {13, "force_majeure"}, {6, "attack"}, {8, "customer"}, {7, "arrears"}};

static uint32_t cause_of(const uint8_t *p, size_t n) {
  for (uint32_t i = 0; i < 7; i++) if (CAUSES[i].length == n && memcmp(CAUSES[i].word, p, n) == 0) return i + 1;
  return 0;
}

/* 1-19 digits from p to end, no leading zero */
INLINE bool is_plain(const uint8_t *p, const uint8_t *end) {
  size_t n = (size_t)(end - p);
  return n - 1 < 19 && (n == 1 || *p != '0');
}

#define NUMBER(read, into)                  \
  do {                                      \
    const uint8_t *number_end;              \
    into = read(p, &number_end);            \
    if (!is_plain(p, number_end)) return 0; \
    p = number_end;                         \
  } while (0)

/* The sample at p: its frame at `at`; the address after its closing brace, or NULL. */
static const uint8_t *quick(const uint8_t *p, uint8_t *at, const struct terms *terms, uint32_t *size) {
  const uint8_t *vm = NULL, *nic = p;
  uint32_t vm_length = 0, nic_length = 0, epoch = 0, counters = 0, down = 0, cause = 0;
  int64_t ts = -1;
  uint64_t rx = 0, tx = 0;
  uint64_t head = load64(p);
  if ((uint8_t)head != '{') return NULL;
  uint8_t c = ',';
  if (LIKELY((head & SEVEN) == HEAD_VM)) {
    vm = p + 7;
    p = name_end(vm);
    vm_length = (uint32_t)(p - vm);
    if (LIKELY((load64(p) & SEVEN) == THEN_TS)) {
      p += 7;
      NUMBER(short_digits, ts);
      if (LIKELY(load64(p) == THEN_NIC)) {
        nic = p + 8;
        p = name_end(nic);
        nic_length = (uint32_t)(p - nic);
        if (*p != '"') return NULL;
        p++;
      }
      if (LIKELY(load64(p) == THEN_RX && load32(p + 8) == BYTES_END)) {
        p += 12;
        NUMBER(short_digits, rx);
        counters = 1;
        if (LIKELY(load64(p) == THEN_TX && load32(p + 8) == BYTES_END)) {
          p += 12;
          NUMBER(short_digits, tx);
          counters = 3;
        }
      }
    } else {
      if (*p != '"') return NULL;
      p++;
    }
    c = *p;
  }
  p++;
  while (UNLIKELY(c == ',')) {
    uint64_t w = load64(p);
    if (w == KEY_RX || w == KEY_TX) {
      if ((load32(p + 8) & 0xffffff) != KEY_BYTES_END) return NULL;
      p += 11;
      if (w == KEY_RX) {
        NUMBER(digits, rx);
        counters |= 1;
      } else {
        NUMBER(digits, tx);
        counters |= 2;
      }
    } else if ((w & 0xffffffffffff) == KEY_VM) {
      vm = p + 6;
      p = name_end(vm);
      vm_length = (uint32_t)(p - vm);
      if (*p != '"') return NULL;
      p++;
    } else if ((w & 0xffffffffff) == KEY_TS) {
      p += 5;
      NUMBER(digits, ts);
    } else if ((w & SEVEN) == KEY_NIC) {
      nic = p + 7;
      p = name_end(nic);
      nic_length = (uint32_t)(p - nic);
      if (*p != '"') return NULL;
      p++;
    } else if (w == KEY_EPOCH) {
      uint64_t value;
      p += 8;
      NUMBER(digits, value);
      if (value > 0xffffffff) return NULL;
      epoch = (uint32_t)value;
    } else if (w == KEY_STATE) {
      uint64_t v = load64(p + 8);
      down = (v & 0xffffffffffff) == 0x226e776f6422;
      if (!down && (v & 0xffffffff) != 0x22707522) return NULL;
      p += down ? 14 : 12;
    } else if (w == KEY_CAUSE) {
      const uint8_t *from = p + 9;
      p = name_end(from);
      if (from[-1] != '"' || *p != '"') return NULL;
      cause = cause_of(from, (size_t)(p - from));
      if (cause == 0) return NULL;
      p++;
    } else return NULL;
    c = *p;
    p++;
  }
  if (c != '}') return NULL;
  if (vm_length - 1 >= 64 || nic_length > 32) return NULL;
  if (ts < 0 || counters == 1 || counters == 2 || (cause != 0 && !down)) return NULL;
  if (ts > terms->now + 300000 || ts < terms->oldest) return NULL;
  if (down && cause == 0) cause = 1;
  *size = (FRAME_HEAD + vm_length + nic_length + 7) & ~7u;
  uint8_t *names = at + FRAME_HEAD;
  copy_wide(names, vm, vm_length);
  copy_wide(names + vm_length, nic, nic_length);
  store64(names + vm_length + nic_length, 0);
  struct frame *frame = (struct frame *)at;
  frame->size = (uint16_t)*size;
  frame->vm_length = (uint8_t)vm_length;
  frame->nic_length = (uint8_t)nic_length;
  frame->hash = hash_name(vm, vm_length);
  frame->ts = ts;
  frame->rx = rx;
  frame->tx = tx;
  frame->epoch = epoch;
  frame->condition = (uint8_t)cause;
  frame->counters = (uint8_t)(counters >> 1);
  frame->zero = 0;
  return p;
}

struct decoded decode_lines(uint8_t *body, size_t length, uint8_t *frames, const struct terms *terms) {
  const uint8_t *p = body, *end = body + length;
  struct decoded answer = {0, frames};
  body[length] = '\n';
  memset(body + length + 1, 0, 63);
  while (p < end) {
    uint32_t size;
    p = quick(p, answer.end, terms, &size);
    if (p != NULL && *p == '\r') p++;
    if (p == NULL || *p != '\n') {
      fprintf(stderr, "a line that the twin does not read\n");
      exit(1);
    }
    p++;
    answer.end += size;
    answer.accepted++;
  }
  return answer;
}
