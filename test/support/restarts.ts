/** A run of the product that is stopped and started again and again: its log grows, its catalog changes, its checkpoints come and go. */
import { Aggregator } from '../../src/aggregate/aggregator.ts';
import { WholeLog } from '../../src/aggregate/embedded/whole-log.ts';
import { OnePartition } from '../../src/aggregate/group/one-partition.ts';
import type { CheckpointFolder } from '../../src/aggregate/checkpoint.ts';
import type { SliceBounds } from '../../src/aggregate/repair-context.ts';
import { insertEntries } from '../../src/journal/append.ts';
import { catalogRecord } from '../../src/log/record.ts';
import type { Store } from '../../src/store/store.ts';
import type { ModelCatalog } from '../model/fleet.ts';
import type { Fleet } from '../model/generate.ts';
import { MemoryLog, storeCatalog } from './product.ts';
import { type Random, below } from './random.ts';

/** Something that happens while the log grows. */
export type Happening =
  { readonly record: Uint8Array } | { readonly catalog: ModelCatalog } | { readonly forget: readonly string[] };

/** The records of a log with changes of the catalog between them, the last of which makes it what the fleet says. */
export function happenings(records: readonly Uint8Array[], fleet: Fleet, random: Random, changes: number): Happening[] {
  const all: Happening[] = records.map((record) => ({ record }));
  for (let i = 0; i < changes; i++) all.splice(below(random, all.length), 0, { catalog: earlierCatalog(fleet.catalog, random) });
  all.splice(all.length - below(random, 4), 0, { catalog: fleet.catalog });
  // what was added later must not stand behind the final catalog
  const final = all.findIndex((each) => 'catalog' in each && each.catalog === fleet.catalog);
  return all.filter((each, i) => !('catalog' in each) || i <= final);
}

/** Another catalog: some prices, dates and creditable conditions differ, and some VMs are not in it yet. */
function earlierCatalog(catalog: ModelCatalog, random: Random): ModelCatalog {
  const plans = [...catalog.plans].map(([id, plan]) => {
    const amountNanos = random() < 0.5 ? plan.price.amountNanos : BigInt(below(random, 2 ** 40));
    return [
      id,
      { ...plan, price: { ...plan.price, amountNanos }, creditable: random() < 0.5 ? plan.creditable : (['silent'] as const) },
    ] as const;
  });
  const vms = [...catalog.vms]
    .filter(() => random() < 0.7)
    .map(([id, vm]) => [id, { ...vm, plans: vm.plans.filter(() => random() < 0.6) }] as const);
  return { plans: new Map(plans), vms: new Map(vms) };
}

export interface RunSetup {
  readonly store: Store;
  readonly checkpoints: CheckpointFolder;
  readonly fleet: Fleet;
  readonly happenings: readonly Happening[];
  readonly slice?: SliceBounds;
  readonly minutesAStep?: number;
  /** The log is one partition, as several processes would read it. */
  readonly isPartition?: boolean;
}

/** One installation: `open` starts the process, `grow` lets things happen, and forgetting the aggregator is a crash. */
export class Installation {
  readonly log = new MemoryLog();
  readonly notes: string[] = [];
  /** What was forgotten, by the entry of the catalog that says so. */
  readonly forgettings: { readonly seq: bigint; readonly vms: readonly string[] }[] = [];
  readonly #setup: RunSetup;
  #next = 0;
  #catalogSeq = 0n;

  constructor(setup: RunSetup) {
    this.#setup = setup;
  }

  get isOver(): boolean {
    return this.#next >= this.#setup.happenings.length;
  }

  /** Starts an aggregator as the application does: the store may hold an entry whose mark never reached the log. */
  async open(store: Store = this.#setup.store): Promise<Aggregator> {
    const { slice, minutesAStep, fleet } = this.#setup;
    const { stalenessMs, latenessMs, linkLimitBps, clock } = fleet.options;
    const room = { vmsMax: 500, nicsMax: 1500 };
    const note = (message: string): void => void this.notes.push(message);
    const aggregator = new Aggregator({
      store,
      log: this.log,
      scope:
        this.#setup.isPartition === true
          ? new OnePartition({ store, log: this.log, partition: 0, owns: () => true, ...room })
          : new WholeLog({ store, log: this.log, note }),
      checkpoints: this.#setup.checkpoints,
      constants: { stalenessMs, latenessMs, linkLimitBps, clock },
      ...room,
      faults: { at: () => undefined },
      note,
      ...(slice === undefined ? {} : { slice }),
      ...(minutesAStep === undefined ? {} : { minutesAStep }),
    });
    await aggregator.recover();
    this.log.push(catalogRecord(this.#catalogSeq));
    return aggregator;
  }

  /** The next things happen. @param losesMark whether a crash comes between an entry of the catalog and its mark in the log */
  async grow(count: number, losesMark = false): Promise<void> {
    for (const each of this.#setup.happenings.slice(this.#next, this.#next + count)) {
      this.#next++;
      if ('record' in each) this.log.push(each.record);
      else {
        if ('forget' in each) await this.#forget(each.forget);
        else this.#catalogSeq = await storeCatalog(this.#setup.store, each.catalog, this.#catalogSeq + 1n);
        // a VM that this catalog leaves out stays as it was; the last one names all
        if (losesMark) return;
        this.log.push(catalogRecord(this.#catalogSeq));
      }
    }
  }

  async #forget(vms: readonly string[]): Promise<void> {
    const seq = ++this.#catalogSeq;
    const body = JSON.stringify({ vms });
    await insertEntries(this.#setup.store, [
      { kind: 'forgetting', id: `f${seq}`, seq, recordedAtMs: 0, recordedBy: 'test', body },
    ]);
    this.forgettings.push({ seq, vms });
  }

  /** Takes steps that end at random records, up to `count` of them or the end of the log. */
  async steps(aggregator: Aggregator, random: Random, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const at = aggregator.progress().aggregatedSeq + 1;
      const left = this.log.headSeq() - at;
      if (left <= 0) return;
      this.log.limit = at + 1 + below(random, left);
      await aggregator.step();
    }
    this.log.limit = Infinity;
  }

  async finish(aggregator: Aggregator): Promise<void> {
    this.log.limit = Infinity;
    while (await aggregator.step());
  }
}
