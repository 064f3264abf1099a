import type { Store } from '../../src/store/store.ts';

/** Seconds or milliseconds of a UTC time of 2026-03-01, as ClickHouse reads it: `"00:10"` or `"00:10:00.500"`. */
function at(time: string): string {
  return `2026-03-01 ${time.length === 5 ? `${time}:00` : time}`;
}

/** Milliseconds since the epoch of the same. */
export function ms(time: string): number {
  return Date.parse(`${at(time).replace(' ', 'T')}Z`);
}

/** Rows as the aggregator would store them, on 2026-03-01. */
export async function insertUptime(store: Store, vm: string, minute: string, upMs: number, version: number): Promise<void> {
  await store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${at(minute)}', ${upMs}, ${version})`);
}

export async function insertOutage(
  store: Store,
  row: { vm: string; start: string; end: string | null; condition: number; withdrawn?: boolean; version: number },
): Promise<void> {
  const end = row.end === null ? '1970-01-01 00:00:00.000' : at(row.end);
  await store.command(
    `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version)
     VALUES ('${row.vm}', '${at(row.start)}', '${end}', ${row.condition}, ${row.withdrawn === true ? 1 : 0}, ${row.version})`,
  );
}

export async function insertTraffic(
  store: Store,
  vm: string,
  nic: string,
  minute: string,
  rx: bigint,
  tx: bigint,
  version: number,
): Promise<void> {
  await store.command(
    `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', '${nic}', '${at(minute)}', ${rx}, ${tx}, ${version})`,
  );
}

export async function insertSample(
  store: Store,
  row: {
    vm: string;
    nic: string;
    ts: string;
    pos: number;
    condition: number;
    epoch?: number;
    rx?: bigint;
    tx?: bigint;
    agent: string;
  },
): Promise<void> {
  await store.command(
    `INSERT INTO samples (vm, nic, ts, pos, condition, has_counters, epoch, rx_bytes, tx_bytes, agent)
     VALUES ('${row.vm}', '${row.nic}', '${at(row.ts)}', ${row.pos}, ${row.condition}, ${row.rx === undefined ? 0 : 1}, ${row.epoch ?? 0},
             ${row.rx ?? 0n}, ${row.tx ?? 0n}, '${row.agent}')`,
  );
}

const ANOMALY_COLUMNS =
  '(vm, nic, ts, kind, pos, a_ts, a_condition, a_has_counters, a_epoch, a_rx_bytes, a_tx_bytes, b_condition, b_has_counters, b_epoch, b_rx_bytes, b_tx_bytes, withdrawn, version)';

/** Two VMs of one account on 2026-03-01, as the tests of queries and of HTTP expect them; v2's service ends at 01:30. */
export async function insertFleet(store: Store): Promise<void> {
  // v1 begins at 00:00:30 and has rows up to 03:00; an older version of its first minute said otherwise.
  await insertUptime(store, 'v1', '00:00', 60_000, 5);
  await insertUptime(store, 'v1', '00:00', 30_000, 10);
  await insertUptime(store, 'v1', '02:59', 60_000, 10);
  await insertOutage(store, { vm: 'v1', start: '00:10', end: '00:50', condition: 2, version: 2 });
  await insertOutage(store, { vm: 'v1', start: '00:10', end: '00:12:30.000', condition: 1, version: 3 });
  await insertOutage(store, { vm: 'v1', start: '00:20', end: '00:40', condition: 1, version: 3 });
  await insertOutage(store, { vm: 'v1', start: '00:20', end: '00:40', condition: 1, withdrawn: true, version: 4 });
  await insertOutage(store, { vm: 'v1', start: '01:00', end: '01:30:00.001', condition: 8, version: 5 });
  await insertOutage(store, { vm: 'v1', start: '02:50', end: null, condition: 6, version: 6 });
  await insertUptime(store, 'v2', '01:00', 60_000, 10);
  await insertUptime(store, 'v2', '01:59', 60_000, 10);
  await insertOutage(store, { vm: 'v2', start: '01:29:59.500', end: null, condition: 1, version: 6 });

  const max = 2n ** 64n - 1n;
  await insertTraffic(store, 'v1', 'eth0', '00:00', 100n, 1n, 1);
  await insertTraffic(store, 'v1', 'eth0', '00:00', 50n, 2n, 2);
  await insertTraffic(store, 'v1', 'eth1', '00:30', max, 0n, 1);
  await insertTraffic(store, 'v1', 'eth0', '01:00', max, 0n, 1);
  await insertTraffic(store, 'v1', 'eth0', '01:01', 5n, 5n, 1);
  await insertTraffic(store, 'v1', 'eth0', '01:01', 0n, 0n, 2);
  await insertTraffic(store, 'v2', '', '01:29', 7n, 7n, 1);
  await insertTraffic(store, 'v2', '', '01:30', 9n, 9n, 1);

  await insertSample(store, { vm: 'v1', nic: 'eth0', ts: '00:00:30.000', pos: 1, condition: 0, rx: 1n, tx: max, agent: 'h1' });
  await insertSample(store, { vm: 'v1', nic: 'eth0', ts: '00:00:30.000', pos: 9, condition: 0, rx: 2n, tx: max, agent: 'h2' });
  await insertSample(store, { vm: 'v1', nic: 'eth1', ts: '00:00:30.000', pos: 2, condition: 1, epoch: 7, agent: 'h1' });
  await insertSample(store, { vm: 'v1', nic: 'eth0', ts: '00:00:40.250', pos: 3, condition: 6, agent: 'h1' });
  await store.command(
    `INSERT INTO anomalies ${ANOMALY_COLUMNS} SELECT 'v1', 'eth0', '2026-03-01 00:00:30.000', 2, 9, '2026-03-01 00:00:30.000', 0, 1, 0, 1, ${max}, 0, 1, 0, 2, ${max}, 0, 9`,
  );
  await store.command(
    `INSERT INTO anomalies ${ANOMALY_COLUMNS} SELECT 'v1', 'eth0', '2026-03-01 00:02:00.000', 1, 0, '2026-03-01 00:01:00.000', 0, 1, 0, 5, 5, 0, 1, 0, ${max}, 5, 0, 9`,
  );
  // Withdrawn again by a later version.
  for (const [withdrawn, version] of [
    [0, 9],
    [1, 10],
  ]) {
    await store.command(
      `INSERT INTO anomalies ${ANOMALY_COLUMNS} SELECT 'v2', '', '2026-03-01 00:03:00.000', 1, 0, '2026-03-01 00:01:00.000', 0, 1, 0, 5, 5, 0, 1, 0, 1, 5, ${withdrawn ?? 0}, ${version ?? 0}`,
    );
  }
}
