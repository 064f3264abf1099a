import { z } from 'zod';

/** What a line rests on, as it is kept with the line since documents have `layout` 2. */
const part = z.object({
  plan: z.string(),
  from: z.string(),
  to: z.string(),
  days: z.int(),
  minutes: z.int(),
  of_days: z.int().nullable(),
  price: z.string(),
  per: z.enum(['month', 'day', 'hour']),
  amount: z.string(),
});
export type ShownPart = z.infer<typeof part>;

const uptime = z.object({
  month: z.string(),
  time_zone: z.string(),
  minutes: z.int(),
  unavailable_minutes: z.int(),
  uptime_percent: z.string(),
  below_percent: z.string(),
  credit_percent: z.string(),
  of: z.string(),
});

const outage = z.object({
  from: z.string(),
  to: z.string(),
  cause: z.string(),
  incident: z.string().nullable(),
  note: z.string().nullable(),
});
export type ShownOutage = z.infer<typeof outage>;

const late = z.object({
  percent_per_day: z.string(),
  due_at: z.string().nullable(),
  runs: z.array(z.object({ from: z.string(), to: z.string(), days: z.int(), owed: z.string(), charge: z.string().nullable() })),
  vms: z.array(z.string()).optional(),
});

export const explainedShape = z.looseObject({
  from: z.string().optional(),
  to: z.string().optional(),
  parts: z.array(part).optional(),
  pieces: z.int().optional(),
  bound: z.object({ sum: z.string(), lines: z.string() }).optional(),
  uptime: z.array(uptime).optional(),
  outages: z.array(outage).optional(),
  outages_more: z.int().optional(),
  late: late.optional(),
  events: z.array(z.object({ at: z.string(), fee: z.string(), clause: z.string().optional() })).optional(),
  clauses: z.array(z.string()).optional(),
});

/** A clause in the languages that its sheet says it in. */
export const clauseSays = z.union([z.string(), z.object({ en: z.string(), 'zh-Hans': z.string(), 'zh-Hant': z.string() })]);
export const keptClause = z.object({ key: z.string(), says: clauseSays, title: z.string(), place: z.string() });
export type KeptClauseShape = z.infer<typeof keptClause>;

/** What a document's lines name, beside the lines. */
export const aboutLines = {
  /** How it is laid out; left out by documents of before, which are printed as they were. */
  layout: z.int().optional(),
  titles: z.object({ plans: z.record(z.string(), z.string()), vms: z.record(z.string(), z.string()) }).optional(),
  /** Numbers of invoices, by id. */
  references: z.record(z.string(), z.string()).optional(),
  clauses: z.array(keptClause).optional(),
};
