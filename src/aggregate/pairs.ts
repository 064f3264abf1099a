/** Pairs of consecutive counters of a chain between which something else than a usual increase may lie, out of the archive. */
import { literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import type { Chain, Counted, Pair } from './tables.ts';

const PAIRS_A_QUERY = 20_000;

type Told = [ts: string, condition: number, epoch: number, rx: string, tx: string, started: string, link: number, sum: number];
type Row = Chain & { readonly a: Told; readonly b: Told };

/**
 * A VM's pairs with another epoch, a later start, a fall, or an increase that is about as fast as the link or faster; by chain and time.
 * @param linkBps bits a second, where a sample says none
 */
export async function* pairsThatMatter(store: Store, vm: string, upTo: bigint, linkBps: bigint): AsyncGenerator<Pair> {
  let after = '';
  for (;;) {
    const rows: readonly Row[] = await store.rows<Row>(
      `SELECT nic, host, part, a, b FROM (
         SELECT nic, host, part, told AS b, lagInFrame(told, 1) OVER w AS a, row_number() OVER w AS place
         FROM (SELECT nic, host, part, (toUnixTimestamp64Milli(ts), condition, epoch, rx_bytes, tx_bytes, started_ms, link_mbps, is_sum) AS told, has_counters
               FROM samples WHERE vm = ${literal(vm)} AND pos <= ${upTo} ORDER BY nic, host, part, ts, pos DESC LIMIT 1 BY nic, host, part, ts)
         WHERE has_counters = 1
         WINDOW w AS (PARTITION BY nic, host, part ORDER BY told.1 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
       WHERE place > 1 AND (b.3 != a.3 OR b.6 > a.1 OR b.4 < a.4 OR b.5 < a.5
         OR toFloat64(greatest(toInt128(b.4) - toInt128(a.4), toInt128(b.5) - toInt128(a.5))) * 8000.1 > if(b.7 = 0, ${linkBps}., b.7 * 1000000.) * toFloat64(b.1 - a.1))
         ${after}
       ORDER BY nic, host, part, b.1 LIMIT ${PAIRS_A_QUERY}`,
    );
    for (const { nic, host, part, a, b } of rows) yield { chain: { nic, host, part }, a: countedIn(a), b: countedIn(b) };
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAIRS_A_QUERY) return;
    after = `AND (nic, host, part, b.1) > (${literal(last.nic)}, ${literal(last.host)}, ${last.part}, ${last.b[0]})`;
  }
}

function countedIn([ts, condition, epoch, rx, tx, started, link, sum]: Told): Counted {
  return {
    ...{ tsMs: Number(ts), condition, epoch, rx: BigInt(rx), tx: BigInt(tx), isSum: sum !== 0 },
    startedMs: Number(started) < 0 ? undefined : Number(started),
    linkMbps: link === 0 ? undefined : link,
  };
}
