/** One look at some VMs: the raw samples of each through the model, beside everything that is stored of it. */
import { z } from 'zod';
import type { CounterPair } from './model/traffic.ts';
import { floorToMinute, MINUTE_MS, type MinuteParts, type Segment } from './model/timeline.ts';
import { INSTANT_MS_END } from '../domain/instant.ts';
import { anomalyAnswer, minuteAnswer, outageAnswer, sampleAnswer, trafficAnswer } from './answers.ts';
import { type Agreed, agreedFor, type KnownPlans, isWhollySilent, recomputedMinute, storedMinute } from './credit.ts';
import { compareRow, Disagreed, type Disagreement } from './disagreement.ts';
import { OutageComparison } from './outages.ts';
import { type Reader, RowStream, VmStreams } from './reader.ts';
import { type RawSample, rawSample, VmModel, WINDOW_MS } from './recompute.ts';
import { Runs } from './runs.ts';
import { TrafficLedger } from './traffic-ledger.ts';

export interface VmLook {
  readonly vm: string;
  /** Rows that begin in [fromMs, endMs), whole minutes, are compared; the samples of all of it are there and settled. */
  readonly fromMs: number;
  readonly endMs: number;
  /** Samples before it may have expired; null: none has. */
  readonly expiredMs: number | null;
  /** Whether samples and conflicts are counted to the last. */
  readonly countAll: boolean;
  readonly stalenessMs: number;
  readonly linkLimitBps: bigint;
  /** Filled with what is seen. */
  readonly agents: Agents;
}

/** Agents that samples were seen of, each with a VM that it told of. */
export type Agents = Map<string, string>;

export interface VmTally {
  samples: number;
  conflicts: number;
  minutes: number;
  traffic: number;
  outages: number;
  quarantined: number;
}

const WHOLE = { from: 0, to: INSTANT_MS_END - 1 } as const;

/**
 * Compares everything of VMs, which come by name: what was seen of each, or the first row that is not as recomputed. Their rows are
 * read in one answer as far as they fit, so that VMs with few rows cost few requests; one page of each table is held at a time.
 */
export async function lookAtVms<T extends VmLook>(
  reader: Reader,
  looks: readonly T[],
  onVm: (vm: string) => void,
): Promise<{ look: T; found: VmTally | Disagreement }[]> {
  const tables = tablesOf(reader, looks);
  const plans: KnownPlans = new Map();
  const all: { look: T; found: VmTally | Disagreement }[] = [];
  for (const look of looks) {
    onVm(look.vm);
    all.push({ look, found: await foundOf(reader, tables, plans, look) });
  }
  return all;
}

/** The same of one VM. */
export function lookAtVm(reader: Reader, look: VmLook): Promise<VmTally | Disagreement> {
  return foundOf(reader, tablesOf(reader, [look]), new Map(), look);
}

async function foundOf(reader: Reader, tables: Tables, plans: KnownPlans, look: VmLook): Promise<VmTally | Disagreement> {
  try {
    return await compared(tables, look, await agreedFor(reader, look.vm, plans));
  } catch (error) {
    if (error instanceof Disagreed) return error.what;
    throw error;
  }
}

type Tables = ReturnType<typeof tablesOf>;
const named = { vm: z.string() };

/** Everything that is stored of the VMs; of rows and outages what any of the looks wants. */
function tablesOf(reader: Reader, looks: readonly VmLook[]) {
  const vms = looks.map((look) => look.vm).join(',');
  const from = Math.min(...looks.map((look) => look.fromMs));
  const to = Math.max(...looks.map((look) => look.endMs));
  const samplesFrom = Math.min(...looks.map((look) => look.expiredMs ?? WHOLE.from));
  const rows = <T extends { vm: string }>(
    table: string,
    range: { from: number; to: number },
    shape: z.ZodType<T>,
  ): VmStreams<T> =>
    new VmStreams(range.from < range.to ? reader.rows(`v1/evidence/${table}`, { vms, ...range }, shape) : RowStream.empty<T>());
  return {
    samples: rows('samples', { ...WHOLE, from: samplesFrom }, sampleAnswer),
    minutes: rows('minutes', { from, to }, minuteAnswer.extend(named)),
    uptime: rows('uptime', { from, to }, minuteAnswer.extend(named)),
    traffic: rows('traffic', { from, to }, trafficAnswer.extend(named)),
    outages: rows('outages', { from, to }, outageAnswer.extend(named)),
    anomalies: rows('anomalies', WHOLE, anomalyAnswer.extend(named)),
  };
}

async function compared(tables: Tables, look: VmLook, agreed: Agreed): Promise<VmTally> {
  const { vm, expiredMs, endMs } = look;
  const samples = tables.samples.of(vm, (row) => row.ts >= (expiredMs ?? WHOLE.from));
  const first = await samples.peek();
  const firstMs = first === undefined ? endMs : floorToMinute(first.ts);
  // Of a VM whose oldest samples are gone, the first minute that is left is known in part only.
  const fromMs = Math.max(look.fromMs, expiredMs === null ? 0 : firstMs + MINUTE_MS);
  return new Look(tables, { ...look, fromMs }, agreed).run(samples, firstMs);
}

class Look {
  readonly #look: VmLook;
  readonly #agreed: Agreed;
  readonly #model: VmModel;
  readonly #runs = new Runs();
  readonly #ledger: TrafficLedger;
  readonly #outages: OutageComparison;
  readonly #minutes: ReturnType<Tables['minutes']['of']>;
  readonly #uptime: ReturnType<Tables['uptime']['of']>;
  readonly #traffic: ReturnType<Tables['traffic']['of']>;
  readonly #anomalies: ReturnType<Tables['anomalies']['of']>;
  readonly #tally: VmTally = { samples: 0, conflicts: 0, minutes: 0, traffic: 0, outages: 0, quarantined: 0 };

  constructor(tables: Tables, look: VmLook, agreed: Agreed) {
    const { vm, fromMs, endMs } = look;
    const within = ({ start }: { start: number }): boolean => start >= fromMs && start < endMs;
    const all = (): boolean => true;
    this.#look = look;
    this.#agreed = agreed;
    this.#model = new VmModel(look);
    this.#ledger = new TrafficLedger(vm);
    this.#minutes = tables.minutes.of(vm, within);
    this.#uptime = tables.uptime.of(vm, within);
    this.#traffic = tables.traffic.of(vm, within);
    this.#anomalies = tables.anomalies.of(vm, all);
    const endsAtMs = agreed.endsAtMs ?? Infinity;
    this.#outages = new OutageComparison(vm, tables.outages.of(vm, all), {
      fromMs,
      untilMs: Math.min(endMs, endsAtMs),
      ends: endsAtMs <= endMs,
    });
  }

  async run(samples: RowStream<Parameters<typeof rawSample>[0]>, firstMs: number): Promise<VmTally> {
    const { endMs, fromMs } = this.#look;
    // Before the first sample there is nothing; what is stored there would be compared with nothing.
    if (fromMs < firstMs) await this.#compareMinutes(firstMs, [], []);
    for (let atMs = firstMs; atMs < endMs;) {
      const toMs = Math.min(atMs + WINDOW_MS, endMs);
      const window = await this.#take(samples, toMs);
      const { segments, minutes, served } = this.#model.timeline(atMs, toMs, window, this.#agreed.endsAtMs);
      await this.#outages.take(this.#runs.add(this.#servedPart(segments)));
      await this.#compareMinutes(toMs, minutes, served);
      await this.#compareTraffic(toMs, window);
      atMs = toMs;
    }
    const held = this.#runs.last();
    if (held !== null) await this.#outages.take([held]);
    await this.#outages.finish();
    // Increases that end after the range reach back into it.
    for (let next = await samples.peek(); next !== undefined; next = await samples.peek()) {
      if (!this.#look.countAll && this.#model.openSinceMs() >= endMs) break;
      const toMs = floorToMinute(next.ts) + WINDOW_MS;
      await this.#compareTraffic(toMs, await this.#take(samples, toMs));
    }
    await this.#compareTraffic(Infinity, []);
    this.#ledger.settle(() => true, this.#concerns);
    return { ...this.#tally, traffic: this.#ledger.compared, outages: this.#outages.compared };
  }

  async #take(samples: RowStream<Parameters<typeof rawSample>[0]>, toMs: number): Promise<RawSample[]> {
    const rows = await samples.takeWhile((row) => row.ts < toMs);
    this.#tally.samples += rows.length;
    for (const { agent } of rows) if (!this.#look.agents.has(agent)) this.#look.agents.set(agent, this.#look.vm);
    return rows.map(rawSample);
  }

  #servedPart(segments: readonly Segment[]): Segment[] {
    const endsAtMs = this.#agreed.endsAtMs ?? Infinity;
    return segments.filter((each) => each.fromMs < endsAtMs).map((each) => ({ ...each, toMs: Math.min(each.toMs, endsAtMs) }));
  }

  /** Stored minute rows, and the uptime answer, which is made of outages. */
  async #compareMinutes(toMs: number, minutes: readonly MinuteParts[], served: readonly MinuteParts[]): Promise<void> {
    const { vm, fromMs } = this.#look;
    for (const [table, stream, parts] of [
      ['minutes', this.#minutes, minutes],
      ['uptime', this.#uptime, served],
    ] as const) {
      const stored = new Map((await stream.takeWhile((row) => row.start < toMs)).map((row) => [row.start, row]));
      const recomputed = new Map(parts.map((row) => [row.minuteMs, row]));
      for (const atMs of [...new Set([...stored.keys(), ...recomputed.keys()])].sort((a, b) => a - b)) {
        if (atMs < fromMs) continue;
        const mine = recomputed.get(atMs);
        const theirs = stored.get(atMs);
        if (table === 'minutes' && theirs === undefined && mine !== undefined && isWhollySilent(mine)) continue;
        compareRow(
          { table, vm, atMs },
          theirs === undefined ? undefined : storedMinute(theirs),
          mine === undefined ? undefined : recomputedMinute(mine, this.#agreed.plans),
        );
        if (table === 'minutes') this.#tally.minutes += 1;
      }
    }
  }

  async #compareTraffic(toMs: number, window: readonly RawSample[]): Promise<void> {
    const { shares, quarantined } = this.#model.traffic(toMs, window);
    this.#ledger.recompute(shares);
    this.#ledger.store(await this.#traffic.takeWhile((row) => row.start < toMs));
    this.#ledger.settle((nic, minuteMs) => minuteMs + MINUTE_MS <= this.#model.countedUntilMs(nic), this.#concerns);
    await this.#compareAnomalies(toMs, quarantined);
  }

  async #compareAnomalies(toMs: number, pairs: readonly CounterPair[]): Promise<void> {
    const { vm, fromMs, endMs } = this.#look;
    const rows = await this.#anomalies.takeWhile((row) => row.ts < toMs);
    this.#tally.conflicts += rows.filter((row) => row.kind === 'conflict').length;
    const key = (atMs: number, nic: string): string => `${String(atMs).padStart(15, '0')} ${nic}`;
    const within = (atMs: number, nic: string): boolean => atMs >= fromMs && atMs < endMs && this.#isWhole(nic, atMs);
    const stored = new Map(
      rows.filter((row) => row.kind === 'quarantined' && within(row.ts, row.nic)).map((row) => [key(row.ts, row.nic), row]),
    );
    const recomputed = new Map(
      pairs.filter((pair) => within(pair.b.tsMs, pair.nic)).map((pair) => [key(pair.b.tsMs, pair.nic), pair]),
    );
    for (const id of [...new Set([...stored.keys(), ...recomputed.keys()])].sort()) {
      const row = stored.get(id);
      const pair = recomputed.get(id);
      const place = { table: 'anomalies', vm, nic: pair?.nic ?? row?.nic ?? '', atMs: pair?.b.tsMs ?? row?.ts ?? 0 } as const;
      compareRow(
        place,
        row && {
          since: row.a.ts,
          a_rx: row.a.rx_bytes ?? 0n,
          a_tx: row.a.tx_bytes ?? 0n,
          rx: row.b.rx_bytes ?? 0n,
          tx: row.b.tx_bytes ?? 0n,
        },
        pair && {
          since: (pair.a ?? pair.b).tsMs,
          a_rx: pair.a?.counters.rx ?? 0n,
          a_tx: pair.a?.counters.tx ?? 0n,
          rx: pair.b.counters.rx,
          tx: pair.b.counters.tx,
        },
      );
      this.#tally.quarantined += 1;
    }
  }

  readonly #concerns = (nic: string, minuteMs: number): boolean => {
    const { fromMs, endMs } = this.#look;
    const served = minuteMs < (this.#agreed.endsAtMs ?? Infinity);
    return served && minuteMs >= fromMs && minuteMs < endMs && this.#isWhole(nic, minuteMs);
  };

  /** Whether an interface's samples before an instant are there: where the oldest have expired, an increase may reach back to one of them. */
  #isWhole(nic: string, atMs: number): boolean {
    return this.#look.expiredMs === null || atMs > (this.#model.firstCountersMs.get(nic) ?? Infinity);
  }
}
