import type { Words } from './words/words.ts';

/** Figures as people read them. */

/** A length of time in its two largest units, cut: `25 h 4 min`, `30 s`. */
export function durationText(ms: number, { duration }: Words): string {
  const units = [
    [3_600_000, duration.h],
    [60_000, duration.min],
    [1_000, duration.s],
    [1, duration.ms],
  ] as const;
  const first = units.findIndex(([size]) => ms >= size);
  if (first < 0) return `0 ${duration.s}`;
  let left = ms;
  return units
    .slice(first, first + 2)
    .flatMap(([size, name]) => {
      const n = Math.floor(left / size);
      left -= n * size;
      return n === 0 ? [] : [`${n} ${name}`];
    })
    .join(' ');
}

/** A decimal string with its thousands apart: `1,234,567.50`. What is no decimal stays as it is. */
export function grouped(decimal: string): string {
  const match = /^(-?)(\d+)(\.\d+)?$/.exec(decimal);
  if (match === null) return decimal;
  const [, sign = '', whole = '', fraction = ''] = match;
  return `${sign === '-' ? '−' : ''}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction}`;
}

/** Bytes to three digits, by powers of ten: `1.6 TB`. */
export function bytesText(bytes: number, words: Words): string {
  const names = [words.bytes, 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
  let at = 0;
  let left = bytes;
  while (left >= 999.5 && at < names.length - 1) {
    left /= 1000;
    at += 1;
  }
  return `${Number(left.toPrecision(3))} ${names[at] ?? ''}`;
}

/** A date of a list, as JSON has it, without its year: `5 Mar`. */
export function shortDateText(date: string, { shortDate }: Words): string {
  const [, month = 1, dayOfMonth = 1] = date.split('-').map(Number);
  return shortDate({ month, dayOfMonth });
}
