/** Two Prometheus that scrape the same, before two doors that share nothing but the database. */
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { emptyClickHouse } from '../support/empty-clickhouse.ts';
import { BYTES_A_SECOND, scrapes, T0 } from '../support/replica-pair.ts';
import { type Roles, startRoles, untilReady } from '../support/roles.ts';
import { ADMIN_KEY, agentKey, allRows, postLines, sendJson, untilStored } from '../support/server.ts';

const HOUR = '?from=2026-03-01T00:00:00Z&to=2026-03-01T01:00:00Z';
let roles: Roles;

beforeEach(async () => {
  await emptyClickHouse(inject('clickhouseUrl'));
  roles = await startRoles({
    ...{ brokers: inject('kafkaBrokers'), clickhouseUrl: inject('clickhouseUrl') },
    ...{ partitions: 2, ingest: 2, aggregate: 1 },
    env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' },
  });
  await Promise.all([...roles.ingest, ...roles.aggregate, ...roles.api].map((server) => untilReady(server)));
});
afterEach(() => roles.end('SIGKILL'));

it('G4, T3: are billed once, whichever door each post comes to; a door that dies takes no decision along; the second is heard when the first is silent', async () => {
  const { key } = await agentKey(roles.front, 'prometheus', ['*']);
  const replica = { cluster: 'cluster', replica: '__replica__', failover_s: 5 };
  await sendJson(roles.front, 'PUT', '/v1/sources/pair', { preset: 'libvirt-exporter', interval_s: 1, replica });
  let turn = 0;
  const post = async (body: Uint8Array): Promise<number> => {
    const door = roles.ingest[turn++ % roles.ingest.length];
    const answer = await door?.call('/v1/receive/prometheus/pair', {
      ...{ method: 'POST', key: null, body },
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    });
    return answer?.status ?? 0;
  };
  const untilTaken = async (body: Uint8Array): Promise<number> => {
    const ends = performance.now() + 60_000;
    for (let refused = 0; ; refused++) {
      const status = await post(body);
      if (status === 204) return refused;
      // 404: the door has not heard of the source yet
      expect([404, 503]).toContain(status);
      if (performance.now() > ends) throw new Error(`refused for a minute: ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  const told = async (): Promise<{ rx: number; heard: readonly string[] }> => {
    expect((await postLines(roles.front, ADMIN_KEY, [`{"vm":"clock","ts":${T0 + 20 * 60_000}}`])).status).toBe(202);
    await untilStored(roles.front);
    const traffic = await allRows<{ rx_bytes: number }>(roles.front, `/v1/vms/vm-a/traffic${HOUR}&step=hour`);
    const { replicas } = await roles.front.ask<{ replicas: readonly { heard: string }[] }>('/v1/sources/pair');
    return { rx: traffic.reduce((sum, row) => sum + row.rx_bytes, 0), heard: replicas.map(({ heard }) => heard) };
  };
  const a = (from: number, to: number): Buffer => scrapes('a', from, to, 0, 0);
  const b = (from: number, to: number): Buffer => scrapes('b', from, to, 4_000, -4_500);
  for (let i = 0; i < 8; i++) {
    await untilTaken(a(i, i + 1));
    // both doors are asked: what b tells is nobody's business yet
    for (let door = 0; door < 2; door++) await untilTaken(b(i, i + 1));
  }
  expect(await told()).toEqual({ rx: 7 * 15 * BYTES_A_SECOND, heard: ['a'] });

  await roles.ingest[0]?.end('SIGKILL');
  await untilReady(await roles.start('ingest'));
  for (const body of [a(0, 8), a(0, 8)]) await untilTaken(body);
  for (const body of [b(0, 8), b(0, 8)]) await untilTaken(body);
  expect(await told()).toEqual({ rx: 7 * 15 * BYTES_A_SECOND, heard: ['a'] });

  expect(await untilTaken(b(8, 16))).toBeGreaterThan(2);
  for (const body of [a(4, 16), a(4, 16), b(0, 16)]) await untilTaken(body);
  expect(await told()).toEqual({ rx: (15 * 15 + 4 - 4.5) * BYTES_A_SECOND, heard: ['b'] });
  const { samples } = await roles.front.status();
  expect(samples.conflict).toBe(0);
  expect(samples.quarantined).toBe(0);
});
