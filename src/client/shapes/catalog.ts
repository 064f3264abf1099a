/** What the catalog, incidents, keys and findings answer. */
import { z } from 'zod';
import { whole } from '../wire/exact-json.ts';

/** A plan, an account or a VM as it is now, or was: its body beside these. */
export const CatalogEntry = z.looseObject({
  id: z.string(),
  version: whole,
  recorded_at: z.string(),
  recorded_by: z.string(),
  warnings: z.array(z.string()).optional(),
});
export type CatalogEntry = z.infer<typeof CatalogEntry>;

export const Incident = z.looseObject({
  id: z.string(),
  scope: z.record(z.string(), z.union([z.string(), z.array(z.string()), z.literal(true)])),
  from: z.string(),
  to: z.string(),
  cause: z.string(),
  asserts_down: z.boolean(),
  note: z.string(),
  announced_at: z.string().nullable(),
  by: z.string(),
  withdrawn_at: z.string().nullable(),
});
export type Incident = z.infer<typeof Incident>;

export const IncidentList = z.looseObject({ incidents: z.array(Incident) });

/** What an incident, or its withdrawal, changes; `id` where it was recorded. */
export const IncidentEffect = z.looseObject({
  id: z.string().optional(),
  effect: z.array(z.looseObject({ vm: z.string(), minutes: z.number() })),
  minutes: z.number(),
  final_invoices: z.array(z.looseObject({ id: z.string(), number: z.number(), account: z.string() })),
  unknown_vms: z.array(z.string()).optional(),
  /** Customers whose terms ask that maintenance is announced earlier. */
  late_announcement: z.array(z.looseObject({ account: z.string(), terms: z.string(), vms: z.number() })).optional(),
});
export type IncidentEffect = z.infer<typeof IncidentEffect>;

/** A key without its secret. */
export const Key = z.looseObject({
  id: z.string(),
  role: z.string(),
  name: z.string(),
  vms: z.array(z.string()).nullable(),
  account: z.string().nullish(),
  created_at: z.string(),
  revoked_at: z.string().nullish(),
});
export type Key = z.infer<typeof Key>;

export const KeyList = z.looseObject({ keys: z.array(Key) });

/** A key that was just made, with its secret, which is shown this once. */
export const CreatedKey = z.looseObject({ id: z.string(), key: z.string() });
export type CreatedKey = z.infer<typeof CreatedKey>;

/** Something that should worry the biller. */
export const Finding = z.looseObject({
  kind: z.string(),
  vm: z.string().nullable(),
  account: z.string().nullable(),
  since: z.string().nullable(),
  until: z.string().nullable(),
  words: z.string(),
  what_to_do: z.string(),
});
export type Finding = z.infer<typeof Finding>;

export const FindingPage = z.looseObject({ rows: z.array(Finding), next: z.string().nullable() });
