import type { BillingContext } from '../billing/context.ts';
import { noIssuer, unprintable, withoutPlan } from './catalog.ts';
import type { Asked, Finding, Source } from './finding.ts';
import { metering } from './metering.ts';
import { undecided } from './silences.ts';
import { suspendedWrongly } from './standing.ts';
import { afterEnd, notInCatalog } from './strangers.ts';

/** In the order in which they are told. */
const SOURCES: readonly Source[] = [
  noIssuer,
  notInCatalog,
  afterEnd,
  metering,
  withoutPlan,
  suspendedWrongly,
  undecided,
  unprintable,
];

/** Where a page begins: in which source, after which key. */
export interface FindingPosition {
  readonly s: number;
  readonly after: string;
}

export interface FindingPage {
  readonly findings: readonly Finding[];
  readonly next: FindingPosition | undefined;
}

/** A page of findings: as many as asked for, or fewer with more to come where there was no time to look further. */
export async function findingPage(
  context: BillingContext,
  asked: Asked,
  { from, limit, inTime }: { from: FindingPosition; limit: number; inTime: () => boolean },
): Promise<FindingPage> {
  const findings: Finding[] = [];
  let at = from;
  for (let looks = 0; at.s < SOURCES.length; looks += 1) {
    if (findings.length === limit || (looks > 0 && !inTime())) return { findings, next: at };
    const source = SOURCES[at.s];
    if (source === undefined || !source.kinds.some((kind) => asked.kinds.has(kind))) {
      at = { s: at.s + 1, after: '' };
      continue;
    }
    const part = await source.part(context, asked, at.after);
    const taken = part.findings.slice(0, limit - findings.length);
    findings.push(...taken);
    const last = taken.at(-1);
    if (taken.length < part.findings.length && last !== undefined) at = { s: at.s, after: last.key };
    else at = part.done ? { s: at.s + 1, after: '' } : { s: at.s, after: part.through };
  }
  return { findings, next: undefined };
}
