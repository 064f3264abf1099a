import { z } from 'zod';
import type { Versioned } from './versioned.ts';
import { instant } from '../domain/shapes.ts';
import { CAUSES, conditionCode } from '../domain/condition.ts';
import type { Incident } from '../domain/incidents.ts';
import { identifier } from '../domain/plan.ts';
import { storedVmName } from '../samples/names.ts';

/** Which VMs an incident is about (SPEC §7). */
export const incidentScope = z.union(
  [
    z.strictObject({ vms: z.array(storedVmName).min(1).max(10_000) }),
    z.strictObject({ account: identifier }),
    z.strictObject({ agent: z.string().min(1).max(64) }),
    z.strictObject({ all: z.literal(true) }),
  ],
  'must be one of {"vms":[…]}, {"account":id}, {"agent":name}, {"all":true}',
);
export type IncidentScope = z.infer<typeof incidentScope>;

const members = {
  scope: incidentScope,
  from: instant,
  to: instant,
  cause: z.enum(CAUSES),
  asserts_down: z.boolean().default(false).describe('Up time counts as down too.'),
  note: z.string().max(2000).default(''),
  announced_at: instant
    .nullable()
    .default(null)
    .describe(
      'When its customers were told of it: maintenance that was not announced in time counts as the provider’s where terms ask.',
    ),
};

/** The body of `POST /v1/incidents`. */
export const incidentRequest = z
  .strictObject(members)
  .refine((incident) => incident.from < incident.to, { path: ['to'], message: 'must be after from' });
export type IncidentRequest = z.infer<typeof incidentRequest>;

const interval = z.tuple([z.int(), z.int()]);

/** An incident as it is kept. */
export const incidentBody = z.strictObject({
  ...members,
  from: z.int(),
  to: z.int(),
  announced_at: z.int().nullable().default(null),
  /**
   * With the scope of an agent: the time of each VM that it reported for, as it stood when the incident was recorded, since
   * raw samples expire and what was confirmed must not change afterwards.
   */
  reported: z.record(z.string(), z.array(interval)).nullable(),
  /** The silence that it decides on: then it is about `reported` alone, the silent time of each VM, and no other time of theirs. */
  silence: z.string().nullable().default(null),
  recorded: z.strictObject({ at: z.int(), by: z.string() }),
  withdrawn: z.strictObject({ at: z.int(), by: z.string() }).nullable(),
});
export type IncidentBody = z.infer<typeof incidentBody>;

/** What incidents say of one VM, in the order they were recorded; `account` is the one the VM belongs to. */
export function incidentsOf(
  incidents: Iterable<Pick<Versioned<IncidentBody>, 'body'>>,
  vm: string,
  account: string | undefined,
): Incident[] {
  const found: Incident[] = [];
  for (const { body } of incidents) {
    if (body.withdrawn !== null) continue;
    const condition = conditionCode(body.cause);
    const announcedBeforeMs = body.announced_at === null ? null : body.from - body.announced_at;
    for (const [fromMs, toMs] of timesOf(body, vm, account))
      found.push({ fromMs, toMs, condition, assertsDown: body.asserts_down, withdrawn: false, announcedBeforeMs });
  }
  return found;
}

function timesOf(body: IncidentBody, vm: string, account: string | undefined): readonly (readonly [number, number])[] {
  const { scope } = body;
  if ('agent' in scope || body.silence !== null) return ownOf(body.reported, vm);
  const inScope = 'vms' in scope ? scope.vms.includes(vm) : 'account' in scope ? scope.account === account : true;
  return inScope ? [[body.from, body.to]] : [];
}

function ownOf(reported: IncidentBody['reported'], vm: string): readonly [number, number][] {
  return reported !== null && Object.hasOwn(reported, vm) ? (reported[vm] ?? []) : [];
}
