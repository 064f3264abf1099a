import type { Store } from '../../store/store.ts';
import { binaryText } from '../../store/rowbinary.ts';
import type { Notice, NoticeDraft } from './notice.ts';
import { NOTICE_TYPES, type NoticeType } from './types.ts';

const STRUCTURE =
  "n UInt64, id String, type String, account String, at DateTime64(3, 'UTC'), recorded_at DateTime64(3, 'UTC'), data String";
const COLUMNS =
  'o.id AS id, any(o.type) AS type, any(o.account) AS account, toUnixTimestamp64Milli(any(o.at)) AS at, any(o.data) AS data, ' +
  'toUnixTimestamp64Milli(any(o.recorded_at)) AS recorded';

interface Row {
  n: string;
  id: string;
  type: string;
  account: string;
  at: string;
  data: string;
  recorded: string;
}

/** Ids asked for in one statement, and how many are known by heart. */
const IDS_A_STATEMENT = 500;
const KNOWN_MAX = 100_000;

/** What a list of notices asks for; the newest come first. */
export interface NoticeFilter {
  readonly account?: string | undefined;
  readonly type?: string | undefined;
  readonly id?: string | undefined;
  readonly before?: bigint | undefined;
}

/** A notice with when it was put on record. */
export type StoredNotice = Notice & { readonly recordedAtMs: number };

/** Notices on record, in the table `notices`. One process at a time adds to it; what another added meanwhile under the same id is the same notice. */
export class Outbox {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #known = new Set<string>();
  #last: bigint | undefined;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Puts those on record that are not, durably, and answers all of them as they stand. */
  async record(drafts: readonly NoticeDraft[]): Promise<Notice[]> {
    const unique = [...new Map(drafts.map((draft) => [draft.id, draft])).values()];
    const found = new Map<string, Notice>();
    for (let i = 0; i < unique.length; i += IDS_A_STATEMENT)
      for (const each of await this.byIds(unique.slice(i, i + IDS_A_STATEMENT).map(({ id }) => id))) found.set(each.id, each);
    this.#last ??= await this.#lastNumber();
    const nowMs = this.#now();
    const rows: Buffer[] = [];
    for (const draft of unique) {
      if (found.has(draft.id)) continue;
      const least = BigInt(nowMs) * 1000n;
      this.#last = this.#last >= least ? this.#last + 1n : least;
      const notice = { ...draft, n: this.#last };
      found.set(draft.id, notice);
      rows.push(rowOf(notice, nowMs));
    }
    await this.#store.insertRowBinary('notices', STRUCTURE, rows);
    return [...found.values()].sort((a, b) => (a.n < b.n ? -1 : 1));
  }

  /** These are on record, with all whom they are for. */
  learn(notices: readonly Notice[]): void {
    for (const { id } of notices) this.#known.add(id);
    for (const id of this.#known) {
      if (this.#known.size <= KNOWN_MAX) return;
      this.#known.delete(id);
    }
  }

  /** Those that this process has not learnt of: a filter for what is looked at again and again. */
  unknown(drafts: readonly NoticeDraft[]): NoticeDraft[] {
    return drafts.filter(({ id }) => !this.#known.has(id));
  }

  async byIds(ids: readonly string[]): Promise<Notice[]> {
    if (ids.length === 0) return [];
    const rows = await this.#store.rows<Row>(
      `SELECT min(o.n) AS n, ${COLUMNS} FROM notices AS o WHERE o.id IN {ids:Array(String)} GROUP BY o.id ORDER BY n`,
      { ids },
    );
    return rows.map(noticeOf);
  }

  /** Those recorded in a time, in their order, after a number, so many at most. */
  async between(fromMs: number, toMs: number, after: bigint, limit: number): Promise<Notice[]> {
    const rows = await this.#store.rows<Row>(
      `SELECT o.n AS n, ${COLUMNS} FROM notices AS o
       WHERE o.n > {after:UInt64} AND o.recorded_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
         AND o.recorded_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
       GROUP BY o.n, o.id ORDER BY n, id LIMIT {limit:UInt32}`,
      { after: after.toString(), from: fromMs, to: toMs, limit },
    );
    return rows.map(noticeOf);
  }

  /** The newest first. */
  async list({ account, type, id, before }: NoticeFilter, limit: number): Promise<StoredNotice[]> {
    const rows = await this.#store.rows<Row>(
      `SELECT o.n AS n, ${COLUMNS} FROM notices AS o
       WHERE o.n < {before:UInt64} AND ({account:String} = '' OR o.account = {account:String})
         AND ({type:String} = '' OR o.type = {type:String}) AND ({id:String} = '' OR o.id = {id:String})
       GROUP BY o.n, o.id ORDER BY n DESC LIMIT {limit:UInt32}`,
      { before: (before ?? 2n ** 64n - 1n).toString(), account: account ?? '', type: type ?? '', id: id ?? '', limit },
    );
    return rows.map((row) => ({ ...noticeOf(row), recordedAtMs: Number(row.recorded) }));
  }

  async #lastNumber(): Promise<bigint> {
    const [row] = await this.#store.rows<{ last: string }>('SELECT toString(max(n)) AS last FROM notices');
    return BigInt(row?.last ?? '0');
  }
}

function rowOf({ n, id, type, account, atMs, data }: Notice, recordedAtMs: number): Buffer {
  return Buffer.concat([
    fixed(n),
    binaryText(id),
    binaryText(type),
    binaryText(account ?? ''),
    fixed(BigInt(atMs)),
    fixed(BigInt(recordedAtMs)),
    binaryText(data),
  ]);
}

/** 8 bytes, as RowBinary has them. */
export function fixed(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt.asIntN(64, value));
  return buffer;
}

function noticeOf({ n, id, type, account, at, data }: Row): Notice {
  return { n: BigInt(n), id, type: typeNamed(type), account: account === '' ? null : account, atMs: Number(at), data };
}

export function typeNamed(text: string): NoticeType {
  const type = NOTICE_TYPES.find((each) => each === text);
  if (type === undefined) throw new Error(`a notice of type ${text} is on record, which this version does not know`);
  return type;
}
