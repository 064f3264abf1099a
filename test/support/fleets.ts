/**
 * Many random fleets in one log: each keeps the order of its own samples, its VMs get names of their own, and all are moved in time (by
 * whole minutes) so that the one clock stands where each fleet's own would. One run of the product then tries them all.
 */
import type { Decoder } from '../../src/kernel/decoder.ts';
import { samplesRecord, tickRecord } from '../../src/log/record.ts';
import type { ModelCatalog, ModelOptions, ModelVm } from '../model/fleet.ts';
import { type Fleet, type FleetShape, lineOf, shifted, seededFleet } from '../model/generate.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { MINUTE_MS } from '../../src/verify/model/timeline.ts';
import { without } from '../model/without.ts';
import { MemoryLog, withoutEnds } from './product.ts';
import { type Random, below, pick, randomOf } from './random.ts';

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Clocks to meet at: around midnights and clock changes of the plans' zones. */
const MEETING_MS = ['2026-03-28T23:30:00Z', '2026-03-29T01:30:00Z', '2025-10-26T01:20:00Z', '2026-02-28T16:10:00Z'].map((text) =>
  Date.parse(text),
);

/** Options as installations have them, and some that nobody should. */
export function optionsOf(random: Random): ModelOptions {
  return {
    stalenessMs: pick(random, [90_000, 60_000, 30_000, 45_678, 150_000, 1_000, 59_999, 60_001, HOUR_MS, 600_001]),
    latenessMs: pick(random, [120_000, 0, 61_000, HOUR_MS]),
    clock: pick(random, ['wall', 'wall', 'event']),
    clockMs: null,
    linkLimitBps: pick(random, [100_000_000_000n, 100_000_000_000n, 1_000_000n, 2n ** 60n]),
  };
}

/** @param fleets how many to put together */
export function fleetGroup(seed: number, fleets: number, shape: Partial<FleetShape> = {}): Fleet {
  const random = randomOf(seed);
  const options = shape.options === undefined ? optionsOf(random) : { ...optionsOf(random), ...shape.options };
  const meetingMs = pick(random, MEETING_MS) + below(random, 2) * below(random, MINUTE_MS);
  const ranked: { rank: number; sample: LoggedSample }[] = [];
  const catalog = {
    plans: new Map<string, ModelCatalog['plans'] extends ReadonlyMap<string, infer P> ? P : never>(),
    vms: new Map<string, ModelVm>(),
  };
  for (let i = 0; i < fleets; i++) {
    const gapsMs = i % 8 === 0 ? [HOUR_MS + 1, 3 * HOUR_MS, 2 * DAY_MS + 7] : [];
    const fleet = withoutEnds(seededFleet(seed * 1000 + i, { gapsMs, ...shape, options }));
    const prefix = i % 5 === 4 ? `a-name-that-does-not-fit-into-its-record-${i}.` : `${i}.`;
    const ownClockMs = fleet.options.clockMs ?? meetingMs;
    const shiftMs = Math.floor((meetingMs - ownClockMs) / MINUTE_MS) * MINUTE_MS;
    const start = random() * 0.5;
    const length = (1 - start) * (0.3 + 0.7 * random());
    const places = fleet.log.map(() => start + length * random()).sort((a, b) => a - b);
    // agents that count no traffic tell of states alone: nothing but these says then how far back a late sample reaches
    const statesOnly = i % 3 === 2;
    for (const [at, sample] of fleet.log.entries()) {
      const moved = { ...shifted(sample, shiftMs), vm: prefix + sample.vm };
      ranked.push({ rank: places[at] ?? 1, sample: statesOnly ? withoutCounters(moved) : moved });
    }
    for (const [id, plan] of fleet.catalog.plans) catalog.plans.set(prefix + id, plan);
    for (const [id, vm] of fleet.catalog.vms) {
      // the catalog refuses two plans from one instant
      const dated = new Map(vm.plans.map(({ plan, fromMs }) => [fromMs + shiftMs, prefix + plan]));
      const plans = [...dated].map(([fromMs, plan]) => ({ plan, fromMs }));
      catalog.vms.set(prefix + id, { ...vm, plans });
    }
  }
  ranked.sort((a, b) => a.rank - b.rank);
  return { log: ranked.map(({ sample }) => sample), options: { ...options, clockMs: meetingMs }, catalog };
}

function withoutCounters(sample: LoggedSample): LoggedSample {
  return { ...without(sample, 'saysNoState', 'part'), counters: null };
}

/** Appends samples as the door would, in records of up to `sizeMax` samples of one agent, with ticks before `clockMs` in between. */
export function appendSamples(
  log: MemoryLog,
  decoder: Decoder,
  samples: readonly LoggedSample[],
  random: Random,
  clock: { readonly fromMs: number; readonly untilMs: number } | null,
  sizeMax = 12,
): void {
  let at = 0;
  while (at < samples.length) {
    const agent = samples[at]?.agent ?? '';
    const size = 1 + below(random, sizeMax);
    let until = at;
    while (until < samples.length && until < at + size && samples[until]?.agent === agent) until++;
    const body = Buffer.from(samples.slice(at, until).map(lineOf).join('\n'));
    const decoded = decoder.decode([body], 'ndjson', { nowMs: 8e14, oldestMs: 0, patterns: null });
    if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error('the fleet holds samples that the door refuses');
    log.push(samplesRecord(agent, decoded.accepted, decoded.frames));
    at = until;
    if (clock !== null && random() < 0.05) {
      const reachedMs = clock.fromMs + (clock.untilMs - clock.fromMs) * (at / samples.length);
      log.push(tickRecord(Math.floor(reachedMs), [1]));
    }
  }
}

/** The whole fleet's log, its clock reaching its end with the last record. */
export function groupLog(decoder: Decoder, fleet: Fleet, random: Random, sizeMax = 12): MemoryLog {
  const log = new MemoryLog();
  const { clockMs } = fleet.options;
  const clock =
    clockMs === null ? null : { fromMs: clockMs - pick(random, [MINUTE_MS, 20 * MINUTE_MS, HOUR_MS]), untilMs: clockMs };
  appendSamples(log, decoder, fleet.log, random, clock, sizeMax);
  if (clockMs !== null) log.push(tickRecord(clockMs, []));
  return log;
}
