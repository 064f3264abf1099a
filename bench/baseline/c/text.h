/* Bytes, digits, names: what assembly/text.ts does with WASM's vectors, here with those of the machine (SSE), or in words without them.
   Everything may read up to 64 bytes past the end of its input. */
#ifndef TWIN_TEXT_H
#define TWIN_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE4_1__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

INLINE uint64_t load64(const void *p) { uint64_t v; memcpy(&v, p, 8); return v; }
INLINE uint32_t load32(const void *p) { uint32_t v; memcpy(&v, p, 4); return v; }
INLINE uint16_t load16(const void *p) { uint16_t v; memcpy(&v, p, 2); return v; }
INLINE void store64(void *p, uint64_t v) { memcpy(p, &v, 8); }
INLINE void store32(void *p, uint32_t v) { memcpy(p, &v, 4); }
INLINE void store16(void *p, uint16_t v) { memcpy(p, &v, 2); }

/* Copies in words of sixteen: up to 15 bytes past the end are written over. */
INLINE void copy_wide(uint8_t *to, const uint8_t *from, uint32_t length) {
  memcpy(to, from, 16);
  for (uint32_t i = 16; i < length; i += 16) memcpy(to + i, from + i, 16);
}

/* The hash that frames carry: src/kernel/vm-hash.ts. */
INLINE uint32_t hash_name(const uint8_t *p, uint32_t length) {
  uint64_t h = 0x9e3779b97f4a7c15u ^ length;
  for (int32_t left = (int32_t)length; left > 0; left -= 8, p += 8) {
    uint64_t w = load64(p);
    if (left < 8) w &= ((uint64_t)1 << (left * 8)) - 1;
    h = (h ^ w) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
  }
  return (uint32_t)((h * 0xc4ceb9fe1a85ec53u) >> 32) | 1;
}

/* The value of eight digits, the first in the lowest byte, each byte 0-9. */
INLINE uint64_t eight(uint64_t d) {
  d = d * 10 + (d >> 8);
  return ((d & 0x000000ff000000ff) * 0x000f424000000064 + (d >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

/* Bits in the first byte that is no digit; zero when all eight are. */
INLINE uint64_t not_digits(uint64_t w) {
  return ((w & 0xf0f0f0f0f0f0f0f0) | (((w + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) ^ 0x3333333333333333;
}

static const uint64_t POWERS[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* The integer whose digits start at p; *end is after the last. The caller checks that there were 1-19 and no leading zero. */
INLINE uint64_t digits(const uint8_t *p, const uint8_t **end) {
  uint64_t value = 0;
  uint64_t w = load64(p);
  uint64_t other = not_digits(w);
  for (int round = 0; round < 2 && other == 0; round++) {
    value = value * 100000000 + eight(w ^ 0x3030303030303030);
    p += 8;
    w = load64(p);
    other = not_digits(w);
  }
  if (other == 0) {
    *end = p + 8;
    return value;
  }
  int n = __builtin_ctzll(other) >> 3;
  if (n != 0) value = value * POWERS[n] + eight((w ^ 0x3030303030303030) << (64 - n * 8));
  *end = p + n;
  return value;
}

#if defined(__SSE4_1__)

INLINE const uint8_t *name_end(const uint8_t *p) {
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i low = _mm_setr_epi8(10, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 4, 4, 5, 5, 12);
  const __m128i high = _mm_setr_epi8(0, 0, 1, 2, 4, 8, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0);
  for (;; p += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    __m128i a = _mm_shuffle_epi8(low, _mm_and_si128(bytes, nibble));
    __m128i b = _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
    uint32_t other = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(a, b), _mm_setzero_si128()));
    if (other != 0) return p + __builtin_ctz(other);
  }
}

static const uint8_t TO_THE_RIGHT[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                         0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15};

/* The same for an integer that is likely to have at most 16 digits: all of them at once. */
INLINE uint64_t short_digits(const uint8_t *p, const uint8_t **end) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)p);
  __m128i shifted = _mm_add_epi8(bytes, _mm_set1_epi8(70));
  uint32_t n = (uint32_t)__builtin_ctz(~(uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(shifted, _mm_set1_epi8(117))));
  if (UNLIKELY(n == 16 && (uint32_t)p[16] - 48 < 10)) return digits(p, end);
  *end = p + n;
  __m128i ones = _mm_shuffle_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8(48)), _mm_loadu_si128((const __m128i *)(TO_THE_RIGHT + n)));
  __m128i pairs = _mm_maddubs_epi16(ones, _mm_set1_epi16(0x010a));
  __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
  __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
  uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
  return (both & 0xffffffff) * 100000000 + (both >> 32);
}

INLINE bool same_name(const uint8_t *a, const uint8_t *b, uint32_t length) {
  for (;; a += 16, b += 16, length -= 16) {
    __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)a), _mm_loadu_si128((const __m128i *)b));
    uint32_t different = (uint32_t)_mm_movemask_epi8(equal) ^ 0xffff;
    if (length < 16) different &= (1u << length) - 1;
    if (different != 0) return false;
    if (length <= 16) return true;
  }
}

#else

INLINE const uint8_t *name_end(const uint8_t *p) {
  static const uint64_t low = 0x07ff600000000000, high = 0x07fffffe87fffffe;
  while (*p < 128 && ((*p < 64 ? low : high) >> (*p & 63) & 1) != 0) p++;
  return p;
}
INLINE uint64_t short_digits(const uint8_t *p, const uint8_t **end) { return digits(p, end); }
INLINE bool same_name(const uint8_t *a, const uint8_t *b, uint32_t length) { return memcmp(a, b, length) == 0; }

#endif
#endif
