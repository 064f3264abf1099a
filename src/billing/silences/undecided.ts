import type { Interval } from '../../domain/intervals.ts';
import { type SilenceGroup, silenceGroups } from '../../query/silences.ts';
import { agreedTerms } from '../../terms/agreed.ts';
import type { TermsSheet } from '../../terms/sheet.ts';
import type { BillingContext } from '../context.ts';

/** Silences of a time that are open and on which, by the terms of one of their VMs, something may hang. */
export async function undecidedSilences(
  context: BillingContext,
  range: Interval,
): Promise<(SilenceGroup & { readonly accounts: readonly string[] })[]> {
  const groups = (await silenceGroups(context, range)).filter(({ openMs }) => openMs > 0);
  return groups.flatMap((group) => {
    const bodies = group.silences.flatMap(({ vm, startMs }) => {
      const body = context.catalog.vm(vm)?.body;
      return body === undefined ? [] : [{ body, startMs }];
    });
    const matters = bodies.some(({ body, startMs }) => leavesOpen(agreedTerms(context, body, startMs)));
    return matters ? [{ ...group, accounts: [...new Set(bodies.map(({ body }) => body.account))].sort() }] : [];
  });
}

/** Whether a sheet leaves it to a person what silence was. */
function leavesOpen(sheet: TermsSheet | undefined): boolean {
  if (sheet === undefined) return false;
  const ofCredit = sheet.credit.kind === 'none' ? [] : (sheet.credit.unsure ?? []);
  const rules = [...sheet.refund.grounds, ...sheet.refund.bars].flatMap((rule) => rule.when);
  return (
    ofCredit.includes('silent') || rules.some((rule) => rule.measure === 'longest_outage' && rule.unsure?.includes('silent'))
  );
}
