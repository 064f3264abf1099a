/**
 * How many new names each key has brought since more than half of the room for names was taken. A grant is on record before the names go into
 * the log, so a restart takes nothing back; what is granted and not logged after all is granted again without being counted twice.
 */
import { randomUUID } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { less, NO_NAMES, type Names } from './names/names.ts';

export interface NameShares {
  /** What a key has brought so far. */
  broughtBy(keyId: string): Names;
  /** Counts these for the key at once; resolves when they are on record. Rejects with the store's error, and they count all the same. */
  grant(keyId: string, names: Names): Promise<void>;
  /** What was granted did not get into the log: the same may be granted again. */
  giveBack(keyId: string, names: Names): void;
  /** Names are forgotten: every key has all of its share again. @param forgettingSeq the entry of the catalog that says so */
  beginAnew(forgettingSeq: bigint): void;
}

const STRUCTURE = "key_id String, vms UInt32, nics UInt32, granted_at DateTime64(3, 'UTC'), forgetting UInt64";

/** Reads what is on record since names were last forgotten. @param forgettingSeq the entry of the catalog that says so; 0 before the first */
export async function openNameShares(store: Store, now: () => number, forgettingSeq = 0n): Promise<NameShares> {
  const rows = await store.rows<{ key_id: string; vms: string; nics: string }>(
    `SELECT key_id, sum(vms) AS vms, sum(nics) AS nics FROM names_brought WHERE instance = '' AND forgetting >= ${forgettingSeq} GROUP BY key_id`,
  );
  const recorded = new Map(rows.map((row) => [row.key_id, { vms: Number(row.vms), nics: Number(row.nics) }]));
  return new StoredShares(store, now, recorded, forgettingSeq);
}

class StoredShares implements NameShares {
  readonly #store: Store;
  readonly #now: () => number;
  /** On record, or on the way there. */
  readonly #recorded: Map<string, Names>;
  /** Granted, and not used. */
  readonly #unused = new Map<string, Names>();

  #forgettingSeq: bigint;

  constructor(store: Store, now: () => number, recorded: Map<string, Names>, forgettingSeq: bigint) {
    this.#store = store;
    this.#now = now;
    this.#recorded = recorded;
    this.#forgettingSeq = forgettingSeq;
  }

  beginAnew(forgettingSeq: bigint): void {
    this.#forgettingSeq = forgettingSeq;
    this.#recorded.clear();
    this.#unused.clear();
  }

  broughtBy(keyId: string): Names {
    const recorded = this.#recorded.get(keyId) ?? NO_NAMES;
    return less(recorded, this.#unused.get(keyId) ?? NO_NAMES);
  }

  async grant(keyId: string, names: Names): Promise<void> {
    const unused = this.#unused.get(keyId) ?? NO_NAMES;
    const added = less(names, unused);
    this.#unused.set(keyId, less(unused, names));
    if (added.vms === 0 && added.nics === 0) return;
    const before = this.#recorded.get(keyId) ?? NO_NAMES;
    this.#recorded.set(keyId, { vms: before.vms + added.vms, nics: before.nics + added.nics });
    const id = Buffer.from(keyId, 'latin1');
    const row = Buffer.alloc(25 + id.length);
    row[0] = id.length;
    row.set(id, 1);
    row.writeUInt32LE(added.vms, 1 + id.length);
    row.writeUInt32LE(added.nics, 5 + id.length);
    row.writeBigInt64LE(BigInt(this.#now()), 9 + id.length);
    row.writeBigUInt64LE(this.#forgettingSeq, 17 + id.length);
    await this.#store.insertRowBinary('names_brought', STRUCTURE, [row], randomUUID());
  }

  giveBack(keyId: string, names: Names): void {
    const unused = this.#unused.get(keyId) ?? NO_NAMES;
    this.#unused.set(keyId, { vms: unused.vms + names.vms, nics: unused.nics + names.nics });
  }
}
