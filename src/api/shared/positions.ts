import { z } from 'zod';

/** Where the next page of rows begins, as a cursor holds it: the key of the last row that was given. */

const vm = z.string().max(64);
const nic = z.string().max(32);
const count = z.int().nonnegative();

export const samplePosition = z.strictObject({ vm, ts: count, nic });
export const minutePosition = z.strictObject({ vm, m: count });
export const trafficPosition = z.strictObject({ vm, m: count, g: nic });
export const outagePosition = z.strictObject({ vm, s: count });
export const anomalyPosition = z.tuple([count, vm, nic, z.int().min(0).max(255), z.string().regex(/^\d{1,20}$/)]);
