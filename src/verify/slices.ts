/**
 * What is read of a group of VMs, a slice of time after another: each with no more rows of a table than one answer holds, the next being read
 * while this one is looked at. What is held does not grow with how long samples are kept.
 */
import { INSTANT_MS_END } from '../domain/instant.ts';
import { type Columns, readMinutes, readSamples, readTraffic, type StoredMinute, type StoredTraffic } from './columns.ts';
import { floorToMinute, MINUTE_MS } from './model/timeline.ts';
import { type Reader, VerifyError } from './reader.ts';
import type { RawSample } from './recompute.ts';

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Everything of the VMs in a range of whole minutes, each by time. */
export interface Slice extends Range {
  readonly samples: ReadonlyMap<string, readonly RawSample[]>;
  readonly minutes: ReadonlyMap<string, readonly StoredMinute[]>;
  readonly uptime: ReadonlyMap<string, readonly StoredMinute[]>;
  readonly traffic: ReadonlyMap<string, readonly StoredTraffic[]>;
}

export interface SlicesOptions {
  readonly vms: readonly string[];
  /** Samples before it may be gone, and are not asked for. */
  readonly samplesFromMs: number;
}

/** Cuts a range where no more than so many rows are expected in each part; `denseFromMs`: before it there is hardly any. */
export function partsOf({ fromMs, toMs }: Range, denseFromMs: number, rows: number, rowsMax: number): Range[] {
  const startMs = Math.min(toMs, Math.max(fromMs, floorToMinute(denseFromMs)));
  const parts = Math.max(1, Math.ceil(rows / rowsMax));
  const stepMs = Math.max(MINUTE_MS, Math.ceil((toMs - startMs) / parts / MINUTE_MS) * MINUTE_MS);
  const cuts = [fromMs];
  for (let atMs = startMs + stepMs; atMs < toMs; atMs += stepMs) cuts.push(atMs);
  return cuts.map((cutMs, i) => ({ fromMs: cutMs, toMs: cuts[i + 1] ?? toMs })).filter((part) => part.fromMs < part.toMs);
}

/** Reads the parts one after another, of those that turn out too full each half. */
export async function* slicesOf(reader: Reader, options: SlicesOptions, parts: readonly Range[]): AsyncGenerator<Slice> {
  const left = [...parts].reverse();
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    const slice = await readSlice(reader, options, part);
    if (slice !== null) {
      yield slice;
      continue;
    }
    const middleMs = floorToMinute((Math.max(part.fromMs, options.samplesFromMs) + part.toMs) / 2);
    const cutMs = middleMs > part.fromMs ? middleMs : part.fromMs + MINUTE_MS;
    left.push({ fromMs: cutMs, toMs: part.toMs }, { fromMs: part.fromMs, toMs: cutMs });
  }
}

/** Gives what another gives, having asked for the next already. */
export async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    let next = items.next();
    for (;;) {
      const given = await next;
      if (given.done === true) return;
      next = items.next();
      // a failure is thrown when its turn comes
      next.catch(() => undefined);
      yield given.value;
    }
  } finally {
    await items.return(undefined);
  }
}

/** Null: there is more than one answer holds, and the range can be cut. */
async function readSlice(reader: Reader, { vms, samplesFromMs }: SlicesOptions, range: Range): Promise<Slice | null> {
  const canBeCut = range.toMs - range.fromMs > MINUTE_MS;
  const table = async <T>(name: string, read: (text: string) => Columns<T>, of: Range): Promise<Columns<T> | null> => {
    const columns = await readColumns(reader, name, vms, of, read);
    if (columns.told <= reader.pageRows) return columns;
    if (canBeCut) return null;
    throw new VerifyError(`a minute has more than ${reader.pageRows} rows of ${name}`);
  };
  const samplesRange = { fromMs: Math.max(range.fromMs, samplesFromMs), toMs: range.toMs };
  const [samples, minutes, uptime, traffic] = await Promise.all([
    canBeCut ? table('samples', readSamples, samplesRange) : readAllSamples(reader, vms, samplesRange),
    table('minutes', readMinutes, range),
    table('uptime', readMinutes, range),
    table('traffic', readTraffic, range),
  ]);
  if (samples === null || minutes === null || uptime === null || traffic === null) return null;
  return { ...range, samples: samples.byVm, minutes: minutes.byVm, uptime: uptime.byVm, traffic: traffic.byVm };
}

/** Samples of a minute or less, however many. */
async function readAllSamples(reader: Reader, vms: readonly string[], range: Range): Promise<Columns<RawSample>> {
  const columns = await readColumns(reader, 'samples', vms, range, readSamples);
  if (columns.told <= reader.pageRows) return columns;
  if (range.toMs - range.fromMs <= 1) throw new VerifyError(`a millisecond has more than ${reader.pageRows} samples`);
  const middleMs = Math.floor((range.fromMs + range.toMs) / 2);
  const first = await readAllSamples(reader, vms, { fromMs: range.fromMs, toMs: middleMs });
  const second = await readAllSamples(reader, vms, { fromMs: middleMs, toMs: range.toMs });
  const byVm = new Map(first.byVm);
  for (const [vm, samples] of second.byVm) byVm.set(vm, [...(byVm.get(vm) ?? []), ...samples]);
  return { told: first.told + second.told, byVm };
}

/** Samples alone, a range after another, of any length. */
export async function* samplesOf(
  reader: Reader,
  vms: readonly string[],
  parts: readonly Range[],
): AsyncGenerator<Range & { readonly samples: Slice['samples'] }> {
  const left = [...parts].reverse();
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part.toMs - part.fromMs <= MINUTE_MS) {
      yield { ...part, samples: (await readAllSamples(reader, vms, part)).byVm };
      continue;
    }
    const columns = await readColumns(reader, 'samples', vms, part, readSamples);
    if (columns.told <= reader.pageRows) {
      yield { ...part, samples: columns.byVm };
      continue;
    }
    const cutMs = Math.max(part.fromMs + MINUTE_MS, floorToMinute((part.fromMs + part.toMs) / 2));
    left.push({ fromMs: cutMs, toMs: part.toMs }, { fromMs: part.fromMs, toMs: cutMs });
  }
}

/** Of every interface of a VM its last sample before an instant and its last one with counters, of those from `fromMs` on. */
export async function samplesBefore(reader: Reader, vms: readonly string[], range: Range): Promise<Slice['samples']> {
  if (range.fromMs >= range.toMs) return new Map();
  const { told, byVm } = await readColumns(reader, 'before', vms, range, readSamples);
  if (told > reader.pageRows) throw new VerifyError(`${vms.join(', ')} have more than ${reader.pageRows} interfaces`);
  return byVm;
}

async function readColumns<T>(
  reader: Reader,
  table: string,
  vms: readonly string[],
  { fromMs, toMs }: Range,
  read: (text: string) => Columns<T>,
): Promise<Columns<T>> {
  const untilMs = Math.min(toMs, INSTANT_MS_END - 1);
  if (fromMs >= untilMs) return { told: 0, byVm: new Map() };
  const query = new URLSearchParams({
    ...{ vms: vms.join(','), from: String(fromMs), to: String(untilMs), limit: String(reader.pageRows) },
  });
  return read(await reader.text(`v1/evidence/${table}/columns?${query.toString()}`));
}
