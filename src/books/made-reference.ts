import { createHash } from 'node:crypto';
import { formatInstant } from '../domain/instant.ts';

/** The reference of a payment that came without one: what it says, so that the same again is the same payment. */
export function madeReference(invoice: string, atMs: number, amountNanos: bigint, note: string): string {
  const said = createHash('sha256').update([invoice, atMs, amountNanos, note].join('\n')).digest('hex').slice(0, 12);
  return `${formatInstant(atMs)} ${said}`;
}

/** Whether nobody gave this reference: it tells no reader anything. */
export function isMadeReference(reference: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T[\d:.]+Z [0-9a-f]{12}$/.test(reference);
}
