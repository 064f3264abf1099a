/** The rows that count, as text: the newest version of each, in the order of its key, without the positions in a log that they were computed at. */
import type { Store } from '../../src/store/store.ts';

const PARTS =
  'up_ms, provider_ms, third_party_ms, maintenance_ms, force_majeure_ms, attack_ms, customer_ms, arrears_ms, silent_ms';
const ANOMALY =
  'a_ts, a_condition, a_has_counters, a_epoch, a_rx_bytes, a_tx_bytes, b_condition, b_has_counters, b_epoch, b_rx_bytes, b_tx_bytes';

const TABLES = {
  // every version that was not a repeat, in the order of the log
  samples: `SELECT vm, nic, ts, any((condition, has_counters, epoch, rx_bytes, tx_bytes, started_ms, link_mbps, is_sum, hold_s, host, part, agent)) AS sample
            FROM samples GROUP BY vm, nic, ts, pos ORDER BY vm, nic, ts, pos`,
  // minutes that are wholly silent may be stored or not
  uptime: `SELECT vm, minute, argMax((${PARTS}, unavailable, credit_nanos), version) AS row
           FROM uptime GROUP BY vm, minute
           HAVING row.1 + row.2 + row.3 + row.4 + row.5 + row.6 + row.7 + row.8 + row.9 > 0 AND row.9 < 60000 ORDER BY vm, minute`,
  traffic: `SELECT vm, nic, host, part, minute, argMax((rx_bytes, tx_bytes), version) AS row
            FROM traffic GROUP BY vm, nic, host, part, minute HAVING row.1 > 0 OR row.2 > 0 ORDER BY vm, nic, host, part, minute`,
  outages: `SELECT vm, start_at, argMax((end_at, condition), version) AS row
            FROM outages GROUP BY vm, start_at HAVING argMax(withdrawn, version) = 0 ORDER BY vm, start_at`,
  anomalies: `SELECT vm, nic, host, part, ts, kind, argMax((${ANOMALY}), version) AS row
              FROM anomalies GROUP BY vm, nic, host, part, ts, kind, pos HAVING argMax(withdrawn, version) = 0
              ORDER BY vm, nic, host, part, ts, kind, row`,
} as const;

/** A table's rows, a line each. */
export type Dump = Readonly<Record<keyof typeof TABLES, string>>;

export async function dumpRows(store: Store): Promise<Dump> {
  const dumped: [string, string][] = [];
  for (const [table, sql] of Object.entries(TABLES)) {
    dumped.push([table, Buffer.from(await store.ndjson(sql)).toString()]);
  }
  return Object.fromEntries(dumped) as Dump;
}
