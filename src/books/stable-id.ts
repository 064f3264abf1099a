import { createHash } from 'node:crypto';

/** An id that is the same whenever it is made of the same: written twice, it is written once. */
export function stableId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 18);
}
