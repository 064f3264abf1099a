/** Runs a fleet's log through the real decoder, aggregator and ClickHouse, and reads back what is stored, in the model's terms. */
import { insertEntries } from '../../src/journal/append.ts';
import { Aggregator } from '../../src/aggregate/aggregator.ts';
import { WholeLog } from '../../src/aggregate/embedded/whole-log.ts';
import type { CheckpointFolder } from '../../src/aggregate/checkpoint.ts';
import type { SliceBounds } from '../../src/aggregate/repair-context.ts';
import { CONDITIONS } from '../../src/domain/condition.ts';
import type { Decoder } from '../../src/kernel/decoder.ts';
import type { LogReader, LogRecord } from '../../src/log/log.ts';
import { catalogRecord, samplesRecord, tickRecord } from '../../src/log/record.ts';
import type { Store } from '../../src/store/store.ts';
import type { ModelPlan } from '../../src/verify/model/credit.ts';
import type { ModelCatalog, ModelOptions } from '../model/fleet.ts';
import { type Fleet, lineOf } from '../model/generate.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';

/** A log in memory: append with `push`, give up the beginning with `trim`. */
export class MemoryLog implements LogReader {
  readonly records: LogRecord[] = [];
  #first = 0;

  push(payload: Uint8Array): void {
    this.records.push({ seq: this.records.length, payload });
  }
  trim(beforeSeq: number): void {
    this.#first = beforeSeq;
  }
  read(fromSeq: number, bytesMax: number, recordsMax: number): LogRecord[] {
    if (fromSeq < this.#first) throw new Error(`record ${fromSeq} was trimmed`);
    const out: LogRecord[] = [];
    let bytes = 0;
    for (const record of this.records.slice(fromSeq, Math.min(fromSeq + recordsMax, this.limit))) {
      bytes += record.payload.length;
      if (out.length > 0 && bytes > bytesMax) break;
      out.push(record);
    }
    return out;
  }
  /** How far a reader sees: tests end steps where they like. */
  limit = Infinity;
  get firstSeq(): number | null {
    return this.#first < this.records.length ? this.#first : null;
  }
  headSeq(): number {
    return this.records.length;
  }
  close(): void {
    this.limit = 0;
  }
}

/** Checkpoints in memory. */
export function memoryCheckpoints(): CheckpointFolder & { readonly states: Map<number, Uint8Array> } {
  const states = new Map<number, Uint8Array>();
  const list = (): number[] => [...states.keys()].sort((a, b) => b - a);
  return {
    states,
    list,
    read: (seq) => states.get(seq),
    write: (seq, state) => {
      states.set(seq, state);
      for (const old of list().slice(2)) states.delete(old);
      return Promise.resolve(list().at(-1) ?? seq);
    },
  };
}

/** The log that a door would have written: consecutive samples of one agent share a record, of at most `sizes` samples in turn. */
export function logOf(
  decoder: Decoder,
  samples: readonly LoggedSample[],
  sizes: readonly number[],
  options: ModelOptions,
): MemoryLog {
  const log = new MemoryLog();
  let at = 0;
  let turn = 0;
  while (at < samples.length) {
    const agent = samples[at]?.agent ?? '';
    const size = Math.max(1, sizes[turn++ % sizes.length] ?? 1);
    const batch: LoggedSample[] = [];
    for (const sample of samples.slice(at, at + size)) {
      if (sample.agent !== agent) break;
      batch.push(sample);
    }
    at += batch.length;
    const body = Buffer.from(batch.map(lineOf).join('\n'));
    const decoded = decoder.decode([body], 'ndjson', { nowMs: 8e14, oldestMs: 0, patterns: null });
    if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error('the fleet holds samples that the door refuses');
    log.push(samplesRecord(agent, decoded.accepted, decoded.frames));
    // a clock that is behind the last tick: time passes while samples come in
    if (options.clockMs !== null && turn % 3 === 0) log.push(tickRecord(options.clockMs - 600_000 + turn, []));
  }
  if (options.clockMs !== null) log.push(tickRecord(options.clockMs, []));
  return log;
}

export const TABLES_OF_ROWS = [
  'samples',
  'uptime',
  'traffic',
  'outages',
  'anomalies',
  'catalog',
  'progress',
  'repairs',
  'names_forgotten',
  'forgettings',
] as const;

export async function emptyStore(store: Store): Promise<void> {
  for (const table of TABLES_OF_ROWS) await store.command(`TRUNCATE TABLE ${table}`);
}

export function planJson(plan: ModelPlan): string {
  const nanos = plan.price.amountNanos.toString().padStart(10, '0');
  const amount = `${nanos.slice(0, -9)}.${nanos.slice(-9)}`;
  return JSON.stringify({
    currency: 'CNY',
    time_zone: plan.timeZone,
    price: { amount, per: plan.price.per },
    creditable: plan.creditable,
  });
}

/** Writes the model's catalog as entries; returns the last sequence number. */
export async function storeCatalog(store: Store, catalog: ModelCatalog, firstSeq = 1n): Promise<bigint> {
  let seq = firstSeq;
  const put = async (kind: 'plan' | 'vm', id: string, body: string): Promise<void> => {
    await insertEntries(store, [{ kind, id, seq: seq++, recordedAtMs: 0, recordedBy: 'test', body }]);
  };
  for (const [id, plan] of catalog.plans) await put('plan', id, planJson(plan));
  for (const [id, vm] of catalog.vms) {
    const plans = vm.plans.map((each) => ({ plan: each.plan, from: each.fromMs }));
    await put('vm', id, JSON.stringify({ account: 'a', plans }));
  }
  return seq - 1n;
}

export function markCatalog(log: MemoryLog, seq: bigint): void {
  log.push(catalogRecord(seq));
}

export interface AggregatorSetup {
  readonly store: Store;
  readonly log: MemoryLog;
  readonly checkpoints: CheckpointFolder;
  readonly options: ModelOptions;
  readonly slice?: SliceBounds | undefined;
  readonly minutesAStep?: number | undefined;
}

export async function startAggregator(setup: AggregatorSetup): Promise<Aggregator> {
  const { options } = setup;
  const aggregator = new Aggregator({
    store: setup.store,
    log: setup.log,
    scope: new WholeLog({ store: setup.store, log: setup.log }),
    checkpoints: setup.checkpoints,
    constants: {
      stalenessMs: options.stalenessMs,
      latenessMs: options.latenessMs,
      linkLimitBps: options.linkLimitBps,
      clock: options.clock,
    },
    vmsMax: 4000,
    nicsMax: 64_000,
    faults: { at: () => undefined },
    ...(setup.slice === undefined ? {} : { slice: setup.slice }),
    ...(setup.minutesAStep === undefined ? {} : { minutesAStep: setup.minutesAStep }),
  });
  await aggregator.recover();
  return aggregator;
}

/** Everything stored, as text lines that sort and compare. */
export interface StoredRows {
  readonly uptime: string[];
  readonly traffic: string[];
  readonly outages: string[];
  readonly quarantined: string[];
  readonly conflicts: number;
  readonly samples: number;
}

export async function readStored(store: Store): Promise<StoredRows> {
  const uptime = await store.rows<{ vm: string; at: string; parts: number[]; unavailable: number; credit: string }>(
    `SELECT vm, toUInt32(minute) AS at, argMax([up_ms, provider_ms, third_party_ms, maintenance_ms, force_majeure_ms, attack_ms, customer_ms, arrears_ms, silent_ms], version) AS parts,
            argMax(unavailable, version) AS unavailable, argMax(credit_nanos, version) AS credit
     FROM uptime GROUP BY vm, minute HAVING arraySum(parts) > 0`,
  );
  const traffic = await store.rows<{ vm: string; nic: string; at: string; bytes: [string, string] }>(
    `SELECT vm, nic, at, (sum(toUInt128(chain.1)), sum(toUInt128(chain.2))) AS bytes FROM
       (SELECT vm, nic, toUInt32(minute) AS at, argMax((rx_bytes, tx_bytes), version) AS chain FROM traffic GROUP BY vm, nic, host, part, minute)
     GROUP BY vm, nic, at HAVING bytes.1 > 0 OR bytes.2 > 0`,
  );
  const outages = await store.rows<{ vm: string; start: string; end: string; cond: number }>(
    `SELECT vm, toUnixTimestamp64Milli(start_at) AS start, toUnixTimestamp64Milli(argMax(end_at, version)) AS end, argMax(condition, version) AS cond
     FROM outages GROUP BY vm, start_at HAVING argMax(withdrawn, version) = 0`,
  );
  const anomalies = await store.rows<{
    vm: string;
    nic: string;
    host: string;
    part: number;
    at: string;
    kind: number;
    a: string;
    rx: string;
    tx: string;
  }>(
    `SELECT vm, nic, host, part, toUnixTimestamp64Milli(ts) AS at, kind, toUnixTimestamp64Milli(argMax(a_ts, version)) AS a,
            argMax(b_rx_bytes, version) AS rx, argMax(b_tx_bytes, version) AS tx
     FROM anomalies GROUP BY vm, nic, host, part, ts, kind, pos HAVING argMax(withdrawn, version) = 0`,
  );
  const [samples] = await store.rows<{ n: string }>(
    'SELECT count() AS n FROM (SELECT DISTINCT vm, nic, host, part, ts FROM samples)',
  );
  return {
    uptime: uptime.map((r) => `${r.vm} ${r.at} ${r.parts.join(',')} ${r.unavailable} ${r.credit}`).sort(),
    traffic: traffic.map((r) => `${r.vm} ${r.nic} ${r.at} ${r.bytes.join(' ')}`).sort(),
    outages: outages.map((r) => `${r.vm} ${r.start} ${r.end} ${CONDITIONS[r.cond]}`).sort(),
    quarantined: anomalies
      .filter((r) => r.kind === 1)
      .map((r) => `${r.vm} ${r.nic}/${r.host}/${['', 'rx', 'tx'][r.part]} ${r.a} ${r.at} ${r.rx} ${r.tx}`)
      .sort(),
    conflicts: anomalies.filter((r) => r.kind === 2).length,
    samples: Number(samples?.n ?? '0'),
  };
}

/** The fleet without ends of service: stored rows know nothing of them, readers apply them. */
export function withoutEnds(fleet: Fleet): Fleet {
  const vms = new Map([...fleet.catalog.vms].map(([id, vm]) => [id, { ...vm, endsAtMs: null }]));
  return { ...fleet, catalog: { plans: fleet.catalog.plans, vms } };
}
