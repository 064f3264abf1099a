/**
 * The places of one partition as a door before Kafka sees them: those that its aggregator has on record as taken, and those that this door has let in
 * since and the aggregator may not have come to.
 */
import { less, type Names, NO_NAMES, sum } from '../names/names.ts';

/** What ClickHouse has on record of a partition. */
export interface Recorded {
  /** The last message whose names are counted; -1 before the first. */
  readonly storedSeq: number;
  readonly taken: Names;
  /** The entry of the catalog that its aggregator has come to. */
  readonly catalogSeq: bigint;
}

/** An append whose outcome is unknown has been carried out after this time, or never is. */
const UNKNOWN_MS = 30_000;

/** Names on their way into the log, or in it: at most so many are new. */
export class LetIn {
  readonly names: Names;
  /** Their keys (`vm`, `vm nic`), where they were looked at one by one. */
  readonly keys: readonly string[];
  /** No position from here on is theirs. */
  #before: number | undefined;
  #unknownSinceMs: number | undefined;

  constructor(names: Names, keys: readonly string[]) {
    this.names = names;
    this.keys = keys;
  }

  /** Acknowledged. @param next the position after the last that is known to be taken */
  acknowledged(next: number): void {
    this.#before = next;
  }

  /** Perhaps in the log, perhaps not. */
  failed(nowMs: number): void {
    this.#unknownSinceMs = nowMs;
  }

  get isAcknowledged(): boolean {
    return this.#before !== undefined;
  }

  /** Whether the aggregator has them, as far as it ever will. */
  isOver(storedSeq: number, next: number, nowMs: number): boolean {
    if (this.#unknownSinceMs !== undefined && nowMs - this.#unknownSinceMs >= UNKNOWN_MS) this.#before ??= next;
    return this.#before !== undefined && storedSeq >= this.#before - 1;
  }
}

export class PartitionPlaces {
  /** undefined before anything was read. */
  #recorded: Recorded | undefined;
  readonly #letIn = new Set<LetIn>();
  /** Keys of names that were acknowledged and are not on record yet. */
  readonly #keys = new Set<string>();
  #underWay: Names = NO_NAMES;
  /** Positions that were taken, and when that was known; the oldest says all that was there when this process began. */
  #heads: { readonly atMs: number; readonly next: number }[];

  /** @param next the position that the next message gets at least */
  constructor(next: number, nowMs: number) {
    this.#heads = [{ atMs: nowMs, next }];
  }

  get recorded(): Recorded | undefined {
    return this.#recorded;
  }

  /** Of this door, at most so many names that are not counted in what is on record. */
  get underWay(): Names {
    return this.#underWay;
  }

  /** Whether the aggregator has come to all that any door appended more than half a minute ago. */
  isAbreast(nowMs: number): boolean {
    const old = this.#heads.findLast(({ atMs }) => nowMs - atMs >= UNKNOWN_MS) ?? this.#heads[0];
    return this.#recorded !== undefined && old !== undefined && this.#recorded.storedSeq >= old.next - 1;
  }

  /** Whether this door let the name in a moment ago. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Takes in what was read. @param next the position after the last that is known to be taken */
  read(recorded: Recorded, next: number, nowMs: number): void {
    // one that was read earlier may come later
    if (this.#recorded !== undefined && recorded.storedSeq < this.#recorded.storedSeq) return;
    this.#recorded = recorded;
    this.#heads.push({ atMs: nowMs, next });
    const old = this.#heads.findLastIndex(({ atMs }) => nowMs - atMs >= UNKNOWN_MS);
    if (old > 0) this.#heads = this.#heads.slice(old);
    for (const each of this.#letIn) if (each.isOver(recorded.storedSeq, next, nowMs)) this.#remove(each);
  }

  /** Counts names from here on, before they are appended. */
  enter(names: Names, keys: readonly string[] = []): LetIn {
    const letIn = new LetIn(names, keys);
    this.#letIn.add(letIn);
    this.#underWay = sum(this.#underWay, names);
    return letIn;
  }

  /** They are in the log. */
  acknowledged(letIn: LetIn, next: number): void {
    letIn.acknowledged(next);
    for (const key of letIn.keys) this.#keys.add(key);
  }

  /** Names are forgotten: what was let in may be new once more. */
  forget(): void {
    this.#keys.clear();
  }

  #remove(letIn: LetIn): void {
    this.#letIn.delete(letIn);
    for (const key of letIn.keys) this.#keys.delete(key);
    this.#underWay = less(this.#underWay, letIn.names);
  }
}
