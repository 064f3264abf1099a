/** One VM: the model over its samples, slice by slice, beside what is stored of the same time. */
import { formatInstant } from '../domain/instant.ts';
import type { Agents } from './agents.ts';
import type { AnomalyAnswer, OutageAnswer } from './answers.ts';
import type { StoredMinute, StoredTraffic } from './columns.ts';
import { type Agreed, compareMinute, isWhollySilent } from './credit.ts';
import { compareRow, Disagreed } from './disagreement.ts';
import type { CounterPair } from './model/traffic.ts';
import { floorToMinute, MINUTE_MS, type MinuteParts, type Segment } from './model/timeline.ts';
import { OutageComparison } from './outages.ts';
import type { RowStream } from './reader.ts';
import { type RawSample, VmModel } from './recompute.ts';
import { Runs } from './runs.ts';
import type { Range } from './slices.ts';
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
  /** What is known to be stored: about where, and about how much. */
  readonly firstMs: number;
  readonly lastSampleMs: number;
  readonly rows: number;
  /** Filled with what is seen. */
  readonly agents: Agents;
}

export interface VmTally {
  samples: number;
  conflicts: number;
  minutes: number;
  traffic: number;
  outages: number;
  quarantined: number;
}

/** What is read row by row: there is little of it. */
export interface StoredRows {
  readonly outages: RowStream<OutageAnswer>;
  readonly anomalies: RowStream<AnomalyAnswer>;
}

/** A slice of one VM, each by time. */
export interface VmSlice {
  readonly samples: readonly RawSample[];
  readonly minutes: readonly StoredMinute[];
  readonly uptime: readonly StoredMinute[];
  readonly traffic: readonly StoredTraffic[];
}

export class Look {
  readonly #look: VmLook;
  readonly #agreed: Agreed;
  readonly #stored: StoredRows;
  readonly #recall: () => Promise<readonly RawSample[]>;
  readonly #model: VmModel;
  readonly #runs = new Runs();
  readonly #ledger: TrafficLedger;
  /** Agents that told of it. */
  readonly #seen = new Set<string>();
  readonly #tally: VmTally = { samples: 0, conflicts: 0, minutes: 0, traffic: 0, outages: 0, quarantined: 0 };
  /** The minute of the first sample that is there; null before it. */
  #firstMs: number | null = null;
  #outages: OutageComparison | undefined;
  /** What all of the past says has been asked for, or there is none. */
  #isRecalled: boolean;

  /** @param recall every interface's last samples before the range, however old */
  constructor(look: VmLook, agreed: Agreed, stored: StoredRows, recall: () => Promise<readonly RawSample[]>) {
    this.#look = look;
    this.#agreed = agreed;
    this.#stored = stored;
    this.#recall = recall;
    this.#isRecalled = look.firstMs >= look.fromMs;
    this.#model = new VmModel(look);
    this.#ledger = new TrafficLedger(look.vm);
  }

  /** Takes samples of before the range, of which only what may yet be taken back matters. */
  recall(toMs: number, samples: readonly RawSample[]): void {
    this.#model.traffic(toMs, samples);
  }

  /** Takes what held where the range begins. */
  begin(samples: readonly RawSample[]): void {
    if (samples.length === 0) return;
    this.#model.begin(samples);
    const lastMs = samples.reduce((last, sample) => Math.max(last, sample.tsMs), 0);
    this.#firstMs = floorToMinute(lastMs);
    this.#see(samples);
    const { segments } = this.#model.timeline(this.#firstMs, this.#look.fromMs, [], this.#agreed.endsAtMs);
    this.#runs.add(this.#servedPart(segments));
  }

  /** Takes a slice; they come in order and without holes. Throws `Disagreed`. */
  async take(range: Range, slice: VmSlice): Promise<void> {
    const { endMs } = this.#look;
    const beyondAt = slice.samples.findIndex((sample) => sample.tsMs >= endMs);
    const samples = beyondAt === -1 ? slice.samples : slice.samples.slice(0, beyondAt);
    const toMs = Math.min(range.toMs, endMs);
    if (range.fromMs < toMs) {
      await this.#count(samples);
      const [first] = samples;
      if (first !== undefined) this.#firstMs ??= floorToMinute(first.tsMs);
      // Before the first sample there is nothing; what is stored there is compared with nothing.
      const { segments, minutes, served } = this.#model.timeline(
        Math.max(range.fromMs, this.#firstMs ?? toMs),
        toMs,
        samples,
        this.#agreed.endsAtMs,
      );
      if (this.#firstMs !== null) await this.#outagesFrom().take(this.#runs.add(this.#servedPart(segments)));
      this.#compareMinutes('minutes', slice.minutes, minutes);
      this.#compareMinutes('uptime', slice.uptime, served);
      this.#ledger.store(slice.traffic.filter(({ minuteMs }) => minuteMs < endMs));
      await this.#compareTraffic(toMs, samples);
    }
    if (beyondAt !== -1) await this.takeBeyond(range.toMs, slice.samples.slice(beyondAt));
  }

  /** Whether an increase may begin before the end of the range and end after it. */
  get reachesBeyond(): boolean {
    return this.#model.openSinceMs() < this.#look.endMs;
  }

  /** Samples after the range: their increases reach back into it. Throws `Disagreed`. */
  async takeBeyond(toMs: number, samples: readonly RawSample[]): Promise<void> {
    await this.#count(samples);
    await this.#compareTraffic(toMs, samples);
  }

  /** There is no more. Throws `Disagreed`. */
  async finish(): Promise<VmTally> {
    const outages = this.#outagesFrom();
    const held = this.#runs.last();
    if (held !== null) await outages.take([held]);
    await outages.finish();
    await this.#compareTraffic(Infinity, []);
    this.#ledger.settle(() => true, this.#concerns);
    return { ...this.#tally, traffic: this.#ledger.compared, outages: outages.compared };
  }

  async #count(samples: readonly RawSample[]): Promise<void> {
    this.#tally.samples += samples.length;
    this.#see(samples);
    if (this.#isRecalled || this.#model.knowsChainsOf(samples)) return;
    this.#isRecalled = true;
    this.#model.recall(await this.#recall());
  }

  /** Throws `Disagreed` at a sample that was told otherwise. */
  #see(samples: readonly RawSample[]): void {
    for (const sample of samples) {
      const { agent } = sample;
      if (sample.isAltered === true) throw altered(sample);
      if (this.#seen.has(agent)) continue;
      this.#seen.add(agent);
      this.#look.agents.see(agent, this.#look.vm);
    }
  }

  /** Where comparing begins: of a VM whose oldest samples are gone, the first minute that is left is known in part only. */
  #fromMs(): number {
    const { fromMs, expiredMs } = this.#look;
    return expiredMs === null ? fromMs : Math.max(fromMs, (this.#firstMs ?? Infinity) + MINUTE_MS);
  }

  #outagesFrom(): OutageComparison {
    const { vm, endMs } = this.#look;
    const endsAtMs = this.#agreed.endsAtMs ?? Infinity;
    this.#outages ??= new OutageComparison(vm, this.#stored.outages, {
      fromMs: this.#fromMs(),
      untilMs: Math.min(endMs, endsAtMs),
      ends: endsAtMs <= endMs,
    });
    return this.#outages;
  }

  #servedPart(segments: readonly Segment[]): Segment[] {
    const endsAtMs = this.#agreed.endsAtMs ?? Infinity;
    return segments.filter((each) => each.fromMs < endsAtMs).map((each) => ({ ...each, toMs: Math.min(each.toMs, endsAtMs) }));
  }

  /** Stored minute rows, or the uptime answer, which is made of outages; both sides by time. */
  #compareMinutes(table: 'minutes' | 'uptime', stored: readonly StoredMinute[], recomputed: readonly MinuteParts[]): void {
    const { vm, endMs } = this.#look;
    const fromMs = this.#fromMs();
    const end = { minuteMs: Infinity };
    for (let [i, j] = [0, 0]; i < stored.length || j < recomputed.length;) {
      const atMs = Math.min((stored[i] ?? end).minuteMs, (recomputed[j] ?? end).minuteMs);
      const theirs = stored[i]?.minuteMs === atMs ? stored[i++] : undefined;
      const mine = recomputed[j]?.minuteMs === atMs ? recomputed[j++] : undefined;
      if (atMs < fromMs || atMs >= endMs) continue;
      if (table === 'minutes' && theirs === undefined && mine !== undefined && isWhollySilent(mine)) continue;
      compareMinute({ table, vm, atMs }, theirs, mine, this.#agreed.plans);
      if (table === 'minutes') this.#tally.minutes += 1;
    }
  }

  async #compareTraffic(toMs: number, samples: readonly RawSample[]): Promise<void> {
    const { shares, quarantined } = this.#model.traffic(toMs, samples);
    this.#ledger.recompute(shares);
    this.#ledger.settle((nic, minuteMs) => minuteMs + MINUTE_MS <= this.#model.countedUntilMs(nic), this.#concerns);
    await this.#compareAnomalies(toMs, quarantined);
  }

  async #compareAnomalies(toMs: number, pairs: readonly CounterPair[]): Promise<void> {
    const { vm, endMs } = this.#look;
    const fromMs = this.#fromMs();
    const rows = await this.#stored.anomalies.takeWhile((row) => row.ts < toMs);
    this.#tally.conflicts += rows.filter((row) => row.kind === 'conflict').length;
    if (rows.length === 0 && pairs.length === 0) return;
    const key = (atMs: number, nic: string, host: string | undefined, part: string): string =>
      `${String(atMs).padStart(15, '0')} ${nic} ${host ?? ''} ${part}`;
    const within = (atMs: number, nic: string): boolean => atMs >= fromMs && atMs < endMs && this.#isWhole(nic, atMs);
    const stored = new Map(
      rows
        .filter((row) => row.kind === 'quarantined' && within(row.ts, row.nic))
        .map((row) => [key(row.ts, row.nic, row.b.host, partIn(row.b)), row]),
    );
    const recomputed = new Map(
      pairs
        .filter((pair) => within(pair.b.tsMs, pair.nic))
        .map((pair) => [key(pair.b.tsMs, pair.nic, pair.b.host, pair.b.part ?? 'both'), pair]),
    );
    for (const id of [...new Set([...stored.keys(), ...recomputed.keys()])].sort()) {
      const [row, pair] = [stored.get(id), recomputed.get(id)];
      const place = { table: 'anomalies', vm, nic: pair?.nic ?? row?.nic ?? '', atMs: pair?.b.tsMs ?? row?.ts ?? 0 } as const;
      compareRow(place, row && storedIncrease(row), pair && recomputedIncrease(pair));
      this.#tally.quarantined += 1;
    }
  }

  readonly #concerns = (nic: string, minuteMs: number): boolean => {
    const { endMs } = this.#look;
    const served = minuteMs < (this.#agreed.endsAtMs ?? Infinity);
    return served && minuteMs >= this.#fromMs() && minuteMs < endMs && this.#isWhole(nic, minuteMs);
  };

  /** Whether an interface's samples before an instant are there: where the oldest have expired, an increase may reach back to one of them. */
  #isWhole(nic: string, atMs: number): boolean {
    return this.#look.expiredMs === null || atMs > (this.#model.firstCountersMs.get(nic) ?? Infinity);
  }
}

function altered({ vm, nic, tsMs, agent, host }: RawSample): Disagreed {
  const stored = host === undefined ? agent : `${agent} on ${host}`;
  const recomputed = 'the agent and host that its witness was made of';
  return new Disagreed({ table: 'samples', vm, nic, minute: formatInstant(tsMs), field: 'agent', stored, recomputed });
}

function partIn({ rx_bytes: rx, tx_bytes: tx }: AnomalyAnswer['b']): string {
  return rx === undefined ? 'tx' : tx === undefined ? 'rx' : 'both';
}

type Increase = Readonly<Record<'since' | 'a_rx' | 'a_tx' | 'rx' | 'tx', number | bigint>>;

function storedIncrease({ a, b }: AnomalyAnswer): Increase {
  return { since: (a ?? b).ts, a_rx: a?.rx_bytes ?? 0n, a_tx: a?.tx_bytes ?? 0n, rx: b.rx_bytes ?? 0n, tx: b.tx_bytes ?? 0n };
}

function recomputedIncrease({ a, b }: CounterPair): Increase {
  const since = (a ?? b).tsMs;
  return { since, a_rx: a?.counters.rx ?? 0n, a_tx: a?.counters.tx ?? 0n, rx: b.counters.rx, tx: b.counters.tx };
}
