/**
 * What no single VM's rows can show: an entry of the catalog that is gone (the newest invoice, say), a sample of an agent that never was, and rows
 * of a time that nobody has told anything of.
 */
import { z } from 'zod';
import { formatInstant } from '../domain/instant.ts';
import type { Agents } from './agents.ts';
import type { StatusAnswer } from './answers.ts';
import type { Disagreement } from './disagreement.ts';
import { exact, instant } from './fields.ts';
import type { Reader } from './reader.ts';

const anchorsAnswer = z.object({
  catalog: z.object({ entries: exact, last: exact, marked: exact }),
  keys: z.array(z.object({ name: z.string(), role: z.string(), vms: z.array(z.string()) })),
  latest: z.object({
    minutes: instant.nullable(),
    traffic: instant.nullable(),
    outages: instant.nullable(),
    samples: instant.nullable(),
  }),
});

/** The first of these that does not hold together; null if all do. @param agents that samples were seen of */
export async function anchorsDisagreement(reader: Reader, { terms }: StatusAnswer, agents: Agents): Promise<Disagreement | null> {
  const { catalog, keys, latest } = await reader.get('v1/evidence/anchors', anchorsAnswer);
  const of = (
    table: Disagreement['table'],
    field: string,
    stored: string,
    recomputed: string,
    more: Partial<Disagreement> = {},
  ) => ({ table, vm: null, nic: null, minute: null, field, stored, recomputed, ...more }) satisfies Disagreement;
  if (catalog.entries !== catalog.last)
    return of('catalog', 'entries', String(catalog.entries), `${catalog.last}, numbered without a gap`);
  if (catalog.marked > catalog.last)
    return of('catalog', 'entries', String(catalog.last), `${catalog.marked}, of which the log knows`);
  const stranger = agents.stranger(keys);
  if (stranger !== undefined) {
    const { vm, agent, isKnown } = stranger;
    return of('samples', 'agent', agent, isKnown ? 'the name of a key that may post for this VM' : 'the name of a key', { vm });
  }
  if (latest.samples === null) return null;
  // a state goes on for the staleness after its sample, so its rows may reach a minute further
  const reach = { traffic: 0, minutes: terms.staleness_ms, outages: terms.staleness_ms } as const;
  for (const table of ['traffic', 'minutes', 'outages'] as const) {
    const at = latest[table];
    if (at === null || at <= latest.samples + reach[table]) continue;
    return of(table, 'row', 'a row', `none: the latest sample is of ${formatInstant(latest.samples)}`, {
      minute: formatInstant(at),
    });
  }
  return null;
}
