/** One look at one VM: its raw samples through the model, beside everything that is stored of it. */
import type { CounterPair } from '../../test/model/traffic.ts';
import { floorToMinute, MINUTE_MS, type MinuteParts, type Segment } from '../../test/model/timeline.ts';
import { INSTANT_MS_END } from '../domain/instant.ts';
import {
  type AnomalyAnswer,
  anomalyAnswer,
  type MinuteAnswer,
  minuteAnswer,
  outageAnswer,
  sampleAnswer,
  trafficAnswer,
} from './answers.ts';
import { type Agreed, agreedFor, isWhollySilent, recomputedMinute, storedMinute } from './credit.ts';
import { compareRow } from './disagreement.ts';
import { OutageComparison } from './outages.ts';
import { type Reader, RowStream } from './reader.ts';
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
}

export interface VmTally {
  samples: number;
  conflicts: number;
  minutes: number;
  traffic: number;
  outages: number;
  quarantined: number;
}

const WHOLE = { from: 0, to: INSTANT_MS_END - 1 } as const;

/** Compares everything of a VM; returns what was seen. Throws `Disagreed` at the first row that is not as recomputed. */
export async function lookAtVm(reader: Reader, look: VmLook): Promise<VmTally> {
  const path = `v1/vms/${encodeURIComponent(look.vm)}`;
  const samplesFrom = look.expiredMs ?? WHOLE.from;
  const samples = reader.rows(`${path}/samples`, { from: samplesFrom, to: WHOLE.to }, sampleAnswer);
  const first = await samples.peek();
  const firstMs = first === undefined ? look.endMs : floorToMinute(first.ts);
  // Of a VM whose oldest samples are gone, the first minute that is left is known in part only.
  const fromMs = Math.max(look.fromMs, look.expiredMs === null ? 0 : firstMs + MINUTE_MS);
  return new Look(reader, path, { ...look, fromMs }, await agreedFor(reader, look.vm)).run(samples, firstMs);
}

class Look {
  readonly #look: VmLook;
  readonly #agreed: Agreed;
  readonly #model: VmModel;
  readonly #runs = new Runs();
  readonly #ledger: TrafficLedger;
  readonly #outages: OutageComparison;
  readonly #minutes: RowStream<MinuteAnswer>;
  readonly #uptime: RowStream<MinuteAnswer>;
  readonly #traffic: RowStream<{ start: number; nic: string; rx_bytes: bigint; tx_bytes: bigint }>;
  readonly #anomalies: RowStream<AnomalyAnswer>;
  readonly #tally: VmTally = { samples: 0, conflicts: 0, minutes: 0, traffic: 0, outages: 0, quarantined: 0 };

  constructor(reader: Reader, path: string, look: VmLook, agreed: Agreed) {
    const range = { from: look.fromMs, to: look.endMs };
    const some = look.fromMs < look.endMs;
    const stepped = { ...range, step: 'minute' };
    this.#look = look;
    this.#agreed = agreed;
    this.#model = new VmModel(look);
    this.#ledger = new TrafficLedger(look.vm);
    this.#minutes = some ? reader.rows(`${path}/minutes`, range, minuteAnswer) : RowStream.empty();
    this.#uptime = some ? reader.rows(`${path}/uptime`, { ...stepped, incidents: 'raw' }, minuteAnswer) : RowStream.empty();
    this.#traffic = some ? reader.rows(`${path}/traffic`, { ...stepped, by: 'nic' }, trafficAnswer) : RowStream.empty();
    this.#anomalies = reader.rows('v1/anomalies', { ...WHOLE, vm: look.vm }, anomalyAnswer);
    const endsAtMs = agreed.endsAtMs ?? Infinity;
    this.#outages = new OutageComparison(
      look.vm,
      some ? reader.rows(`${path}/outages`, range, outageAnswer) : RowStream.empty(),
      { fromMs: look.fromMs, untilMs: Math.min(look.endMs, endsAtMs), ends: endsAtMs <= look.endMs },
    );
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
          since: pair.a.tsMs,
          a_rx: pair.a.counters.rx,
          a_tx: pair.a.counters.tx,
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
