/**
 * What doors before Kafka have let in beyond what is open to all, on record in ClickHouse before it is appended: a door counts by it what the others have
 * under way, and all of them what a key has brought of its share of a partition.
 */
import { randomUUID } from 'node:crypto';
import type { Store } from '../../store/store.ts';
import { less, type Names, NO_NAMES, sum } from '../names/names.ts';

/** A grant's names are in the log after this time, or never will be: twice what an append may take, and time for what is slow. */
const UNDER_WAY_SECONDS = 60;

const STRUCTURE =
  "key_id String, vms UInt32, nics UInt32, granted_at DateTime64(3, 'UTC'), forgetting UInt64, partition_id UInt32, instance String, let_in_vms UInt32, let_in_nics UInt32";

export interface Grant {
  readonly keyId: string;
  /** Whether it counts for the key's share. */
  readonly ofShare: boolean;
  /** New names by partition. */
  readonly names: ReadonlyMap<number, Names>;
}

interface Row {
  partition_id: number;
  key_id: string;
  vms: string;
  nics: string;
  others_vms: string;
  others_nics: string;
}

export class PartitionGrants {
  readonly #store: Store;
  readonly #instance: string;
  readonly #now: () => number;
  #forgettingSeq: bigint;
  #brought = new Map<string, Names>();
  #others = new Map<number, Names>();
  /** On record, and not let in after all: granted again without being counted twice. */
  readonly #unused = new Map<string, Names>();

  /** @param instance this door among all @param forgettingSeq the entry of the catalog that forgot names last */
  constructor(store: Store, instance: string, now: () => number, forgettingSeq: bigint) {
    this.#store = store;
    this.#instance = instance;
    this.#now = now;
    this.#forgettingSeq = forgettingSeq;
  }

  /** Names are forgotten: every key has all of its share again. */
  beginAnew(forgettingSeq: bigint): void {
    this.#forgettingSeq = forgettingSeq;
    this.#brought.clear();
    this.#unused.clear();
  }

  /** What a key has brought of its share of a partition, as was read last. */
  broughtBy(keyId: string, partition: number): Names {
    const key = shareKey(keyId, partition);
    return less(this.#brought.get(key) ?? NO_NAMES, this.#unused.get(key) ?? NO_NAMES);
  }

  /** What other doors may have under way into a partition, as was read last. */
  othersIn(partition: number): Names {
    return this.#others.get(partition) ?? NO_NAMES;
  }

  async read(): Promise<void> {
    const forgettingSeq = this.#forgettingSeq;
    const isOthers = `instance != {instance:String} AND recorded_at > now64(3, 'UTC') - ${UNDER_WAY_SECONDS}`;
    const rows = await this.#store.rows<Row>(
      `SELECT partition_id, key_id, sumIf(vms, forgetting >= ${forgettingSeq}) AS vms, sumIf(nics, forgetting >= ${forgettingSeq}) AS nics,
              sumIf(let_in_vms, ${isOthers}) AS others_vms, sumIf(let_in_nics, ${isOthers}) AS others_nics
       FROM names_brought WHERE instance != '' GROUP BY partition_id, key_id`,
      { instance: this.#instance },
    );
    if (forgettingSeq !== this.#forgettingSeq) return;
    this.#brought = new Map();
    this.#others = new Map();
    for (const row of rows) {
      const { partition_id: partition, key_id: keyId } = row;
      this.#brought.set(shareKey(keyId, partition), { vms: Number(row.vms), nics: Number(row.nics) });
      const others = { vms: Number(row.others_vms), nics: Number(row.others_nics) };
      this.#others.set(partition, sum(this.othersIn(partition), others));
    }
  }

  /** Puts a grant on record, and reads what others have there by then. Rejects with the store's error: then it may be on record. */
  async record({ keyId, ofShare, names }: Grant): Promise<void> {
    const rows = [...names].map(([partition, added]) => {
      const key = shareKey(keyId, partition);
      const unused = this.#unused.get(key) ?? NO_NAMES;
      this.#unused.set(key, less(unused, added));
      return this.#row(keyId, partition, added, ofShare ? less(added, unused) : NO_NAMES);
    });
    await this.#store.insertRowBinary('names_brought', STRUCTURE, rows, randomUUID());
    await this.read();
  }

  /** It was not let in, or nobody knows: the same may be granted again. */
  giveBack({ keyId, ofShare, names }: Grant): void {
    if (!ofShare) return;
    for (const [partition, added] of names) {
      const key = shareKey(keyId, partition);
      this.#unused.set(key, sum(this.#unused.get(key) ?? NO_NAMES, added));
    }
  }

  #row(keyId: string, partition: number, letIn: Names, counted: Names): Buffer {
    return Buffer.concat([
      text(keyId),
      u32(counted.vms, counted.nics),
      u64(this.#now(), this.#forgettingSeq),
      u32(partition),
      text(this.#instance),
      u32(letIn.vms, letIn.nics),
    ]);
  }
}

function shareKey(keyId: string, partition: number): string {
  return `${partition} ${keyId}`;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8').subarray(0, 127);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function u32(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function u64(...values: (number | bigint)[]): Buffer {
  return Buffer.from(BigUint64Array.from(values, BigInt).buffer);
}
