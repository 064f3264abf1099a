/**
 * Random fleets for property tests: few VMs, much trouble. Instants fall on minute boundaries and on the very edge of
 * staleness, interfaces share instants and disagree, counters sit near 2⁶⁴, and the log comes shuffled, with
 * duplicates and conflicts. Everything shrinks.
 */
import fc from 'fast-check';
import { CAUSES, CONDITIONS, type Condition } from '../../src/domain/condition.ts';
import { disordered, repeatArbitrary, withRepeats } from './disorder.ts';
import type { ModelPlan } from '../../src/verify/model/credit.ts';
import type { ModelCatalog, ModelOptions, ModelVm } from './fleet.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { floorToMinute, MINUTE_MS } from '../../src/verify/model/timeline.ts';

/** What runModel takes: its three arguments. */
export interface Fleet {
  /** In the order of the log. */
  readonly log: readonly LoggedSample[];
  readonly options: ModelOptions;
  readonly catalog: ModelCatalog;
}

export interface FleetShape {
  readonly vmsMax: number;
  /** Instants per VM; each may carry a sample of each interface. */
  readonly instantsMax: number;
  /** Where the timelines begin; by default shortly before midnights and clock changes of the plans' zones. */
  readonly anchorsMs: readonly number[];
  /** Hops that happen now and then besides the usual ones: hours or days without a word. */
  readonly gapsMs: readonly number[];
  /** What is not left to chance: fleets that are to share one log have one set of options. */
  readonly options: Partial<ModelOptions>;
}

/** Local midnights and clock changes that the default timelines run across. */
export const ANCHORS_MS: readonly number[] = [
  '2026-03-28T22:50:00Z', // Berlin: midnight before the day of 23 hours
  '2026-03-29T00:50:00Z', // Berlin: the missing hour
  '2025-10-25T21:55:00Z', // Berlin: midnight before the day of 25 hours
  '2025-11-02T05:50:00Z', // New York: the repeated hour
  '2026-02-28T15:55:00Z', // Taipei: end of the month
  '2026-01-01T00:00:00Z',
].map((text) => Date.parse(text));

export const DEFAULT_SHAPE: FleetShape = { vmsMax: 3, instantsMax: 12, anchorsMs: ANCHORS_MS, gapsMs: [], options: {} };

const COUNTER_MAX = 2n ** 64n - 1n;
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Taipei',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Havana',
];
const NICS = ['', 'eth0', 'net:1'];

/** A random fleet with its options and catalog. */
export function fleetArbitrary(shape: Partial<FleetShape> = {}): fc.Arbitrary<Fleet> {
  const { vmsMax, instantsMax, anchorsMs, gapsMs, options: fixed } = { ...DEFAULT_SHAPE, ...shape };
  return fc
    .record({
      options: optionsArbitrary().map((options) => ({ ...options, ...fixed })),
      anchorMs: fc.constantFrom(...anchorsMs),
      plans: plansArbitrary(),
      walks: fc.array(walkArbitrary(instantsMax, gapsMs), { minLength: 1, maxLength: vmsMax }),
      repeats: fc.array(repeatArbitrary(), { maxLength: 8 }),
      delays: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.array(fc.nat(40), { maxLength: 60 }) },
      ),
      clockAfterMs: fc.oneof(fc.integer({ min: -5 * MINUTE_MS, max: 10 * MINUTE_MS }), fc.constantFrom(0, MINUTE_MS)),
    })
    .map(({ options, anchorMs, plans, walks, repeats, delays, clockAfterMs }) => {
      const vms = new Map<string, ModelVm>();
      const samples: LoggedSample[] = [];
      for (const [index, walk] of walks.entries()) {
        const walked = walkOut(`vm${index}`, walk, anchorMs, options);
        samples.push(...walked.samples);
        if (walk.known) vms.set(`vm${index}`, walked);
      }
      samples.sort((a, b) => a.tsMs - b.tsMs);
      const log = disordered(withRepeats(samples, repeats), delays);
      const lastMs = log.reduce((last, sample) => Math.max(last, sample.tsMs), anchorMs);
      return { log, options: { ...options, clockMs: lastMs + clockAfterMs }, catalog: { plans, vms } };
    });
}

/** The fleet of a seed, for benches and for repeating a failure by hand. */
export function seededFleet(seed: number, shape: Partial<FleetShape> = {}): Fleet {
  const [fleet] = fc.sample(fleetArbitrary(shape), { seed, numRuns: 1 });
  if (fleet === undefined) throw new Error('fast-check gave no fleet');
  return fleet;
}

/** The same sample at another time. */
export function shifted(sample: LoggedSample, ms: number): LoggedSample {
  const started = sample.startedAtMs === undefined ? {} : { startedAtMs: sample.startedAtMs + ms };
  return { ...sample, tsMs: sample.tsMs + ms, ...started };
}

/** A sample as an agent would post it: one line of NDJSON without its newline, every field written out. */
export function lineOf(sample: LoggedSample): string {
  const { vm, nic, tsMs, counters, epoch, condition, startedAtMs, linkMbps, isSum, saysNoState, holdMs, host, part } = sample;
  if (condition === 'silent') throw new Error('silence is not posted');
  const bytes = (half: 'rx' | 'tx'): string =>
    counters === null || (part !== undefined && part !== half) ? '' : `,"${half}_bytes":${counters[half]}`;
  const counted = bytes('rx') + bytes('tx');
  const said = condition === 'up' ? ',"state":"up"' : `,"state":"down","cause":"${condition}"`;
  const state = saysNoState === true ? ',"state":"none"' : said;
  const more = [
    startedAtMs === undefined ? '' : `,"started_at":${startedAtMs}`,
    linkMbps === undefined ? '' : `,"link_mbps":${linkMbps}`,
    isSum === undefined ? '' : ',"sum":true',
    host === undefined ? '' : `,"host":"${host}"`,
    holdMs === undefined ? '' : `,"hold_s":${holdMs / 1000}`,
  ].join('');
  return `{"vm":${JSON.stringify(vm)},"ts":${tsMs},"nic":${JSON.stringify(nic)}${counted},"epoch":${epoch}${state}${more}}`;
}

function optionsArbitrary(): fc.Arbitrary<ModelOptions> {
  return fc.record({
    stalenessMs: fc.constantFrom(90_000, 60_000, 30_000, 45_678, 150_000),
    latenessMs: fc.constantFrom(120_000, 0, 61_000),
    clock: fc.constantFrom('wall' as const, 'event' as const),
    clockMs: fc.constant(null),
    linkLimitBps: fc.constantFrom(100_000_000_000n, 100_000_000_000n, 1_000_000n),
  });
}

function plansArbitrary(): fc.Arbitrary<ReadonlyMap<string, ModelPlan>> {
  const plan = fc.record({
    timeZone: fc.constantFrom(...ZONES),
    price: fc.record({
      amountNanos: fc.oneof(fc.constantFrom(0n, 1n, 300_000_000_000n, 1_234_567_891n), fc.bigInt(0n, 10n ** 13n)),
      per: fc.constantFrom('hour' as const, 'day' as const, 'month' as const),
    }),
    creditable: fc.oneof(
      fc.constant<Condition[]>(['provider']),
      fc.subarray<Condition>(CONDITIONS.filter((condition) => condition !== 'up')),
    ),
  });
  return fc.tuple(plan, plan).map(([a, b]) => new Map([['plan-a', a] as const, ['plan-b', b] as const]));
}

/** One VM: what happens at instants that are given as the hops between them. */
interface Walk {
  /** After the anchor. */
  readonly startMs: number;
  readonly steps: readonly Step[];
  /** Whether the catalog has the VM. */
  readonly known: boolean;
  readonly ends: { readonly instant: number; readonly plusMs: number } | null;
  readonly plans: readonly { readonly plan: string; readonly afterMs: number }[];
}

function walkArbitrary(instantsMax: number, gapsMs: readonly number[]): fc.Arbitrary<Walk> {
  const offset = fc.oneof(fc.constantFrom(0, 1, 59_999, MINUTE_MS, 2 * MINUTE_MS), fc.nat(20 * MINUTE_MS));
  return fc.record({
    startMs: offset,
    steps: fc.array(stepArbitrary(gapsMs), { minLength: 1, maxLength: instantsMax }),
    known: fc.boolean(),
    ends: fc.option(fc.record({ instant: fc.nat(instantsMax), plusMs: fc.oneof(fc.constantFrom(0, 1), offset) })),
    plans: fc.array(fc.record({ plan: fc.constantFrom('plan-a', 'plan-b'), afterMs: offset }), { maxLength: 2 }),
  });
}

/** The samples of a walk by nic and time, and what the catalog says of the VM. */
function walkOut(
  vm: string,
  walk: Walk,
  anchorMs: number,
  options: ModelOptions,
): ModelVm & { readonly samples: LoggedSample[] } {
  const instants: number[] = [];
  let atMs = anchorMs + walk.startMs;
  for (const { hop } of walk.steps) {
    instants.push(atMs);
    atMs =
      hop.kind === 'to_minute'
        ? floorToMinute(atMs) + MINUTE_MS
        : atMs + hop.ms + (hop.kind === 'staleness' ? options.stalenessMs : 0);
  }
  const samples = NICS.flatMap((nic, index) => nicSamples(vm, nic, index, instants, walk.steps, options.linkLimitBps));
  const { ends, plans } = walk;
  return {
    samples,
    endsAtMs: ends === null ? null : (instants[ends.instant % instants.length] ?? atMs) + ends.plusMs,
    // the catalog has no two plans of a VM from one instant
    plans: plans
      .filter(({ afterMs }, i) => plans.findIndex((each) => each.afterMs === afterMs) === i)
      .map(({ plan, afterMs }) => ({ plan, fromMs: anchorMs - 2 * MINUTE_MS + afterMs })),
  };
}

interface Report {
  readonly present: boolean;
  readonly counters:
    'grow' | 'same' | 'to_limit' | 'over_limit' | 'reset' | 'half_reset' | 'small_fall' | 'near_max' | 'back' | 'none';
  readonly bytes: bigint;
  readonly newEpoch: boolean;
  /** What few samples say: see `moreOf`. */
  readonly says: 'usual' | 'started_before' | 'started_between' | 'link' | 'sum' | 'hold' | 'no_state';
  /** Where it is counted. */
  readonly host?: string;
  /** Both counters, or a half. */
  readonly part?: 'rx' | 'tx';
  readonly disagrees: boolean;
}

interface Step {
  /** To the next instant. */
  readonly hop: { readonly kind: 'to_minute' | 'by' | 'staleness'; readonly ms: number };
  readonly condition: Condition;
  readonly otherCondition: Condition;
  readonly agent: string;
  readonly reports: readonly Report[];
}

function stepArbitrary(gapsMs: readonly number[]): fc.Arbitrary<Step> {
  const condition = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Condition>('up') },
    { weight: 2, arbitrary: fc.constantFrom<Condition>(...CAUSES) },
  );
  const by = (ms: number): Step['hop'] => ({ kind: 'by', ms });
  const hop = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(1, 999, 10_000, 30_000, MINUTE_MS, 2 * MINUTE_MS).map(by) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 * MINUTE_MS }).map(by) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(-1, 0, 1, MINUTE_MS, 5 * MINUTE_MS).map((ms): Step['hop'] => ({ kind: 'staleness', ms })),
    },
    { weight: 2, arbitrary: fc.constant<Step['hop']>({ kind: 'to_minute', ms: 0 }) },
    ...(gapsMs.length === 0 ? [] : [{ weight: 1, arbitrary: fc.constantFrom(...gapsMs).map(by) }]),
  );
  return fc.record({
    hop,
    condition,
    otherCondition: condition,
    agent: fc.constantFrom('agent-a', 'agent-b'),
    reports: fc.array(reportArbitrary(), { minLength: NICS.length, maxLength: NICS.length }),
  });
}

/** Halves and hosts are told now and then; one VM's interfaces move between hosts. */
function reportArbitrary(): fc.Arbitrary<Report> {
  const chain = fc.oneof(
    { weight: 5, arbitrary: fc.constant({}) },
    { weight: 4, arbitrary: fc.constantFrom<Pick<Report, 'host' | 'part'>>({ host: 'hv-a' }, { host: 'hv-b' }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Pick<Report, 'host' | 'part'>>({ part: 'rx' }, { part: 'tx' }, { host: 'hv-a', part: 'tx' }),
    },
  );
  return fc.tuple(usualReportArbitrary(), chain).map(([report, of]) => ({ ...report, ...of }));
}

function usualReportArbitrary(): fc.Arbitrary<Report> {
  const rarely = fc.integer({ min: 0, max: 7 }).map((n) => n === 7);
  return fc.record({
    present: fc.integer({ min: 0, max: 2 }).map((n) => n < 2),
    counters: fc.oneof(
      { weight: 8, arbitrary: fc.constant('grow' as const) },
      {
        weight: 7,
        arbitrary: fc.constantFrom(
          ...(['same', 'to_limit', 'over_limit', 'over_limit', 'reset', 'half_reset', 'small_fall', 'near_max', 'none'] as const),
          ...(['back', 'back'] as const),
        ),
      },
    ),
    bytes: fc.oneof(
      fc.bigInt(0n, 1_000_000_000n),
      fc.bigInt(0n, 100n),
      fc.constantFrom(1n, 7n, 59_999n, 2n ** 31n, 2n ** 53n + 1n),
    ),
    newEpoch: rarely,
    says: fc.oneof(
      { weight: 12, arbitrary: fc.constant('usual' as const) },
      { weight: 4, arbitrary: fc.constantFrom(...(['started_before', 'started_between', 'link', 'sum'] as const)) },
      { weight: 3, arbitrary: fc.constantFrom(...(['hold', 'no_state', 'no_state'] as const)) },
    ),
    disagrees: rarely,
  });
}

/** One interface's samples at the VM's instants; the first interface reports at the first instant, so no VM is empty. */
function nicSamples(
  vm: string,
  nic: string,
  index: number,
  instants: readonly number[],
  steps: readonly Step[],
  linkLimitBps: bigint,
): LoggedSample[] {
  const samples: LoggedSample[] = [];
  const chains = new Map<string, Walked>();
  let epoch = 0;
  for (const [at, step] of steps.entries()) {
    const report = step.reports[index];
    const tsMs = instants[at];
    if (report === undefined || tsMs === undefined) continue;
    if (!report.present && !(index === 0 && at === 0)) continue;
    if (report.newEpoch) epoch = (epoch + 4_294_967_295) % 4_294_967_296;
    const { host, part } = report;
    const key = `${host ?? ''} ${part ?? ''}`;
    const chain = chains.get(key) ?? {
      ...{ rx: 0n, tx: 0n, low: { rx: 0n, tx: 0n } },
      countedMs: 0,
      beforeMs: Math.max(0, ...[...chains.values()].map((each) => each.countedMs)),
    };
    chains.set(key, chain);
    if (report.counters !== 'none') {
      const limitBytes = (linkLimitBps * BigInt(tsMs - (chain.countedMs || tsMs))) / 8000n;
      const { rx, tx, low } = chain;
      if (report.counters === 'over_limit' || report.counters === 'near_max') chain.low = { rx, tx };
      [chain.rx, chain.tx] = nextCounters(report, rx, tx, limitBytes, low);
      chain.countedMs = tsMs;
    }
    const { rx, tx, beforeMs } = chain;
    const counters = report.counters === 'none' ? null : { rx: part === 'tx' ? 0n : rx, tx: part === 'rx' ? 0n : tx };
    const of = { ...(host === undefined ? {} : { host }), ...(part === undefined || counters === null ? {} : { part }) };
    const condition = report.disagrees ? step.otherCondition : step.condition;
    samples.push({
      vm,
      nic,
      tsMs,
      counters,
      epoch,
      condition,
      agent: step.agent,
      ...of,
      ...(counters === null && report.says === 'no_state' ? {} : moreOf(report, tsMs, beforeMs)),
    });
    chain.beforeMs = chain.countedMs;
  }
  return samples;
}

/** @param beforeMs the sample with counters before the last one, or 0 */
function moreOf({ says, bytes }: Report, tsMs: number, beforeMs: number): Partial<LoggedSample> {
  switch (says) {
    case 'usual':
      return {};
    case 'started_before':
      return { startedAtMs: (beforeMs || tsMs) - 1 };
    case 'started_between':
      return { startedAtMs: Math.max(beforeMs, tsMs - 1 - Number(bytes % 100_000n)) };
    case 'link':
      return { linkMbps: 1 + Number(bytes % 1_000n) };
    case 'sum':
      return { isSum: true };
    case 'hold':
      return { holdMs: 1000 * (1 + Number(bytes % 3n === 0n ? bytes % 3600n : bytes % 200n)) };
    case 'no_state':
      return { saysNoState: true, condition: 'up' };
  }
}

/** A chain on its way. */
interface Walked {
  rx: bigint;
  tx: bigint;
  /** What the counters were before they jumped last. */
  low: { readonly rx: bigint; readonly tx: bigint };
  countedMs: number;
  beforeMs: number;
}

function nextCounters(
  { counters, bytes }: Report,
  rx: bigint,
  tx: bigint,
  limitBytes: bigint,
  low: Walked['low'],
): [bigint, bigint] {
  // Past 2⁶⁴ a counter starts again from zero, as hardware does.
  const wrap = (value: bigint): bigint => value & COUNTER_MAX;
  switch (counters) {
    case 'grow':
      return [wrap(rx + bytes), wrap(tx + bytes / 3n)];
    case 'to_limit':
      return [wrap(rx + limitBytes), wrap(tx + bytes)];
    case 'over_limit':
      return [wrap(rx + bytes), wrap(tx + limitBytes + 1n)];
    case 'reset':
      return [bytes, bytes / 2n];
    case 'half_reset':
      return [wrap(rx + bytes), bytes / 2n];
    case 'small_fall':
      return [rx - rx / 3n, wrap(tx + bytes)];
    case 'back':
      return [wrap(low.rx + (bytes % 1000n)), wrap(low.tx + (bytes % 7n))];
    case 'near_max':
      return [COUNTER_MAX - bytes, COUNTER_MAX - (bytes >> 1n)];
    case 'same':
    case 'none':
      return [rx, tx];
  }
}
