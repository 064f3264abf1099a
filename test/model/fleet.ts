/**
 * The whole contract of SPEC §§1–4 as one pure function of the log: slow, obviously right, and blind to order except
 * where the contract itself looks at the log (conflicts, and interfaces that disagree on the state at one instant).
 */
import { conditionCode, type Condition } from '../../src/domain/condition.ts';
import { planAt, unitNanos, type ModelPlan } from '../../src/verify/model/credit.ts';
import {
  compareText,
  resolveLog,
  type Conflict,
  type Counts,
  type InForce,
  type LoggedSample,
} from '../../src/verify/model/inforce.ts';
import { MINUTE_MS, minutesOf, outagesOf, type OutageSpan, type VmHistory } from '../../src/verify/model/timeline.ts';
import { trafficOf, type CounterPair, type NicMinute } from '../../src/verify/model/traffic.ts';

export interface ModelOptions {
  /** H. */
  readonly stalenessMs: number;
  readonly latenessMs: number;
  /** event: the clock is the highest ts accepted so far, and `clockMs` is not looked at. */
  readonly clock: 'wall' | 'event';
  /** The last tick of the wall clock; null before the first. */
  readonly clockMs: number | null;
  readonly linkLimitBps: bigint;
}

export interface ModelVm {
  readonly endsAtMs: number | null;
  /** Names of plans in the catalog. */
  readonly plans: readonly { readonly plan: string; readonly fromMs: number }[];
}

/** A VM that the catalog does not know has no end and no plan. */
export interface ModelCatalog {
  readonly plans: ReadonlyMap<string, ModelPlan>;
  readonly vms: ReadonlyMap<string, ModelVm>;
}

/** A minute's row; `partsMs` by condition code. */
export interface UptimeRow {
  readonly vm: string;
  readonly minuteMs: number;
  readonly partsMs: readonly number[];
  readonly unavailable: boolean;
  readonly creditNanos: bigint;
}
export type OutageRow = OutageSpan & { readonly vm: string };
export type TrafficRow = NicMinute & { readonly vm: string };
export type QuarantineRow = CounterPair & { readonly vm: string };

/** Everything the product stores, each list in the order of its key (conflicts in the order of the log). */
export interface FleetResult {
  readonly watermarkMs: number | null;
  readonly counts: Counts;
  readonly inForce: readonly InForce[];
  readonly conflicts: readonly Conflict[];
  /** Every published minute, the wholly silent ones too. */
  readonly uptime: readonly UptimeRow[];
  readonly outages: readonly OutageRow[];
  readonly traffic: readonly TrafficRow[];
  readonly quarantined: readonly QuarantineRow[];
  /** The published part of each VM with rows: [fromMs, toMs), cut at the service's end. */
  readonly published: readonly { readonly vm: string; readonly fromMs: number; readonly toMs: number }[];
}

const EMPTY_CATALOG: ModelCatalog = { plans: new Map(), vms: new Map() };
const CREDITABLE_WITHOUT_PLAN: readonly Condition[] = ['provider'];

/** What must be stored once everything of this log has been applied; the samples come in the order of the log. */
export function runModel(
  log: readonly LoggedSample[],
  options: ModelOptions,
  catalog: ModelCatalog = EMPTY_CATALOG,
): FleetResult {
  const { counts, inForce, conflicts } = resolveLog(log);
  const watermarkMs = watermarkOf(log, options);
  const uptime: UptimeRow[] = [];
  const outages: OutageRow[] = [];
  const traffic: TrafficRow[] = [];
  const quarantined: QuarantineRow[] = [];
  const published: FleetResult['published'][number][] = [];
  for (const vm of [...new Set(inForce.map((sample) => sample.vm))].sort(compareText)) {
    const samples = inForce.filter((sample) => sample.vm === vm);
    const known = catalog.vms.get(vm);
    const history: VmHistory = { samples, stalenessMs: options.stalenessMs, watermarkMs, endsAtMs: known?.endsAtMs ?? null };
    const rows = minutesOf(history).map(({ minuteMs, partsMs }) => {
      const plan = planOf(known, catalog, minuteMs);
      const creditable = plan?.creditable ?? CREDITABLE_WITHOUT_PLAN;
      const unavailable = creditable.some((condition) => (partsMs[conditionCode(condition)] ?? 0) > 0);
      return { vm, minuteMs, partsMs, unavailable, creditNanos: unavailable && plan !== null ? unitNanos(plan, minuteMs) : 0n };
    });
    const vmTraffic = trafficOf(history, options.linkLimitBps);
    uptime.push(...rows);
    outages.push(...outagesOf(history).map((outage) => ({ vm, ...outage })));
    traffic.push(...vmTraffic.minutes.map((minute) => ({ vm, ...minute })));
    quarantined.push(...vmTraffic.quarantined.map((pair) => ({ vm, ...pair })));
    const last = rows.at(-1);
    if (last !== undefined) {
      const fromMs = Math.min(...samples.filter(({ saysNoState }) => saysNoState !== true).map((sample) => sample.tsMs));
      published.push({ vm, fromMs, toMs: Math.min(last.minuteMs + MINUTE_MS, history.endsAtMs ?? Infinity) });
    }
  }
  return { watermarkMs, counts, inForce, conflicts, uptime, outages, traffic, quarantined, published };
}

/** The clock minus the allowed lateness; null while no clock has been seen. */
function watermarkOf(log: readonly LoggedSample[], options: ModelOptions): number | null {
  if (options.clock === 'wall') return options.clockMs === null ? null : options.clockMs - options.latenessMs;
  if (log.length === 0) return null;
  return log.reduce((highest, sample) => Math.max(highest, sample.tsMs), -Infinity) - options.latenessMs;
}

function planOf(vm: ModelVm | undefined, catalog: ModelCatalog, atMs: number): ModelPlan | null {
  const dated = (vm?.plans ?? []).map(({ plan, fromMs }) => {
    const found = catalog.plans.get(plan);
    if (found === undefined) throw new Error(`the catalog has no plan ${plan}`);
    return { plan: found, fromMs };
  });
  return planAt(dated, atMs);
}
