import { conditionCode } from '../domain/condition.ts';
import type { DatedPlan } from '../domain/plan.ts';
import { type Interval, uncovered } from '../domain/intervals.ts';
import type { OutageInterval } from '../domain/timeline.ts';
import { type BoundName, boundOf, type Predicate, holds } from './predicate.ts';
import type { LimitSay, MeasuredSay } from './measured-say.ts';
import { showDuration } from './quantity.ts';

/** What is known of a VM for a refund check. `null` is: nobody knows. */
export interface RefundFacts {
  vm: string;
  currency: string;
  paidAtMs: number | null;
  paidUntilMs: number | null;
  paidNanos: bigint | null;
  startsAtMs: number | null;
  promotion: boolean;
  /** In order of `fromMs`. */
  plans: readonly DatedPlan[];
  handlingFeeNanos: bigint;
  /** How far its timeline is known; null: no sample of it was ever taken in. */
  meteredToMs: number | null;
  /** In order, causes as incidents restate them, none past the end of service. */
  outages: readonly OutageInterval[];
  /** Time whose silence is on record as nobody's outage: nobody need judge it any more. */
  judged?: readonly Interval[];
  /** Since the payment, of all interfaces. */
  traffic: { rxBytes: bigint; txBytes: bigint } | null;
  /** Not withdrawn ones, also later than the instant of the check. */
  events: readonly RefundEvent[];
  /** The same of all VMs of the account. */
  accountEvents: readonly RefundEvent[];
}

export interface RefundEvent {
  id: string;
  vm: string;
  kind: string;
  atMs: number;
  amountNanos: bigint | null;
}

/** Whether something is so: `unknown` where a fact is missing that decides it. */
export type Truth = 'yes' | 'no' | 'unknown';

export interface Measured {
  truth: Truth;
  measured: string;
  limit: string;
  /** The same in codes: what was measured, and the limit. */
  say: { measured: MeasuredSay; limit: LimitSay };
}

const WORDS: Readonly<Record<BoundName, string>> = {
  at_least: 'at least',
  more_than: 'more than',
  at_most: 'at most',
  less_than: 'less than',
};

/** Measures one condition at an instant. */
export function measure(rule: Predicate, facts: RefundFacts, atMs: number): Measured {
  switch (rule.measure) {
    case 'time_since_payment':
      return elapsed(rule, facts.paidAtMs, atMs, 'payment');
    case 'time_since_start':
      return elapsed(rule, facts.startsAtMs, atMs, 'start of service');
    case 'longest_outage':
      return longestOutage(rule, facts, atMs);
    case 'traffic':
      return traffic(rule, facts);
    case 'events':
      return events(rule, facts, atMs);
    case 'promotion':
      return {
        truth: facts.promotion ? 'yes' : 'no',
        measured: facts.promotion ? 'sold at a promotion' : 'sold at no promotion',
        limit: 'sold at a promotion',
        say: { measured: { code: 'promotion', sold: facts.promotion }, limit: { code: 'promotion' } },
      };
  }
}

function limitText(rule: Predicate, show: (limit: bigint) => string): string {
  const bound = boundOf(rule);
  return bound === undefined ? '' : `${WORDS[bound.name]} ${show(bound.limit)}`;
}

/** The bound and its limit; a checked condition other than `promotion` has one. */
function boundSaid(rule: Predicate): { bound: BoundName; limit: bigint } {
  const { name: bound, limit } = boundOf(rule) ?? { name: 'at_least', limit: 0n };
  return { bound, limit };
}

/** Whether the bound holds; a checked condition other than `promotion` has one. */
function within(rule: Predicate, measured: bigint): boolean {
  const bound = boundOf(rule);
  return bound !== undefined && holds(bound.name, measured, bound.limit);
}

const truthOf = (is: boolean): Truth => (is ? 'yes' : 'no');
const showLimitMs = (limit: bigint): string => showDuration(Number(limit));

function elapsed(rule: Predicate, fromMs: number | null, atMs: number, what: 'payment' | 'start of service'): Measured {
  const limit = limitText(rule, showLimitMs);
  const since = what === 'payment' ? 'payment' : 'start';
  const { bound, limit: limitMs } = boundSaid(rule);
  const said = (measured: MeasuredSay): Measured['say'] => ({ measured, limit: { code: 'time', bound, ms: Number(limitMs) } });
  if (fromMs === null)
    return {
      truth: 'unknown',
      measured: `unknown: no ${what} is recorded`,
      limit,
      say: said({ code: 'not_recorded', what: since }),
    };
  if (atMs < fromMs)
    return {
      truth: 'no',
      measured: `${showDuration(fromMs - atMs)} before the ${what}`,
      limit,
      say: said({ code: 'elapsed', since, ms: fromMs - atMs, before: true }),
    };
  return {
    truth: truthOf(within(rule, BigInt(atMs - fromMs))),
    measured: `${showDuration(atMs - fromMs)} since the ${what}`,
    limit,
    say: said({ code: 'elapsed', since, ms: atMs - fromMs, before: false }),
  };
}

function longestOutage(rule: Extract<Predicate, { measure: 'longest_outage' }>, facts: RefundFacts, atMs: number): Measured {
  const { meteredToMs, paidAtMs } = facts;
  const window = rule.within_of_payment;
  const limit =
    limitText(rule, showLimitMs) + (window === undefined ? '' : `, in the first ${showDuration(window)} after the payment`);
  const { bound, limit: limitMs } = boundSaid(rule);
  const said = (measured: MeasuredSay): Measured['say'] => ({
    measured,
    limit: { code: 'outage', bound, ms: Number(limitMs), within_ms: window ?? null },
  });
  if (meteredToMs === null)
    return {
      truth: 'unknown',
      measured: 'unknown: no sample of this VM was taken in',
      limit,
      say: said({ code: 'not_recorded', what: 'samples' }),
    };
  if (window !== undefined && paidAtMs === null)
    return {
      truth: 'unknown',
      measured: 'unknown: no payment is recorded',
      limit,
      say: said({ code: 'not_recorded', what: 'payment' }),
    };

  const sure = new Set(rule.causes.map(conditionCode));
  const unsure = new Set(rule.unsure?.map(conditionCode));
  const windowEndMs = window === undefined ? atMs : Math.min(atMs, (paidAtMs ?? 0) + window);
  // What surely counts, what may have gone on since the last published minute, what a person has to judge, and the rest.
  let [known, possible, judged, other] = [0, 0, 0, 0];
  // Time that a person has to judge joins the outages beside it: were it the provider's, all would be one.
  let [runFromMs, runToMs] = [0, -1];
  for (const { startMs, endMs, condition } of facts.outages.flatMap((outage) => leftToJudge(outage, unsure, facts.judged))) {
    if (startMs >= windowEndMs || (endMs !== null && endMs <= (paidAtMs ?? 0))) continue;
    const length = Math.max(0, Math.min(endMs ?? meteredToMs, atMs) - startMs);
    if (!sure.has(condition) && !unsure.has(condition)) {
      other = Math.max(other, length);
      continue;
    }
    if (startMs !== runToMs) runFromMs = startMs;
    runToMs = endMs ?? atMs;
    if (sure.has(condition)) {
      known = Math.max(known, length);
      possible = Math.max(possible, endMs === null ? atMs - startMs : length);
    }
    if (unsure.size > 0) judged = Math.max(judged, Math.min(runToMs, atMs) - runFromMs);
  }
  const surely = within(rule, BigInt(known));
  const maybe =
    within(rule, BigInt(Math.max(known, possible))) !== surely || within(rule, BigInt(Math.max(known, judged))) !== surely;
  const notes = [
    ...(judged > Math.max(known, possible)
      ? [`${showDuration(judged)} with ${(rule.unsure ?? []).join(' or ')} time, whose cause a person must judge`]
      : []),
    ...(other > 0 ? [`longest of other causes ${showDuration(other)}`] : []),
  ];
  return {
    truth: maybe ? 'unknown' : truthOf(surely),
    measured: [`longest ${rule.causes.join(' or ')} outage ${showDuration(known)}`, ...notes].join('; '),
    limit,
    say: said({
      code: 'outage',
      causes: [...rule.causes],
      ms: known,
      judged_ms: judged > Math.max(known, possible) ? judged : 0,
      unsure: [...(rule.unsure ?? [])],
      other_ms: other,
    }),
  };
}

/** An outage that a person has to judge, as far as nobody has; any other as it is. */
function leftToJudge(
  outage: OutageInterval,
  unsure: ReadonlySet<number>,
  judged: readonly Interval[] = [],
): readonly OutageInterval[] {
  if (judged.length === 0 || !unsure.has(outage.condition)) return [outage];
  const left = uncovered({ fromMs: outage.startMs, toMs: outage.endMs ?? Infinity }, judged);
  return left.map(({ fromMs, toMs }) => ({ ...outage, startMs: fromMs, endMs: toMs === Infinity ? null : toMs }));
}

function traffic(rule: Extract<Predicate, { measure: 'traffic' }>, facts: RefundFacts): Measured {
  const limit = limitText(rule, (bytes) => `${bytes.toString()} bytes`);
  const { bound, limit: most } = boundSaid(rule);
  const said = (measured: MeasuredSay): Measured['say'] => ({
    measured,
    limit: { code: 'bytes', bound, bytes: most.toString() },
  });
  if (facts.traffic === null)
    return {
      truth: 'unknown',
      measured: 'unknown: no sample of this VM was taken in',
      limit,
      say: said({ code: 'not_recorded', what: 'samples' }),
    };
  const { rxBytes, txBytes } = facts.traffic;
  const counted = { sum: rxBytes + txBytes, in: rxBytes, out: txBytes, max: rxBytes > txBytes ? rxBytes : txBytes };
  const measured = counted[rule.counting];
  const say = said({ code: 'bytes', bytes: measured.toString() });
  return { truth: truthOf(within(rule, measured)), measured: `${measured.toString()} bytes`, limit, say };
}

function events(rule: Extract<Predicate, { measure: 'events' }>, facts: RefundFacts, atMs: number): Measured {
  const what = rule.kinds.join(' or ');
  const limit =
    limitText(rule, (count) => `${count.toString()} ${what}`) + (rule.before_expiry ? ' before the paid time ends' : '');
  const kinds = new Set<string>(rule.kinds);
  const happened = (rule.scope === 'vm' ? facts.events : facts.accountEvents).filter(
    (event) => kinds.has(event.kind) && event.atMs <= atMs,
  );
  const missing =
    rule.before_expiry && facts.paidUntilMs === null
      ? 'until when it is paid'
      : rule.since_payment && facts.paidAtMs === null
        ? 'when it was paid'
        : undefined;
  const counted = happened.filter(
    ({ atMs: at }) =>
      (!rule.before_expiry || at < (facts.paidUntilMs ?? Infinity)) && (!rule.since_payment || at >= (facts.paidAtMs ?? 0)),
  );
  const shown = `${counted.length} ${what} recorded${rule.scope === 'account' ? ' on the account' : ''}`;
  // Where a date is missing, none to all of them may count.
  const open = missing !== undefined && within(rule, BigInt(counted.length)) !== within(rule, 0n);
  const { bound, limit: most } = boundSaid(rule);
  const say: Measured['say'] = {
    measured: {
      code: 'events',
      kinds: [...rule.kinds],
      count: counted.length,
      account: rule.scope === 'account',
      missing: !open ? null : rule.before_expiry && facts.paidUntilMs === null ? 'paid_until' : 'paid_at',
    },
    limit: { code: 'events', bound, count: Number(most), kinds: [...rule.kinds], before_expiry: rule.before_expiry },
  };
  if (open) return { truth: 'unknown', measured: `${shown}; unknown: ${missing}`, limit, say };
  return { truth: truthOf(within(rule, BigInt(counted.length))), measured: shown, limit, say };
}
