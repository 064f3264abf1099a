import { conditionCode } from '../domain/condition.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Span } from '../query/span.ts';
import type { NoteSay } from '../rating/note.ts';
import type { VmFacts } from '../rating/order.ts';
import { clipSegments } from '../rating/served.ts';

/** Served time of a VM in a period that no sample says anything of: zero bytes and no outage are no answer there. */
export interface NotMeasured {
  readonly vm: string;
  readonly servedMs: number;
  readonly notMeasuredMs: number;
}

/** Less than this in all is what an agent that starts again misses: it is drawn, and not told. */
const WORTH_TELLING_MS = 3_600_000;
/** VMs named in a sentence, and sentences about single VMs, at most: the figures of all are in the JSON. */
const NAMED_MAX = 10;
const SILENT = conditionCode('silent');

/** The VMs whose service in [fromMs, toMs) was not measured for an hour or more. */
export function notMeasuredOf(
  vms: readonly VmFacts[],
  spans: ReadonlyMap<string, Span>,
  fromMs: number,
  toMs: number,
): NotMeasured[] {
  return vms.flatMap((facts) => {
    const span = spans.get(facts.vm);
    let servedMs = 0;
    let measuredMs = 0;
    for (const { fromMinute, toMinute } of clipSegments(facts.service, fromMs / MINUTE_MS, toMs / MINUTE_MS)) {
      servedMs += (toMinute - fromMinute) * MINUTE_MS;
      measuredMs += measuredWithin(facts, span, fromMinute * MINUTE_MS, toMinute * MINUTE_MS);
    }
    const notMeasuredMs = servedMs - measuredMs;
    const isWorthTelling = notMeasuredMs >= WORTH_TELLING_MS || (notMeasuredMs > 0 && measuredMs === 0);
    return isWorthTelling ? [{ vm: facts.vm, servedMs, notMeasuredMs }] : [];
  });
}

/** The part of [fromMs, toMs) between the first sample and the last, less what was silent. */
function measuredWithin({ outages }: VmFacts, span: Span | undefined, fromMs: number, toMs: number): number {
  if (span === undefined) return 0;
  const from = Math.max(fromMs, span.firstMs);
  const to = Math.min(toMs, span.horizonMs);
  if (from >= to) return 0;
  let silentMs = 0;
  for (const { startMs, endMs, condition } of outages)
    if (condition === SILENT) silentMs += Math.max(0, Math.min(to, endMs) - Math.max(from, startMs));
  return to - from - silentMs;
}

/** The same as notes for whoever makes the invoice. */
export function notMeasuredNotes(found: readonly NotMeasured[]): NoteSay[] {
  const never = found.filter((each) => each.notMeasuredMs === each.servedMs);
  const partly = found.filter((each) => each.notMeasuredMs < each.servedMs);
  return [
    ...(never.length === 0
      ? []
      : [{ code: 'never_metered', vms: never.slice(0, NAMED_MAX).map(({ vm }) => vm), count: never.length } as const]),
    ...partly.slice(0, NAMED_MAX).map(({ vm, servedMs, notMeasuredMs }): NoteSay => ({
      code: 'partly_metered',
      vm,
      not_metered_ms: notMeasuredMs,
      served_ms: servedMs,
    })),
    ...(partly.length <= NAMED_MAX ? [] : [{ code: 'more_partly_metered', count: partly.length - NAMED_MAX } as const]),
  ];
}
