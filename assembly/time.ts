/** RFC 3339 instants and the civil calendar (days from a date and back after Howard Hinnant, "chrono-compatible low-level date algorithms"). */

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
export function daysFromCivil(year: i32, month: i32, day: i32): i32 {
  const y = month <= 2 ? year - 1 : year;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** The number of days of a month. */
export function daysInMonth(year: i32, month: i32): i32 {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** year × 512 + month × 32 + day (1-based) of a day number since 1970-01-01. */
export function civilFromDays(days: i32): i32 {
  const z = days + 719468;
  const era = (z >= 0 ? z : z - 146096) / 146097;
  const dayOfEra = z - era * 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const mp = (5 * dayOfYear + 2) / 153;
  const day = dayOfYear - (153 * mp + 2) / 5 + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return year << 9 | month << 5 | day;
}

function number(p: usize, n: u32): i32 {
  let value: i32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const d = <u32>load<u8>(p + i) - 48;
    if (d > 9) return -1;
    value = value * 10 + <i32>d;
  }
  return value;
}

/** What `instant` answers for a text that is none. */
export const NO_INSTANT: i64 = i64.MIN_VALUE;

/** Milliseconds since the epoch of an RFC 3339 date-time; fractions are cut to milliseconds, leap seconds are none. */
export function instant(p: usize, length: u32): i64 {
  if (length < 20) return NO_INSTANT;
  const year = number(p, 4);
  const month = number(p + 5, 2);
  const day = number(p + 8, 2);
  const hour = number(p + 11, 2);
  const minute = number(p + 14, 2);
  const second = number(p + 17, 2);
  if (load<u8>(p + 4) != 0x2d || load<u8>(p + 7) != 0x2d || (load<u8>(p + 10) | 32) != 0x74) return NO_INSTANT;
  if (load<u8>(p + 13) != 0x3a || load<u8>(p + 16) != 0x3a) return NO_INSTANT;
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return NO_INSTANT;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return NO_INSTANT;
  const end = p + length;
  let q = p + 19;
  let ms: i64 = 0;
  if (load<u8>(q) == 0x2e) {
    q++;
    const from = q;
    let scale: i64 = 100;
    while (q < end && <u32>load<u8>(q) - 48 < 10) {
      ms += <i64>(load<u8>(q) - 48) * scale;
      scale /= 10;
      q++;
    }
    if (q == from) return NO_INSTANT;
  }
  if (q >= end) return NO_INSTANT;
  let offset: i64 = 0;
  const z = <u32>load<u8>(q);
  if ((z | 32) == 0x7a) {
    if (q + 1 != end) return NO_INSTANT;
  } else {
    if ((z != 0x2b && z != 0x2d) || q + 6 != end || load<u8>(q + 3) != 0x3a) return NO_INSTANT;
    const h = number(q + 1, 2);
    const m = number(q + 4, 2);
    if (h < 0 || h > 23 || m < 0 || m > 59) return NO_INSTANT;
    offset = <i64>(h * 60 + m) * 60000;
    if (z == 0x2d) offset = -offset;
  }
  const days = <i64>daysFromCivil(year, month, day);
  return days * 86400000 + <i64>((hour * 60 + minute) * 60 + second) * 1000 + ms - offset;
}
