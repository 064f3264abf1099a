import { conditionCode } from '../domain/condition.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import type { Span } from '../query/span.ts';
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

/** The same for whoever makes the invoice. */
export function notMeasuredTexts(found: readonly NotMeasured[]): string[] {
  const never = found.filter((each) => each.notMeasuredMs === each.servedMs);
  const partly = found.filter((each) => each.notMeasuredMs < each.servedMs);
  const texts: string[] = [];
  if (never.length > 0)
    texts.push(
      `${never.length === 1 ? 'VM' : `${never.length} VMs`} ${namesOf(never)} ${never.length === 1 ? 'was' : 'were'} never metered in the period: ` +
        'the service is charged, uptime and traffic are not known, and traffic counts as 0',
    );
  for (const { vm, servedMs, notMeasuredMs } of partly.slice(0, NAMED_MAX))
    texts.push(`VM ${vm} was not metered for ${hours(notMeasuredMs)} of the ${hours(servedMs)} that it was served`);
  if (partly.length > NAMED_MAX)
    texts.push(`${partly.length - NAMED_MAX} more VMs were not metered all the time that they were served`);
  return texts;
}

function namesOf(found: readonly NotMeasured[]): string {
  const names = found.slice(0, NAMED_MAX).map((each) => each.vm);
  return found.length > names.length ? `${names.join(', ')} and ${found.length - names.length} more` : names.join(', ');
}

function hours(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
