import { z } from 'zod';
import type { AnomalyPosition } from '../../query/anomalies.ts';

/** Where the next page of rows begins, as a cursor holds it: the key of the last row that was given. */

const vm = z.string().max(64);
const nic = z.string().max(32);
const host = z.string().max(64);
const part = z.int().min(0).max(2);
const count = z.int().nonnegative();

export const samplePosition = z.strictObject({ vm, ts: count, nic, host: host.optional(), part: part.optional() });
export const minutePosition = z.strictObject({ vm, m: count });
export const trafficPosition = z.strictObject({ vm, m: count, g: nic });
export const outagePosition = z.strictObject({ vm, s: count });
const kind = z.int().min(0).max(255);
const pos = z.string().regex(/^\d{1,20}$/);
/** Cursors of versions before say nothing of host and half. */
export const anomalyPosition = z.union([
  z.tuple([count, vm, nic, kind, pos, host, part]),
  z.tuple([count, vm, nic, kind, pos]).transform((at): AnomalyPosition => [...at, '', 0]),
]);
