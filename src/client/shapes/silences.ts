/** What silences and decisions on them answer. */
import { z } from 'zod';

const run = z.looseObject({ from: z.string(), to: z.string() });

/** VMs of one agent that fell silent together; `to` is null while any of them is. */
export const Silence = z.looseObject({
  id: z.string(),
  agent: z.string().nullable(),
  from: z.string(),
  to: z.string().nullable(),
  vms: z.number(),
  state: z.enum(['open', 'decided']),
  accounts: z.array(z.string()),
  silent_ms: z.number(),
  open_ms: z.number(),
});
export type Silence = z.infer<typeof Silence>;
export const SilencePage = z.looseObject({ rows: z.array(Silence), next: z.string().nullable() });

export const SilenceDetail = Silence.extend({
  silences: z.array(
    z.looseObject({
      vm: z.string(),
      account: z.string().nullable(),
      start: z.string(),
      end: z.string().nullable(),
      open: z.array(run),
    }),
  ),
  at_stake: z.array(z.looseObject({ account: z.string(), currency: z.string(), amount: z.string() })),
  decisions: z.array(
    z.looseObject({
      id: z.string(),
      decision: z.string(),
      note: z.string(),
      from: z.string(),
      to: z.string(),
      vms: z.number(),
      by: z.string(),
      recorded_at: z.string(),
      withdrawn_at: z.string().nullable(),
    }),
  ),
});
export type SilenceDetail = z.infer<typeof SilenceDetail>;

/** A decision and what it changes; `id` where it was recorded. */
export const SilenceDecided = z.looseObject({
  id: z.string().optional(),
  silence: z.string(),
  decision: z.string(),
  times: z.record(z.string(), z.array(run)),
  dry_run: z.boolean(),
  minutes: z.number(),
  final_invoices: z.array(z.looseObject({ id: z.string(), number: z.number(), account: z.string() })),
});
export type SilenceDecided = z.infer<typeof SilenceDecided>;
