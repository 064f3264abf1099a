/** What questions about usage answer. Members that a newer server adds pass through. */
import { z } from 'zod';
import { whole } from '../wire/exact-json.ts';

/** A row of uptime: milliseconds of each condition, and the credit of its minutes in 10⁻⁹ of the currency's unit. */
export const UptimeRow = z.looseObject({
  start: z.string(),
  up_ms: z.number(),
  down_ms: z.record(z.string(), z.number()),
  silent_ms: z.number(),
  unavailable_minutes: z.number(),
  credit_nanos: whole,
});
export type UptimeRow = z.infer<typeof UptimeRow>;

/** A row of traffic, in bytes as the VM sees them; `nic` with `by: 'nic'`, `vm` with `by: 'vm'`. */
export const TrafficRow = z.looseObject({
  start: z.string(),
  rx_bytes: whole,
  tx_bytes: whole,
  nic: z.string().optional(),
  vm: z.string().optional(),
});
export type TrafficRow = z.infer<typeof TrafficRow>;

/** An outage; `end` and `duration_ms` are null while it lasts. */
export const Outage = z.looseObject({
  start: z.string(),
  end: z.string().nullable(),
  cause: z.string(),
  duration_ms: z.number().nullable(),
});
export type Outage = z.infer<typeof Outage>;

/** An outage of the fleet; `agent` where it was asked for. */
export const FleetOutage = Outage.extend({
  vm: z.string(),
  account: z.string().nullable(),
  agent: z.string().nullable().optional(),
});
export type FleetOutage = z.infer<typeof FleetOutage>;
export const FleetOutagePage = z.looseObject({ rows: z.array(FleetOutage), next: z.string().nullable() });

/** What the server has taken in, and how far it has counted: all three positions equal, and everything posted is in the answers. */
export const Status = z.looseObject({
  log: z.looseObject({ appended: z.number(), aggregated: z.number(), stored: z.number() }),
  watermark: z.string().nullable(),
  waiting: z.looseObject({ vms: z.number(), minutes: z.number() }).optional(),
  vms: z.number(),
  samples: z.looseObject({
    accepted: z.number(),
    applied: z.number(),
    duplicate: z.number(),
    conflict: z.number(),
    rejected: z.record(z.string(), z.number()),
  }),
});
export type Status = z.infer<typeof Status>;
