import { DAY_MS } from '../domain/zone.ts';

/** Days to pay where neither the account nor its sheet says any (SPEC §6b). */
export const DUE_DAYS = 14;

/** When an invoice falls due: so many days after its issue, never before it. */
export function dueAt(issuedAtMs: number, dueDays: number): number {
  return issuedAtMs + Math.max(0, dueDays) * DAY_MS;
}
