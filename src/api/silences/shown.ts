import { z } from 'zod';
import { atStakeOf } from '../../billing/silences/at-stake.ts';
import type { IgnoredBody } from '../../catalog/silence-book.ts';
import type { IncidentBody } from '../../catalog/incidents.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { CAUSES } from '../../domain/condition.ts';
import { formatAmount } from '../../domain/money.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { SilenceGroup } from '../../query/silences.ts';
import type { ApiContext } from '../shared/context.ts';
import { instantShape } from '../shared/shapes.ts';

/** What a silence may turn out to have been. */
export const DECISIONS = [...CAUSES, 'ignored'] as const;

export const groupShape = z.object({
  id: z.string(),
  agent: z
    .string()
    .nullable()
    .describe('Who spoke for the VMs; null where their samples have expired: each VM is then by itself.'),
  host: z.string().nullable().describe('The one that all its VMs were on; null where their samples say none, or several.'),
  hosts: z.array(z.string()).describe('All that they were on, by name.'),
  from: instantShape,
  to: instantShape.nullable().describe('null while any of them lasts'),
  vms: z.int().describe('How many VMs fell silent together.'),
  state: z.enum(['open', 'decided']).describe('`decided`: of all the silent time that is known somebody said what it was.'),
  accounts: z.array(z.string()).describe('The accounts of its VMs; a VM in no catalog has none.'),
  silent_ms: z.int().describe('Silent time of all its VMs together, as far as it is known.'),
  open_ms: z.int().describe('What of it nobody has decided on.'),
});

const decisionShape = z.object({
  id: z.string().describe('Of the incident that it recorded, or its own.'),
  decision: z.enum(DECISIONS),
  note: z.string(),
  from: instantShape,
  to: instantShape,
  vms: z.int(),
  by: z.string(),
  recorded_at: instantShape,
  withdrawn_at: instantShape.nullable(),
  withdrawn_by: z.string().nullable(),
});

export const groupDetailShape = groupShape.extend({
  silences: z
    .array(
      z.object({
        vm: z.string(),
        account: z.string().nullable(),
        start: instantShape,
        end: instantShape.nullable(),
        open: z.array(z.object({ from: instantShape, to: instantShape })).describe('What of it nobody has decided on.'),
      }),
    )
    .describe('By start, then by VM.'),
  at_stake: z
    .array(z.object({ account: z.string(), currency: z.string(), amount: z.string() }))
    .describe(
      'What would be credited more in the calendar months that it touches, before tax, if the open time was the provider’s.',
    ),
  decisions: z.array(decisionShape).describe('In the order they were recorded, withdrawn ones among them.'),
});

export function stateOf({ openMs, silentMs }: SilenceGroup): 'open' | 'decided' {
  return openMs === 0 && silentMs > 0 ? 'decided' : 'open';
}

export function vmsOf({ silences }: SilenceGroup): string[] {
  return [...new Set(silences.map((each) => each.vm))].sort();
}

export function accountsOf({ catalog }: Pick<ApiContext, 'catalog'>, group: SilenceGroup): string[] {
  return [...new Set(vmsOf(group).flatMap((vm) => catalog.vm(vm)?.body.account ?? []))].sort();
}

export function groupJson(context: Pick<ApiContext, 'catalog'>, group: SilenceGroup): Record<string, unknown> {
  return {
    id: group.id,
    agent: group.agent,
    host: group.hosts.length === 1 ? (group.hosts[0] ?? null) : null,
    hosts: group.hosts,
    from: formatInstant(group.fromMs),
    to: group.toMs === null ? null : formatInstant(group.toMs),
    vms: vmsOf(group).length,
    state: stateOf(group),
    accounts: accountsOf(context, group),
    silent_ms: group.silentMs,
    open_ms: group.openMs,
  };
}

export async function groupDetailJson(context: ApiContext, group: SilenceGroup): Promise<Record<string, unknown>> {
  const atStake = await atStakeOf(context, group);
  return {
    ...groupJson(context, group),
    silences: group.silences.map(({ vm, startMs, endMs, open }) => ({
      vm,
      account: context.catalog.vm(vm)?.body.account ?? null,
      start: formatInstant(startMs),
      end: endMs === null ? null : formatInstant(endMs),
      open: open.map(({ fromMs, toMs }) => ({ from: formatInstant(fromMs), to: formatInstant(toMs) })),
    })),
    at_stake: atStake.map(({ account, currency, nanos }) => ({ account, currency, amount: formatAmount(nanos, currency) })),
    decisions: context.catalog.silences.decisionsOn(group.id).map(decisionJson),
  };
}

function decisionJson({ id, body }: Versioned<IgnoredBody> | Versioned<IncidentBody>): Record<string, unknown> {
  const times = 'times' in body ? body.times : (body.reported ?? {});
  const all = Object.values(times).flat();
  return {
    id,
    decision: 'cause' in body ? body.cause : 'ignored',
    note: body.note,
    from: formatInstant(Math.min(...all.map(([fromMs]) => fromMs))),
    to: formatInstant(Math.max(...all.map(([, toMs]) => toMs))),
    vms: Object.keys(times).length,
    by: body.recorded.by,
    recorded_at: formatInstant(body.recorded.at),
    withdrawn_at: body.withdrawn === null ? null : formatInstant(body.withdrawn.at),
    withdrawn_by: body.withdrawn?.by ?? null,
  };
}
