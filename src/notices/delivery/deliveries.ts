import type { Store } from '../../store/store.ts';
import { binaryText } from '../../store/rowbinary.ts';
import type { Notice } from '../record/notice.ts';
import { fixed } from '../record/outbox.ts';

/**
 * `pending`: nothing was tried yet. `failing`: it is tried again. `delivered`. `given_up`: the last attempt has failed. `dropped`: there is nothing to send
 * any more.
 */
export const DELIVERY_STATES = ['pending', 'failing', 'delivered', 'given_up', 'dropped'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What became of a notice for one subscription. */
export interface Delivery {
  readonly subscription: string;
  readonly n: bigint;
  readonly notice: string;
  /** '' for the first time, else the request by which it is sent again. */
  readonly round: string;
  /** The highest of the same is in force. */
  readonly version: number;
  readonly type: string;
  readonly account: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** Of the last attempt; of what is pending, when it was to be sent. */
  readonly atMs: number;
  /** 0: there is no next attempt. */
  readonly nextAtMs: number;
  /** Whether all that comes after it waits for it: the receiver is gone, and has not refused this one alone. */
  readonly holds: boolean;
  /** Since when nothing got through to the subscription; 0: something did. */
  readonly failingFromMs: number;
  readonly status: number;
  readonly tookMs: number;
  readonly why: string;
}

const STRUCTURE =
  "subscription String, n UInt64, notice String, round String, version UInt32, type String, account String, state String, attempts UInt32, at DateTime64(3, 'UTC'), " +
  "next_at DateTime64(3, 'UTC'), holds UInt8, failing_from DateTime64(3, 'UTC'), status UInt16, took_ms UInt32, why String";

/** The rows in force. */
const LATEST = `SELECT d.subscription AS subscription, d.n AS n, d.notice AS notice, d.round AS round, max(d.version) AS v, any(d.type) AS type,
    any(d.account) AS account, argMax(d.state, d.version) AS state, argMax(d.attempts, d.version) AS attempts,
    toUnixTimestamp64Milli(argMax(d.at, d.version)) AS at, toUnixTimestamp64Milli(argMax(d.next_at, d.version)) AS next_at,
    argMax(d.holds, d.version) AS holds, toUnixTimestamp64Milli(argMax(d.failing_from, d.version)) AS failing_from,
    argMax(d.status, d.version) AS status, argMax(d.took_ms, d.version) AS took_ms, argMax(d.why, d.version) AS why
  FROM deliveries AS d`;
const GROUPS = 'GROUP BY d.subscription, d.n, d.notice, d.round';

interface Row {
  subscription: string;
  n: string;
  notice: string;
  round: string;
  v: number;
  type: string;
  account: string;
  state: DeliveryState;
  attempts: number;
  at: string;
  next_at: string;
  holds: number;
  failing_from: string;
  status: number;
  took_ms: number;
  why: string;
}

export interface DeliveryFilter {
  readonly subscription?: string | undefined;
  readonly account?: string | undefined;
  readonly notice?: string | undefined;
  readonly state?: DeliveryState | undefined;
  /** Only those after this one, in the order of the list. */
  readonly before?: { readonly n: bigint; readonly subscription: string; readonly round: string } | undefined;
}

/** What became of notices, in the table `deliveries`. */
export class Deliveries {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Writes versions durably. */
  async write(deliveries: readonly Delivery[]): Promise<void> {
    await this.#store.insertRowBinary('deliveries', STRUCTURE, deliveries.map(rowOf));
  }

  /** What of a subscription can be sent by now, or stands before what can, in its order; and when the next of the rest is due. */
  async open(
    subscription: string,
    nowMs: number,
    limit: number,
  ): Promise<{ readonly due: readonly Delivery[]; readonly nextMs: number | null }> {
    const rows = await this.#store.rows<Row>(
      `SELECT * FROM (${LATEST} WHERE d.subscription = {subscription:String} ${GROUPS})
       WHERE state = 'pending' OR (state = 'failing' AND (holds = 1 OR next_at <= {now:Int64}))
       ORDER BY n, notice, round LIMIT {limit:UInt32}`,
      { subscription, now: nowMs, limit },
    );
    const [later] = await this.#store.rows<{ next: string; many: string }>(
      `SELECT toString(min(next_at)) AS next, toString(count()) AS many FROM (${LATEST} WHERE d.subscription = {subscription:String} ${GROUPS})
       WHERE state = 'failing' AND holds = 0 AND next_at > {now:Int64}`,
      { subscription, now: nowMs },
    );
    return { due: rows.map(deliveryOf), nextMs: later === undefined || later.many === '0' ? null : Number(later.next) };
  }

  /** Since when nothing got through to a subscription; 0: something did, or nothing was tried. */
  async failingFrom(subscription: string): Promise<number> {
    const [row] = await this.#store.rows<{ failing: string }>(
      `SELECT toString(toUnixTimestamp64Milli(argMax(failing_from, (at, version)))) AS failing FROM deliveries
       WHERE subscription = {subscription:String} AND attempts > 0`,
      { subscription },
    );
    return Number(row?.failing ?? '0');
  }

  /** The newest notices first. */
  async list({ subscription, account, notice, state, before }: DeliveryFilter, limit: number): Promise<Delivery[]> {
    const rows = await this.#store.rows<Row>(
      `SELECT * FROM (${LATEST}
         WHERE ({subscription:String} = '' OR d.subscription = {subscription:String}) AND ({account:String} = '' OR d.account = {account:String})
           AND ({notice:String} = '' OR d.notice = {notice:String}) AND d.n <= {n:UInt64} ${GROUPS})
       WHERE ({state:String} = '' OR state = {state:String})
         AND (n < {n:UInt64} OR (subscription, round) > ({afterSubscription:String}, {afterRound:String}))
       ORDER BY n DESC, subscription, round LIMIT {limit:UInt32}`,
      {
        ...{ subscription: subscription ?? '', account: account ?? '', notice: notice ?? '', state: state ?? '', limit },
        n: (before?.n ?? 2n ** 64n - 1n).toString(),
        afterSubscription: before?.subscription ?? '',
        afterRound: before?.round ?? '',
      },
    );
    return rows.map(deliveryOf);
  }
}

/** A notice that is to be sent to a subscription. */
export function pendingOf(subscription: string, notice: Notice, round: string, nowMs: number): Delivery {
  const { n, id, type, account } = notice;
  return {
    ...{ subscription, n, notice: id, round, version: 0, type, account, state: 'pending', attempts: 0, atMs: nowMs },
    ...{ nextAtMs: 0, holds: false, failingFromMs: 0, status: 0, tookMs: 0, why: '' },
  };
}

function rowOf(delivery: Delivery): Buffer {
  const numbers = Buffer.alloc(4);
  const u32 = (value: number): Buffer => {
    numbers.writeUInt32LE(Math.min(value, 2 ** 32 - 1));
    return Buffer.from(numbers);
  };
  const status = Buffer.alloc(2);
  status.writeUInt16LE(delivery.status);
  return Buffer.concat([
    ...[binaryText(delivery.subscription), fixed(delivery.n), binaryText(delivery.notice), binaryText(delivery.round)],
    ...[u32(delivery.version), binaryText(delivery.type), binaryText(delivery.account ?? ''), binaryText(delivery.state)],
    ...[u32(delivery.attempts), fixed(BigInt(delivery.atMs)), fixed(BigInt(delivery.nextAtMs))],
    ...[Buffer.from([delivery.holds ? 1 : 0]), fixed(BigInt(delivery.failingFromMs)), status, u32(delivery.tookMs)],
    binaryText(delivery.why),
  ]);
}

function deliveryOf(row: Row): Delivery {
  const { subscription, notice, round, v: version, type, state, attempts, status, why } = row;
  return {
    ...{ subscription, notice, round, version, type, state, attempts, status, why },
    n: BigInt(row.n),
    account: row.account === '' ? null : row.account,
    atMs: Number(row.at),
    nextAtMs: Number(row.next_at),
    holds: row.holds === 1,
    failingFromMs: Number(row.failing_from),
    tookMs: row.took_ms,
  };
}
