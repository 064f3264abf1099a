/** Final documents whose facts have changed since, by incidents and events that were recorded later. */
import { z } from 'zod';
import { compareStored } from './behind.ts';
import { isOfDebit, nameOf } from './document.ts';
import type { Reader } from './reader.ts';
import type { Checked } from './document.ts';

/** Something that was recorded after a document was issued, and may have changed what its period comes to. */
export interface Restated {
  readonly id: string;
  readonly document: string;
  readonly what: string;
}

const instantText = z.string().transform((text) => Date.parse(text));

export const incidentsAnswer = z.looseObject({
  incidents: z.array(
    z.looseObject({
      id: z.string(),
      from: instantText,
      to: instantText,
      scope: z.looseObject({ vms: z.array(z.string()).optional(), account: z.string().optional() }),
      version: z.coerce.bigint(),
      withdrawn_at: z.string().nullable(),
    }),
  ),
});

type Incident = z.infer<typeof incidentsAnswer>['incidents'][number];

const versioned = z.looseObject({ version: z.coerce.bigint() });

const eventsAnswer = z.looseObject({
  rows: z.array(z.looseObject({ id: z.string(), withdrawn: z.boolean(), kind: z.string() })),
});

/** What was recorded since the newest document about an invoice's period was rated. Throws `Disagreed` where rows were damaged. */
export async function restatedSince(
  reader: Reader,
  id: string,
  checked: Checked,
  seen: ReadonlyMap<string, Checked>,
  incidents: readonly Incident[],
): Promise<string[]> {
  const { content } = checked;
  let newest = checked.evidence;
  for (const { content: note, evidence } of seen.values()) {
    if (note.corrects?.invoice !== id || evidence === null || note.lines.every(isOfDebit)) continue;
    if (newest === null || evidence.agreed.catalog > newest.agreed.catalog) newest = evidence;
  }
  if (newest === null) return [];
  const { agreed } = newest;
  const found = [...(await compareStored(reader, nameOf(content), content, newest))];
  for (const each of incidents) {
    const { scope } = each;
    const touches =
      scope.vms === undefined
        ? scope.account === undefined || scope.account === content.account
        : agreed.vms.some((vm) => scope.vms?.includes(vm.vm));
    if (each.version > agreed.catalog && touches && each.from < content.to && each.to > content.from)
      found.push(`incident ${each.id} was ${each.withdrawn_at === null ? 'recorded' : 'withdrawn'}`);
  }
  const entries = [
    ['accounts', content.account],
    ...Object.keys(agreed.plans).map((plan) => ['plans', plan]),
    ...agreed.vms.map(({ vm }) => ['vms', vm]),
  ] as [string, string][];
  for (const [kind, name] of entries) {
    const entry = await reader.find(`v1/${kind}/${encodeURIComponent(name)}`, versioned);
    if (entry !== null && entry.version > agreed.catalog) found.push(`${kind.slice(0, -1)} ${name} was changed in the catalog`);
  }
  for (const vm of agreed.vms) {
    const isPriced = (vm.fee_terms ?? null) !== null || vm.plans.some(({ terms }) => terms !== null);
    if (!isPriced) continue;
    const { rows } = await reader.get(`v1/vms/${encodeURIComponent(vm.vm)}/events`, eventsAnswer);
    const now = rows.filter((each) => !each.withdrawn).map((each) => each.id);
    const then = vm.events.map((each) => each.id);
    if ([...now].sort().join() !== [...then].sort().join()) found.push(`events of vm ${vm.vm} were recorded or withdrawn`);
  }
  return found;
}
