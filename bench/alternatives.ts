/** What else one would use, set up as its manual says, each on a folder of its own: ClickHouse fed directly, and VictoriaMetrics. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { serverMissing, startClickHouseServer } from '../test/support/clickhouse-server.ts';
import { freePort } from '../test/support/free-port.ts';
import type { Destination } from './load.ts';
import { sleep } from './server-process.ts';

export interface Alternative {
  readonly pid: number;
  readonly destination: Destination;
  /** Resolves when everything sent can be queried. */
  stored(): Promise<void>;
  /** Samples that are there. */
  count(): Promise<number>;
  /** Received bytes of a VM, minute by minute, of one that sends at whole minutes. */
  minutes(vm: string, fromMs: number, toMs: number): Promise<number[]>;
  stop(): Promise<void>;
}

const TABLES = [
  'CREATE TABLE samples (vm LowCardinality(String), ts DateTime64(3), nic LowCardinality(String), rx_bytes UInt64, tx_bytes UInt64) ENGINE = MergeTree ORDER BY (vm, nic, ts)',
  `CREATE TABLE minutes (vm LowCardinality(String), nic LowCardinality(String), minute DateTime, first_rx SimpleAggregateFunction(min, UInt64), last_rx SimpleAggregateFunction(max, UInt64),
     first_tx SimpleAggregateFunction(min, UInt64), last_tx SimpleAggregateFunction(max, UInt64), samples SimpleAggregateFunction(sum, UInt64))
   ENGINE = AggregatingMergeTree ORDER BY (vm, nic, minute)`,
  `CREATE MATERIALIZED VIEW to_minutes TO minutes AS SELECT vm, nic, toStartOfMinute(ts) AS minute, min(rx_bytes) AS first_rx, max(rx_bytes) AS last_rx,
     min(tx_bytes) AS first_tx, max(tx_bytes) AS last_tx, count() AS samples FROM samples GROUP BY vm, nic, minute`,
];

/** A server of the same engine with a materialized view to minutes. Simpler than what we compute: no gaps, resets, outages, late samples. */
export async function startClickHouse({ async }: { readonly async: boolean }): Promise<Alternative | string> {
  const missing = serverMissing();
  if (missing !== undefined) return `ClickHouse: ${missing}`;
  const server = await startClickHouseServer();
  const query = async (sql: string): Promise<string> => {
    const answer = await fetch(server.url, { method: 'POST', body: sql });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text.trim();
  };
  for (const table of TABLES) await query(table);
  const settings = async ? '&async_insert=1&wait_for_async_insert=1' : '';
  return {
    pid: server.pid ?? 0,
    destination: {
      url: server.url,
      path: `/?query=${encodeURIComponent('INSERT INTO samples FORMAT JSONEachRow')}${settings}`,
      headers: { 'content-type': 'application/x-ndjson' },
    },
    // an insert is answered when its rows, and those of its views, can be read
    stored: () => Promise.resolve(),
    count: async () => {
      const [raw = '', viewed = ''] = (await query('SELECT (SELECT count() FROM samples), (SELECT sum(samples) FROM minutes)')).split('\t');
      if (raw !== viewed) throw new Error(`ClickHouse has ${raw} samples and its view ${viewed}`);
      return Number(raw);
    },
    minutes: async (vm, fromMs, toMs) => {
      const rows = await query(
        `SELECT leadInFrame(first_rx) OVER (ORDER BY minute ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) - first_rx FROM
           (SELECT minute, min(first_rx) AS first_rx FROM minutes WHERE vm = '${vm}' AND minute >= ${fromMs / 1000} AND minute <= ${toMs / 1000} GROUP BY minute)
         ORDER BY minute LIMIT ${(toMs - fromMs) / 60_000}`,
      );
      return rows.split('\n').map(Number);
    },
    stop: () => server.stop(),
  };
} // prettier-ignore

/** VictoriaMetrics as Debian packages it; what it is missing as text where it can't run. It keeps points, and computes minutes when asked. */
export async function startVictoriaMetrics(dir: string): Promise<Alternative | string> {
  try {
    execFileSync('victoria-metrics', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'VictoriaMetrics is not installed (on Debian, as root: apt-get install victoria-metrics)';
  }
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'victoria-metrics',
    [`-storageDataPath=${dir}`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=10y', '-loggerLevel=ERROR'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const gone = once(child, 'exit');
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(url + path);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`VictoriaMetrics: ${text}`);
    return text;
  };
  for (let tries = 0; ; tries++) {
    try {
      await ask('/health');
      break;
    } catch (error) {
      if (tries > 200) throw error;
      await sleep(50);
    }
  }
  const flushed = async (): Promise<void> => {
    await ask('/internal/force_flush');
  };
  return {
    pid: child.pid ?? 0,
    destination: { url, path: '/api/v1/import/prometheus', headers: { 'content-type': 'text/plain' } },
    stored: flushed,
    count: async () => {
      await flushed();
      const lines = (await ask('/api/v1/export?match%5B%5D=vm_rx_bytes&reduce_mem_usage=1')).trim().split('\n');
      return lines.reduce((sum, line) => sum + (JSON.parse(line) as { values: number[] }).values.length, 0);
    },
    minutes: async (vm, fromMs, toMs) => {
      const text = await ask(`/api/v1/export?match%5B%5D=${encodeURIComponent(`vm_rx_bytes{vm="${vm}"}`)}&reduce_mem_usage=1`);
      // a series comes in as many lines as it has blocks
      const at = new Map<number, number>();
      for (const line of text.trim().split('\n')) {
        const { values, timestamps } = JSON.parse(line) as { values: number[]; timestamps: number[] };
        timestamps.forEach((ts, i) => at.set(ts, values[i] ?? NaN));
      }
      return Array.from({ length: (toMs - fromMs) / 60_000 }, (_, i) => {
        const ms = fromMs + i * 60_000;
        return (at.get(ms + 60_000) ?? NaN) - (at.get(ms) ?? NaN);
      });
    },
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
