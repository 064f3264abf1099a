/** Names that senders give to machines and interfaces, made to fit the alphabet of a sample (SPEC §1). */
import { createHash } from 'node:crypto';

/** Digits of the hash that keeps two names apart which would be one after other characters were replaced. */
const HASH_DIGITS = 8;

/**
 * A name of at most `lengthMax` characters of A–Z a–z 0–9 . _ : -. One that fits stays as it is; of any other, characters outside of the alphabet
 * become `_`, it is cut, and `.` with a hash of the whole name is put behind it: different names stay different names. `.` and `..`, steps in a path,
 * are among the others.
 */
export function fittingName(name: string, lengthMax: number): string {
  if (name.length <= lengthMax && /^[A-Za-z0-9._:-]*$/.test(name) && name !== '.' && name !== '..') return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  return `${name.replaceAll(/[^A-Za-z0-9._:-]/g, '_').slice(0, lengthMax - HASH_DIGITS - 1)}.${hash}`;
}
