/** Two Prometheus that scrape the same: what one of them tells is billed, and when it falls silent what the other tells. */
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { BYTES_A_SECOND, scrapes, T0 } from '../../support/replica-pair.ts';
import {
  ADMIN_KEY,
  agentKey,
  allRows,
  newFolder,
  postLines,
  sendJson,
  type ServedFolder,
  type TestServer,
  untilStored,
} from '../../support/server.ts';

const HOUR = '?from=2026-03-01T00:00:00Z&to=2026-03-01T01:00:00Z';
/** The shortest that may be set. */
const FAILOVER_S = 5;

let folder: ServedFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

async function told(server: TestServer): Promise<{ rx: number; counts: Record<string, number>; heard: unknown; up: number }> {
  // the clock goes on by another's sample: all minutes before are over
  const clock = `{"vm":"clock","ts":${T0 + 20 * 60_000}}`;
  expect((await postLines(server, ADMIN_KEY, [clock])).status).toBe(202);
  await untilStored(server);
  const traffic = await allRows<{ rx_bytes: number }>(server, `/v1/vms/vm-a/traffic${HOUR}&step=hour`);
  const uptime = await allRows<{ up_ms: number }>(server, `/v1/vms/vm-a/uptime${HOUR}&step=hour`);
  const { counts, replicas } = await server.ask<{
    counts: { taken: number; left_out: Record<string, number> };
    replicas: readonly { cluster: string; heard: string }[];
  }>('/v1/sources/pair');
  return {
    rx: traffic.reduce((sum, row) => sum + row.rx_bytes, 0),
    counts: { taken: counts.taken, passed: counts.left_out['replica'] ?? 0 },
    heard: replicas.map(({ cluster, heard }) => `${cluster} ${heard}`),
    up: uptime.reduce((sum, row) => sum + row.up_ms, 0),
  };
}

describe.each([
  ['the server of one process', 0],
  ['two ingest workers', 2],
])('two that tell the same, by %s', (_, workers) => {
  it('G4, T3: are billed once; a restart changes nothing; one that falls silent is followed, with nothing lost between them and nothing twice', async () => {
    folder = await newFolder('replicas');
    const env = { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_INGEST_WORKERS: String(workers) };
    let server = await folder.start(env);
    const { key } = await agentKey(server, 'prometheus', ['*']);
    const replica = { cluster: 'cluster', replica: '__replica__', failover_s: FAILOVER_S };
    await sendJson(server, 'PUT', '/v1/sources/pair', { preset: 'libvirt-exporter', interval_s: 1, replica });
    const headers = {
      ...{ authorization: `Bearer ${key}`, connection: 'close' },
      ...{ 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    };
    const post = async (body: Uint8Array): Promise<number> =>
      (await server.call('/v1/receive/prometheus/pair', { method: 'POST', key: null, body, headers })).status;
    // b's clock is ahead: between the two counters would fall again and again
    const a = (from: number, to: number): Buffer => scrapes('a', from, to, 0, 0);
    const b = (from: number, to: number): Buffer => scrapes('b', from, to, 4_000, -4_500);
    // each post on a connection of its own, so that it may come to either worker
    for (let i = 0; i < 8; i++) for (const body of [a(i, i + 1), b(i, i + 1)]) expect(await post(body)).toBe(204);
    // sent again, cut otherwise
    for (const body of [b(0, 8), a(0, 8), a(3, 5)]) expect(await post(body)).toBe(204);
    const steady = await told(server);
    expect(steady.rx).toBe(7 * 15 * BYTES_A_SECOND);
    expect(steady.heard).toEqual(['rack a']);
    // workers tell what they counted once a second
    await until('all to be counted', async () => (await told(server)).counts['passed'] === 2 * 16);

    await server.end('SIGKILL');
    server = await folder.start(env);
    expect(await post(b(0, 8))).toBe(204);
    expect(await post(a(0, 8))).toBe(204);
    expect((await told(server)).rx).toBe(steady.rx);
    expect((await server.status()).samples.conflict).toBe(0);

    // a tells nothing more: b is told to send again, until it is heard
    const answers: number[] = [];
    for (let ends = performance.now() + 30_000; performance.now() < ends;) {
      const status = await post(b(8, 16));
      answers.push(status);
      if (status === 204) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(answers.at(-1)).toBe(204);
    expect(answers.slice(0, -1).every((status) => status === 503)).toBe(true);
    expect(answers.length).toBeGreaterThan(4);
    // a comes back, with what it has told already and with what b has told meanwhile
    expect(await post(a(4, 16))).toBe(204);
    const after = await told(server);
    const lastOfB = (15 * 15 + 4 - 4.5) * BYTES_A_SECOND;
    expect(after.rx).toBe(lastOfB);
    expect(after.heard).toEqual(['rack b']);
    const { rows } = await server.ask<{ rows: unknown[] }>(`/v1/anomalies${HOUR}`);
    expect(rows).toEqual([]);
    // up from the first instant to the last, and as long as a state holds
    expect(after.up).toBe(15 * 15_000 + 4_000 + 90_000);
  });
});
