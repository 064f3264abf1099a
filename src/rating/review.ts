import { conditionCode } from '../domain/condition.ts';
import { type Interval, uncovered } from '../domain/intervals.ts';
import { MINUTE_MS } from '../domain/zone.ts';
import { priceCredits, type VmCreditFacts } from './credits.ts';
import { rounded } from './line.ts';
import type { Segment } from './served.ts';
import type { ClosedOutage } from './unavailable.ts';

/** A VM whose credit would be another if time that nobody has judged counted as the provider's. */
export interface NeedsReview {
  readonly vm: string;
  /** The time that nobody has judged, in order. */
  readonly times: readonly Interval[];
  /** What the credit would be more, in whole minor units; less, if negative. */
  readonly atStakeNanos: bigint;
}

export interface ReviewFacts extends VmCreditFacts {
  /** Time whose silence is on record as nobody's outage. */
  readonly judged?: readonly Interval[];
  readonly currency: string;
}

const PROVIDER = conditionCode('provider');

/** Whether what a VM earns in a period hangs on time of a cause that its terms leave to a person (SPEC §5). */
export function reviewOf({ judged = [], ...facts }: ReviewFacts): NeedsReview | undefined {
  const { times, outages } = asIfProvider(facts, judged);
  if (times.length === 0) return undefined;
  const creditOf = (counted: readonly ClosedOutage[]): bigint => {
    const priced = priceCredits({ ...facts, outages: counted });
    return priced === undefined ? 0n : -rounded(priced, facts.currency).amountNanos;
  };
  const atStakeNanos = creditOf(outages) - creditOf(facts.outages);
  return atStakeNanos === 0n ? undefined : { vm: facts.vm, times, atStakeNanos };
}

/** Outages as they would be if what nobody has judged were the provider's: what then lies side by side is one outage. */
function asIfProvider(
  { outages, service }: Pick<VmCreditFacts, 'outages' | 'service'>,
  judged: readonly Interval[],
): { times: Interval[]; outages: ClosedOutage[] } {
  const times: Interval[] = [];
  const pieces = outages.flatMap(({ startMs, endMs, condition }): ClosedOutage[] => {
    const open = uncovered({ fromMs: startMs, toMs: endMs }, judged).flatMap((left) =>
      policyRuns(service, left).filter(({ policy }) => policy.unsure.has(condition)),
    );
    times.push(...open.map(({ fromMs, toMs }) => ({ fromMs, toMs })));
    const rest = uncovered({ fromMs: startMs, toMs: endMs }, open);
    return [
      ...open.map(({ fromMs, toMs }) => ({ startMs: fromMs, endMs: toMs, condition: PROVIDER })),
      ...rest.map(({ fromMs, toMs }) => ({ startMs: fromMs, endMs: toMs, condition })),
    ].sort((a, b) => a.startMs - b.startMs);
  });
  const joined: { startMs: number; endMs: number; condition: number }[] = [];
  for (const piece of pieces) {
    const before = joined.at(-1);
    if (before?.endMs === piece.startMs && before.condition === piece.condition) before.endMs = piece.endMs;
    else joined.push({ ...piece });
  }
  return { times: joinedTimes(times), outages: joined };
}

function joinedTimes(times: readonly Interval[]): Interval[] {
  const joined: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of times) {
    const before = joined.at(-1);
    if (before?.toMs === fromMs) before.toMs = toMs;
    else joined.push({ fromMs, toMs });
  }
  return joined;
}

/** A time by the policy that holds in it; before the first segment that one's, after the last that one's. */
function policyRuns(service: readonly Segment[], { fromMs, toMs }: Interval): (Interval & Pick<Segment, 'policy'>)[] {
  return service.flatMap(({ fromMinute, policy }, i) => {
    const next = service[i + 1];
    const from = i === 0 ? fromMs : Math.max(fromMs, fromMinute * MINUTE_MS);
    const to = next === undefined ? toMs : Math.min(toMs, next.fromMinute * MINUTE_MS);
    return from < to ? [{ fromMs: from, toMs: to, policy }] : [];
  });
}
