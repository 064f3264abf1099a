/**
 * Whether a request's names have places in their partitions, asked before anything of it is appended to Kafka: a partition whose samples name more than
 * its aggregator has room for stands still, for everybody. Doors know what ClickHouse has on record of each partition and what they have let in since.
 * What surely fits in the half that is open to all, or names nothing that was not let in before, is let in at once; of the rest ClickHouse is asked
 * what is stored, and beyond the open half a grant is on record before it is appended.
 */
import type { Sender } from '../../http/keys.ts';
import { KnownNames } from '../names/known-names.ts';
import { hasShare, nameRefusal } from '../names/refusal.ts';
import { isNone, isWithin, less, type Names, type Room, type RoomOptions, roomOf, sum } from '../names/names.ts';
import type { Grant, PartitionGrants } from './grants.ts';
import { type Named, namesAtMost, namesIn, nicKey } from './named.ts';
import { RequestPatience } from './patience.ts';
import { PartitionPlaces, type Recorded } from './places.ts';
import type { StoredNames } from './stored-names.ts';

/** How long a request waits for what has to be known about its names. */
const PATIENCE_MS = 5_000;

export interface PartitionAdmissionOptions extends RoomOptions {
  readonly log: {
    /** Of each partition, the position after the last that is known to be taken. */
    acknowledged(): readonly { readonly next: number }[];
  };
  readonly stored: Pick<StoredNames, 'ask' | 'has' | 'clear'>;
  readonly grants: Pick<PartitionGrants, 'beginAnew' | 'broughtBy' | 'giveBack' | 'othersIn' | 'record'>;
  /** The entry of the catalog that forgot names last, which aggregators may not have come to. */
  readonly forgettingSeq: bigint;
  /** Milliseconds that only go forward. */
  readonly monotonicMs?: () => number;
  readonly patienceMs?: number;
}

/** What is read of all partitions together, about once a second. */
export interface PlacesRead {
  /** By partition. */
  readonly partitions: readonly Recorded[];
  /** The time in the log; undefined before the first. */
  readonly clockMs: number | undefined;
  /** Doors that let names in, this one among them. */
  readonly doors: number;
}

/** The names of a request that have no place yet, in one partition. */
interface Added {
  readonly names: Names;
  readonly keys: readonly string[];
}

type Append = (frames: Uint8Array) => Promise<void>;

export class PartitionAdmission {
  readonly #options: PartitionAdmissionOptions;
  readonly #room: Room;
  readonly #places: readonly PartitionPlaces[];
  readonly #known = new KnownNames();
  readonly #nowMs: () => number;
  #forgettingSeq: bigint;
  #clockMs: number | undefined;
  #doors = 1;
  /** Decisions beyond what is free are made one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  #onRead: (() => void)[] = [];

  constructor(options: PartitionAdmissionOptions) {
    this.#options = options;
    this.#room = roomOf(options);
    this.#forgettingSeq = options.forgettingSeq;
    this.#nowMs = options.monotonicMs ?? (() => performance.now());
    this.#places = options.log.acknowledged().map(({ next }) => new PartitionPlaces(next, this.#nowMs()));
  }

  /** Takes in what ClickHouse has on record. */
  read({ partitions, clockMs, doors }: PlacesRead): void {
    const heads = this.#options.log.acknowledged();
    const nowMs = this.#nowMs();
    for (const [p, recorded] of partitions.entries()) this.#places[p]?.read(recorded, heads[p]?.next ?? 0, nowMs);
    this.#clockMs = clockMs;
    this.#doors = Math.max(1, doors);
    for (const resolve of this.#onRead.splice(0)) resolve();
  }

  /** The mark of this entry of the catalog, which forgets names, is about to be appended. */
  forget(catalogSeq: bigint): void {
    this.#forgettingSeq = catalogSeq;
    this.#known.clear();
    this.#options.stored.clear();
    this.#options.grants.beginAnew(catalogSeq);
    for (const places of this.#places) places.forget();
  }

  /**
   * Appends a request whose names fit. Throws `capacity_full`, or `store_unavailable` where it cannot be told, with nothing appended.
   * @param frames of the request; only looked at until the first await
   * @param append is given them, or a copy
   */
  async admit(frames: Uint8Array, sender: Sender, append: Append): Promise<void> {
    if (this.#known.has(frames)) {
      await append(frames);
      return;
    }
    const forgettingSeq = this.#forgettingSeq;
    const kept = new Uint8Array(frames);
    const atMost = this.#asAdded(namesAtMost(frames, this.#places.length));
    if ([...atMost].every(([partition, { names }]) => this.#isFree(partition, names))) {
      await this.#letIn(atMost, () => append(frames));
    } else {
      await this.#look(kept, sender, () => append(kept));
    }
    if (forgettingSeq === this.#forgettingSeq) this.#known.add(kept);
  }

  #asAdded(names: ReadonlyMap<number, Names>): Map<number, Added> {
    return new Map([...names].map(([partition, each]) => [partition, { names: each, keys: [] }]));
  }

  /**
   * Whether these fit into what is open to all even if every other door fills its part of it unseen.
   */
  #isFree(partition: number, names: Names): boolean {
    const places = this.#places[partition];
    if (places?.recorded === undefined) return false;
    return isWithin(sum(places.underWay, names), this.#ownPart(places.recorded.taken));
  }

  /** This door's part of the open places that were free when ClickHouse was asked. */
  #ownPart(taken: Names): Names {
    const free = less(this.#room.open, taken);
    return { vms: Math.floor(free.vms / this.#doors), nics: Math.floor(free.nics / this.#doors) };
  }

  /** Appends, with the names counted until they are on record. */
  async #letIn(added: ReadonlyMap<number, Added>, append: () => Promise<void>): Promise<void> {
    const entered = [...added].flatMap(([partition, { names, keys }]) => {
      const places = this.#places[partition];
      return places === undefined ? [] : [{ places, partition, letIn: places.enter(names, keys) }];
    });
    try {
      await append();
    } catch (error) {
      for (const { letIn } of entered) letIn.failed(this.#nowMs());
      throw error;
    }
    const heads = this.#options.log.acknowledged();
    for (const { places, partition, letIn } of entered) places.acknowledged(letIn, heads[partition]?.next ?? 0);
  }

  async #look(frames: Uint8Array, sender: Sender, append: () => Promise<void>): Promise<void> {
    const patience = new RequestPatience(this.#options.patienceMs ?? PATIENCE_MS);
    try {
      const named = namesIn(frames, this.#places.length);
      for (;;) {
        const added = await this.#newOf(named, patience);
        if (added.size === 0) break;
        const decided = await this.#inTurn(() => this.#decide(added, sender, patience, append));
        if (decided !== 'wait') {
          await decided.appended;
          return;
        }
        await this.#untilRead(patience);
      }
    } finally {
      patience.end();
    }
    await append();
  }

  /** What of the names has no place, as far as is known, once all aggregators concerned have forgotten what is to be. */
  async #newOf(named: ReadonlyMap<number, Named>, patience: RequestPatience): Promise<Map<number, Added>> {
    const isBehind = (partition: number): boolean => {
      const recorded = this.#places[partition]?.recorded;
      return recorded === undefined || recorded.catalogSeq < this.#forgettingSeq;
    };
    while ([...named.keys()].some(isBehind)) await this.#untilRead(patience);
    for (;;) {
      const forgettingSeq = this.#forgettingSeq;
      const added = this.#unknownOf(named);
      if (added.size === 0) return added;
      const all: Named = new Map([...added.keys()].flatMap((partition) => [...(named.get(partition) ?? [])]));
      const catalogSeq = [...added.keys()].reduce((least, partition) => {
        const own = this.#places[partition]?.recorded?.catalogSeq ?? 0n;
        return own < least ? own : least;
      }, BigInt(Number.MAX_SAFE_INTEGER));
      await patience.within(this.#options.stored.ask(all, { clockMs: this.#clockMs, catalogSeq }, patience.over));
      if (forgettingSeq === this.#forgettingSeq) return this.#unknownOf(named);
    }
  }

  #unknownOf(named: ReadonlyMap<number, Named>): Map<number, Added> {
    const { stored } = this.#options;
    const added = new Map<number, Added>();
    for (const [partition, vms] of named) {
      const isNew = (key: string): boolean => !stored.has(key) && this.#places[partition]?.has(key) !== true;
      const newVms = [...vms.keys()].filter(isNew);
      const newNics = [...vms].flatMap(([vm, nics]) => [...nics].map((nic) => nicKey(vm, nic)).filter(isNew));
      const names = { vms: newVms.length, nics: newNics.length };
      if (!isNone(names)) added.set(partition, { names, keys: [...newVms, ...newNics] });
    }
    return added;
  }

  /** Lets names in that fit, 'wait' where it is not known yet whether they do. Throws where they don't. */
  async #decide(
    added: ReadonlyMap<number, Added>,
    sender: Sender,
    patience: RequestPatience,
    append: () => Promise<void>,
  ): Promise<'wait' | { readonly appended: Promise<void> }> {
    patience.check();
    const granted = new Map([...added].filter(([partition, { names }]) => !this.#isFree(partition, names)));
    if (granted.size > 0) {
      for (const [partition, { names }] of granted) if (!this.#fits(partition, names, sender)) return 'wait';
      const names = new Map([...granted].map(([partition, each]) => [partition, each.names]));
      const grant: Grant = { keyId: sender.id, ofShare: hasShare(sender), names };
      await this.#record(grant, patience);
      for (const [partition, each] of granted) {
        if (this.#stillFits(partition, each.names, sender)) continue;
        this.#options.grants.giveBack(grant);
        return 'wait';
      }
      const appended = this.#letIn(added, append);
      appended.catch(() => {
        this.#options.grants.giveBack(grant);
      });
      return { appended };
    }
    return { appended: this.#letIn(added, append) };
  }

  /** Whether names beyond the open half fit into a partition; throws where waiting would not help. */
  #fits(partition: number, added: Names, sender: Sender): boolean {
    const { places, taken, others } = this.#of(partition);
    const brought = this.#options.grants.broughtBy(sender.id, partition);
    const refusal = { sender, added, used: taken, brought, room: this.#room, partition };
    if (!isWithin(sum(taken, added), this.#room.max)) throw nameRefusal(refusal);
    if (hasShare(sender) && !isWithin(sum(brought, added), this.#room.share)) throw nameRefusal(refusal);
    return places.isAbreast(this.#nowMs()) && isWithin(sum(sum(taken, places.underWay), sum(others, added)), this.#room.max);
  }

  /** As `fits`, with this grant on record among the key's own. */
  #stillFits(partition: number, added: Names, sender: Sender): boolean {
    const { places, taken, others } = this.#of(partition);
    const brought = this.#options.grants.broughtBy(sender.id, partition);
    if (hasShare(sender) && !isWithin(brought, this.#room.share)) return false;
    return isWithin(sum(sum(taken, places.underWay), sum(others, added)), this.#room.max);
  }

  #of(partition: number): { places: PartitionPlaces; taken: Names; others: Names } {
    const places = this.#places[partition];
    const taken = places?.recorded?.taken;
    if (places === undefined || taken === undefined) throw new RangeError(`nothing was read of partition ${partition}`);
    // besides what they have on record, other doors may fill their parts of the open places
    const part = this.#ownPart(taken);
    const open = { vms: part.vms * (this.#doors - 1), nics: part.nics * (this.#doors - 1) };
    return { places, taken, others: sum(this.#options.grants.othersIn(partition), open) };
  }

  async #record(grant: Grant, patience: RequestPatience): Promise<void> {
    const recorded = this.#options.grants.record(grant);
    try {
      await patience.within(recorded);
    } catch (error) {
      // what comes to be on record after all was not let in
      recorded.then(
        () => {
          this.#options.grants.giveBack(grant);
        },
        () => undefined,
      );
      throw error;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #untilRead(patience: RequestPatience): Promise<void> {
    return patience.within(
      new Promise((resolve) => {
        this.#onRead.push(resolve);
      }),
    );
  }
}
