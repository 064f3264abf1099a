/** The API's answers as far as verifying reads them: instants in milliseconds, integers exact. */
import { z } from 'zod';
import { CAUSES } from '../domain/condition.ts';
import { condition, exact, instant } from './fields.ts';

export const statusAnswer = z.object({
  log: z.object({ appended: exact, aggregated: exact, stored: exact }),
  log_state: z.string().optional(),
  log_detail: z.string().optional(),
  gaps: z
    .array(
      z.object({
        log_id: z.string(),
        partition: z.int(),
        kind: z.string(),
        from: z.int(),
        until: z.int().nullable(),
        samples: exact.nullable(),
        why: z.string(),
        who: z.string(),
        recorded_at: instant,
      }),
    )
    .optional(),
  watermark: instant.nullable(),
  waiting: z.object({ vms: z.int(), minutes: z.int() }).optional(),
  catalog: z.object({ recorded: exact, applied: exact }),
  vms: z.int(),
  forgotten: z.object({ vms: z.int(), expired: z.boolean() }).optional(),
  samples: z.object({ accepted: exact, applied: exact, duplicate: exact, conflict: exact, forgotten: exact.optional() }),
  terms: z.object({
    staleness_ms: z.int(),
    lateness_ms: z.int(),
    link_limit_bps: exact,
    retention_days: z.int(),
    clock: z.enum(['wall', 'event']),
  }),
});
export type GapAnswer = NonNullable<z.infer<typeof statusAnswer>['gaps']>[number];
export type StatusAnswer = z.infer<typeof statusAnswer>;

export const vmSeen = z.object({
  vm: z.string(),
  first_sample: instant.nullable(),
  last_sample: instant.nullable(),
  samples: z.int(),
  first_minute: instant.nullable(),
});
export type VmSeen = z.infer<typeof vmSeen>;

const counted = z.object({
  ts: instant,
  nic: z.string(),
  host: z.string().optional(),
  rx_bytes: exact.optional(),
  tx_bytes: exact.optional(),
  epoch: z.int(),
  state: z.enum(['up', 'down', 'none']),
  cause: z.enum(CAUSES as readonly [string, ...string[]]).optional(),
});
export const sampleAnswer = counted.extend({
  started_at: instant.optional(),
  hold_s: z.int().optional(),
  link_mbps: z.int().optional(),
  sum: z.literal(true).optional(),
  vm: z.string(),
  agent: z.string(),
  pos: exact,
});
export type SampleAnswer = z.infer<typeof sampleAnswer>;

export const minuteAnswer = z.object({
  start: instant,
  up_ms: z.int(),
  down_ms: z.record(z.string(), z.int()),
  silent_ms: z.int(),
  unavailable_minutes: z.int(),
  credit_nanos: exact,
});
export type MinuteAnswer = z.infer<typeof minuteAnswer>;

export const trafficAnswer = z.object({ start: instant, nic: z.string(), rx_bytes: exact, tx_bytes: exact });
export type TrafficAnswer = z.infer<typeof trafficAnswer>;

export const outageAnswer = z.object({ start: instant, end: instant.nullable(), cause: condition });
export type OutageAnswer = z.infer<typeof outageAnswer>;

export const anomalyAnswer = z.object({
  kind: z.enum(['quarantined', 'conflict']),
  nic: z.string(),
  ts: instant,
  a: counted.nullable(),
  b: counted,
});
export type AnomalyAnswer = z.infer<typeof anomalyAnswer>;

export const vmCatalogAnswer = z.object({
  plans: z.array(z.object({ plan: z.string(), from: instant })),
  ends_at: instant.nullable(),
});

export const planAnswer = z.object({
  time_zone: z.string(),
  price: z.object({ amount: z.string(), per: z.enum(['hour', 'day', 'month']) }),
  creditable: z.array(condition),
});
