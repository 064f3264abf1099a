/** One look at some VMs: the raw samples of each through the model, beside everything that is stored of it. */
import { z } from 'zod';
import { INSTANT_MS_END } from '../domain/instant.ts';
import { type AnomalyAnswer, anomalyAnswer, type OutageAnswer, outageAnswer } from './answers.ts';
import { agreedFor, type KnownPlans } from './credit.ts';
import { Disagreed, type Disagreement } from './disagreement.ts';
import { Look, type StoredRows, type VmLook, type VmTally } from './look.ts';
import { MINUTE_MS } from './model/timeline.ts';
import { type Reader, RowStream, VmStreams } from './reader.ts';
import type { RawSample } from './recompute.ts';
import { ahead, partsOf, type Range, samplesBefore, samplesOf, slicesOf } from './slices.ts';

type Found = VmTally | Disagreement;

/** Before this much of the past is looked through for what held at `fromMs`, all of it is not. */
const NEAR_MS = 86_400_000;
/** How far beyond the end samples are read at first, for increases that reach back. */
const BEYOND_MS = 15 * MINUTE_MS;

/**
 * Compares everything of VMs, which come by name: what was seen of each, or the first row that is not as recomputed. Their rows are
 * read in one answer as far as they fit, so that VMs with few rows cost few requests; a slice of time is held at a time.
 */
export async function lookAtVms<T extends VmLook>(
  reader: Reader,
  looks: readonly T[],
  onVm: (vm: string) => void,
): Promise<{ look: T; found: Found }[]> {
  const group = await Group.begin(reader, looks, onVm);
  await group.read();
  const all: { look: T; found: Found }[] = [];
  for (const look of looks) all.push({ look, found: await group.finish(look.vm) });
  return all;
}

/** The same of one VM. */
export async function lookAtVm(reader: Reader, look: VmLook): Promise<Found> {
  const group = await Group.begin(reader, [look], () => undefined);
  await group.read();
  return group.finish(look.vm);
}

const named = { vm: z.string() };

/** VMs that are read together; one that disagrees is looked at no further. */
class Group {
  readonly #reader: Reader;
  readonly #looks: readonly VmLook[];
  readonly #range: Range;
  readonly #samplesFromMs: number;
  readonly #open: Map<string, Look>;
  readonly #disagreed = new Map<string, Disagreement>();
  readonly #tallies = new Map<string, VmTally>();

  private constructor(reader: Reader, looks: readonly VmLook[], open: Map<string, Look>) {
    this.#reader = reader;
    this.#looks = looks;
    this.#open = open;
    this.#range = rangeOf(looks);
    this.#samplesFromMs = Math.min(...looks.map((look) => look.expiredMs ?? 0));
  }

  static async begin(reader: Reader, looks: readonly VmLook[], onVm: (vm: string) => void): Promise<Group> {
    const plans: KnownPlans = new Map();
    const stored = await storedRows(reader, looks);
    const agreed = await Promise.all(looks.map((look) => agreedFor(reader, look.vm, plans)));
    const open = new Map<string, Look>();
    for (const [i, look] of looks.entries()) {
      const [known, rows] = [agreed[i], stored.get(look.vm)];
      if (known === undefined || rows === undefined) continue;
      open.set(look.vm, new Look(look, known, rows, () => before(reader, look)));
      onVm(look.vm);
    }
    const group = new Group(reader, looks, open);
    await group.#recallBefore();
    return group;
  }

  /** What held where the comparison begins. */
  async #recallBefore(): Promise<void> {
    const { fromMs } = this.#range;
    if (fromMs === 0) return;
    const vms = this.#looks.filter((look) => look.firstMs < look.fromMs).map((look) => look.vm);
    if (vms.length === 0) return;
    await this.#recallJumps(vms);
    const near = await samplesBefore(this.#reader, vms, {
      fromMs: Math.max(fromMs - NEAR_MS, this.#samplesFromMs),
      toMs: fromMs,
    });
    for (const look of this.#looks) {
      if (!vms.includes(look.vm)) continue;
      const found = near.get(look.vm) ?? (await before(this.#reader, look));
      await this.#one(look.vm, (open) => {
        open.begin(found);
        return Promise.resolve();
      });
    }
  }

  /** What was counted since a jump of before the range may be taken back in it: the samples since the first one are counted again. */
  async #recallJumps(vms: readonly string[]): Promise<void> {
    const before = { from: this.#samplesFromMs, to: this.#range.fromMs };
    if (before.from >= before.to) return;
    const query = { vms: vms.join(','), ...before };
    const rows = await this.#reader.rows('v1/evidence/anomalies', query, anomalyAnswer.extend(named)).takeWhile(() => true);
    for (const vm of new Set(rows.map((row) => row.vm))) {
      const jumped = rows.flatMap((row) => (row.vm === vm && row.kind === 'quarantined' && row.a !== null ? row.a.ts : []));
      const range = { fromMs: Math.min(before.to, ...jumped), toMs: before.to };
      for await (const part of samplesOf(this.#reader, [vm], range.fromMs < range.toMs ? [range] : []))
        this.#open.get(vm)?.recall(part.toMs, part.samples.get(vm) ?? []);
    }
  }

  async read(): Promise<void> {
    const { fromMs, toMs } = this.#range;
    const vms = this.#looks.map((look) => look.vm);
    const rows = this.#looks.reduce((sum, look) => sum + look.rows, 0);
    const denseFromMs = Math.min(...this.#looks.map((look) => look.firstMs));
    const share = (toMs - Math.max(fromMs, denseFromMs)) / Math.max(1, toMs - denseFromMs);
    const expected = rows === 0 ? 0 : rows * share;
    const parts = partsOf(this.#range, denseFromMs, expected, this.#reader.pageRows);
    for await (const slice of ahead(slicesOf(this.#reader, { vms, samplesFromMs: this.#samplesFromMs }, parts))) {
      await this.#each((look, vm) =>
        look.take(slice, {
          samples: slice.samples.get(vm) ?? [],
          minutes: slice.minutes.get(vm) ?? [],
          uptime: slice.uptime.get(vm) ?? [],
          traffic: slice.traffic.get(vm) ?? [],
        }),
      );
      if (this.#open.size === 0) return;
    }
    await this.#readBeyond();
  }

  /** Samples after the rows: increases that end there reach back into them, and all are counted. */
  async #readBeyond(): Promise<void> {
    const lastMs = Math.max(...this.#looks.map((look) => look.lastSampleMs)) + 1;
    const countAll = this.#looks.some((look) => look.countAll);
    let stepMs = countAll ? Infinity : BEYOND_MS;
    for (let atMs = this.#range.toMs; atMs < lastMs;) {
      const vms = [...this.#open].filter(([, look]) => countAll || look.reachesBeyond).map(([vm]) => vm);
      if (vms.length === 0) return;
      const toMs = Math.min(atMs + stepMs, Math.ceil(lastMs / MINUTE_MS) * MINUTE_MS);
      for await (const { samples, ...range } of samplesOf(this.#reader, vms, [{ fromMs: atMs, toMs }]))
        await this.#each((look, vm) => look.takeBeyond(range.toMs, samples.get(vm) ?? []));
      atMs = toMs;
      stepMs *= 2;
    }
  }

  async finish(vm: string): Promise<Found> {
    await this.#one(vm, async (look) => {
      this.#tallies.set(vm, await look.finish());
    });
    const found = this.#disagreed.get(vm) ?? this.#tallies.get(vm);
    if (found === undefined) throw new Error(`${vm} was not looked at`);
    return found;
  }

  async #each(work: (look: Look, vm: string) => Promise<void>): Promise<void> {
    for (const vm of [...this.#open.keys()]) await this.#one(vm, work);
  }

  async #one(vm: string, work: (look: Look, vm: string) => Promise<void>): Promise<void> {
    const look = this.#open.get(vm);
    if (look === undefined) return;
    try {
      await work(look, vm);
    } catch (error) {
      if (!(error instanceof Disagreed)) throw error;
      this.#disagreed.set(vm, error.what);
      this.#open.delete(vm);
    }
  }
}

/** Rows and outages are read of what any of the looks wants. */
function rangeOf(looks: readonly VmLook[]): Range {
  const fromMs = Math.min(...looks.map((look) => look.fromMs));
  return { fromMs, toMs: Math.max(fromMs, ...looks.map((look) => look.endMs)) };
}

/** A VM's samples that held at its `fromMs`, however old; those that may have expired are not asked for. */
async function before(reader: Reader, look: VmLook): Promise<readonly RawSample[]> {
  const range = { fromMs: look.expiredMs ?? 0, toMs: look.fromMs };
  return (await samplesBefore(reader, [look.vm], range)).get(look.vm) ?? [];
}

/** Outages and anomalies: of one VM page by page, of several, which have few, all at once. */
async function storedRows(reader: Reader, looks: readonly VmLook[]): Promise<Map<string, StoredRows>> {
  const vms = looks.map((look) => look.vm).join(',');
  const { fromMs: from, toMs: to } = rangeOf(looks);
  const rows = <T extends { vm: string }>(table: string, range: { from: number; to: number }, shape: z.ZodType<T>) =>
    new VmStreams(range.from < range.to ? reader.rows(`v1/evidence/${table}`, { vms, ...range }, shape) : RowStream.empty<T>());
  // conflicts are counted to the last
  const until = looks.some((look) => look.countAll) ? INSTANT_MS_END - 1 : to;
  const outages = rows('outages', { from, to }, outageAnswer.extend(named));
  const anomalies = rows('anomalies', { from, to: until }, anomalyAnswer.extend(named));
  const all = new Map<string, StoredRows>();
  for (const { vm } of looks) {
    const own = { outages: outages.of(vm, () => true), anomalies: anomalies.of(vm, () => true) };
    all.set(vm, looks.length === 1 ? own : { outages: await held(own.outages), anomalies: await held(own.anomalies) });
  }
  return all;
}

/** A stream whose rows are there already. */
async function held<T extends OutageAnswer | AnomalyAnswer>(rows: RowStream<T>): Promise<RowStream<T>> {
  const pages = [await rows.takeWhile(() => true)];
  return new RowStream(() => Promise.resolve(pages.pop() ?? null));
}
