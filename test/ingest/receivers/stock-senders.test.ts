/** What stock senders post becomes minutes, and they are answered as they expect: by the server of one process and by its ingest workers. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  agentKey,
  allRows,
  type Answer,
  newFolder,
  type ServedFolder,
  type TestServer,
  untilStored,
} from '../../support/server.ts';
import { packed, type SentSeries, version1, version2 } from '../../support/remote-write.ts';

const T0 = Date.parse('2026-03-01T00:00:00Z');
const RX = 'libvirt_domain_interface_stats_receive_bytes_total';
const TX = 'libvirt_domain_interface_stats_transmit_bytes_total';
const STATE = 'libvirt_domain_state_code';

let folder: ServedFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

async function serve(workers: number): Promise<{ server: TestServer; key: string }> {
  folder = await newFolder('stock-senders');
  const server = await folder.start({
    UPTALLY_CLOCK: 'event',
    UPTALLY_RETENTION_DAYS: '0',
    UPTALLY_INGEST_WORKERS: String(workers),
  });
  const { key } = await agentKey(server, 'prometheus-1', ['*']);
  return { server, key };
}

async function makeSource(server: TestServer, id: string, body: object): Promise<void> {
  const made = await server.call(`/v1/sources/${id}`, {
    ...{ method: 'PUT', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
  });
  expect([made.status, made.text]).toEqual([200, expect.stringContaining(`"/v1/receive/`)]);
}

function series(name: string, samples: SentSeries['samples'], more: Record<string, string> = {}): SentSeries {
  return { labels: { __name__: name, domain: 'd', instance: 'hv1:9177', uuid: 'vm-a', ...more }, samples };
}

const NIC = { target_device: 'vnet0' };
const MINUTES = '?from=2026-03-01T00:00:00Z&to=2026-03-01T01:00:00Z';

async function trafficOf(server: TestServer, vm: string): Promise<{ rx: number; tx: number }> {
  const rows = await allRows<{ rx_bytes: number | string; tx_bytes: number | string }>(
    server,
    `/v1/vms/${vm}/traffic${MINUTES}&step=minute`,
  );
  return rows.reduce((sum, row) => ({ rx: sum.rx + Number(row.rx_bytes), tx: sum.tx + Number(row.tx_bytes) }), { rx: 0, tx: 0 });
}

describe.each([
  ['the server of one process', 0],
  ['ingest workers', 1],
])('%s', (_, workers) => {
  it('takes remote write: received and sent bytes in requests of their own, one of them sent again', async () => {
    const { server, key } = await serve(workers);
    await makeSource(server, 'rack-1', { preset: 'libvirt-exporter', link_mbps: 10_000 });
    const post = (
      body: Uint8Array,
      headers: Record<string, string> = {},
      path = '/v1/receive/prometheus/rack-1',
    ): Promise<Answer> =>
      server.call(path, {
        ...{ method: 'POST', key: null, body },
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          ...headers,
        },
      });
    const every15s = Array.from({ length: 9 }, (_, i) => T0 + i * 15_000);
    const rx = packed(
      version1([
        series(
          RX,
          every15s.map((at, i) => [1_000_000 * i, at]),
          NIC,
        ),
      ]),
    );
    const tx = packed(
      version1([
        series(
          TX,
          every15s.map((at, i) => [500 * i, at]),
          NIC,
        ),
        series(
          STATE,
          every15s.map((at) => [1, at]),
        ),
      ]),
    );
    for (const body of [tx, rx, tx]) {
      const { status, headers, text } = await post(body);
      expect([status, text, headers['x-prometheus-remote-write-samples-written']]).toEqual([204, '', undefined]);
    }
    const second = await post(packed(version2([series(STATE, [[1, T0 + 10 * 60_000]])])), {
      'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    });
    expect([second.status, second.headers['x-prometheus-remote-write-samples-written']]).toEqual([204, '1']);
    await untilStored(server);
    expect(await trafficOf(server, 'vm-a')).toEqual({ rx: 8_000_000, tx: 4000 });
    const [first] = await allRows<{ up_ms: number }>(server, `/v1/vms/vm-a/uptime${MINUTES}&step=minute`);
    expect(first?.up_ms).toBe(60_000);

    const zstd = await post(rx, { 'content-encoding': 'zstd' });
    expect(zstd.status).toBe(415);
    expect((await post(rx, { 'content-type': 'application/json' })).status).toBe(415);
    expect((await post(Buffer.from('not snappy'))).status).toBe(400);
    const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    expect((await post(huge)).status).toBe(413);
    expect((await post(rx, {}, '/v1/receive/prometheus/nobody')).status).toBe(404);
    expect((await post(rx, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await post(rx, { authorization: `Basic ${Buffer.from(`any:${key}`).toString('base64')}` })).status).toBe(204);
  });

  it("takes Proxmox' lines: per interface and per VM, and says which line cannot be read", async () => {
    const { server, key } = await serve(workers);
    await makeSource(server, 'pve', { preset: 'proxmox-influx' });
    const write = (
      body: string | Uint8Array,
      headers: Record<string, string> = {},
      path = '/api/v2/write?org=o&bucket=b',
    ): Promise<Answer> =>
      server.call(`/v1/receive/influx/pve${path}`, {
        ...{ method: 'POST', key: null, body },
        headers: { authorization: `Token ${key}`, ...headers },
      });
    const lines = Array.from({ length: 7 }, (_, i) => {
      const ns = `${T0 + i * 10_000}000000`;
      return [
        `nics,object=qemu,vmid=100,nodename=pve1,host=web,instance=tap100i0 netin=${1000 * i},netout=${10 * i} ${ns}`,
        `system,object=qemu,vmid=100,nodename=pve1,host=web cpus=2,netin=9,netout=9,qmpstatus="running",uptime=315039 ${ns}`,
      ].join('\n');
    });
    expect((await write(`${lines.slice(0, 4).join('\n')}\n`)).status).toBe(204);
    expect((await write(gzipSync(lines.slice(3).join('\n')), { 'content-encoding': 'gzip' })).status).toBe(204);
    const partly = await write(`broken\n${lines[0] ?? ''}`);
    expect([partly.status, partly.text]).toEqual([422, expect.stringContaining('line 1 has no fields')]);
    expect((await write('broken')).status).toBe(400);
    expect((await write(lines[0] ?? '', {}, '/write?db=x&precision=h')).status).toBe(400);
    const health = await server.call('/v1/receive/influx/pve/health', { key: null });
    expect(health.json()).toMatchObject({ status: 'pass' });
    expect((await server.call('/v1/receive/influx/pve/ping', { key: null })).status).toBe(204);
    await untilStored(server);
    expect(await trafficOf(server, '100')).toEqual({ rx: 6000, tx: 60 });
  });

  it("takes what comes to senders' own paths for the source that names the key", async () => {
    const { server, key } = await serve(workers);
    const keys = ['prometheus-1'];
    await makeSource(server, 'rack-1', { preset: 'libvirt-exporter', keys });
    await makeSource(server, 'pve', { preset: 'proxmox-influx-sums', keys });
    await makeSource(server, 'otel', { preset: 'otel-hostmetrics', keys });
    await makeSource(server, 'events', { preset: 'cloudevents', keys });
    const taken = await server.call('/v1/sources/rack-2', {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ preset: 'libvirt-exporter', keys }),
    });
    expect([taken.status, taken.text]).toEqual([409, expect.stringContaining('feeds source rack-1')]);
    const post = async (path: string, type: string, body: string | Uint8Array, by = key): Promise<number> => {
      const packing = path === '/api/v1/write' ? { 'content-encoding': 'snappy' } : {};
      const headers = { authorization: `Bearer ${by}`, 'content-type': type, ...packing };
      return (await server.call(path, { method: 'POST', key: null, body, headers })).status;
    };
    const write = packed(version1([series(STATE, [[1, T0]])]));
    const line = `system,object=qemu,vmid=100,nodename=pve1 netin=9,netout=9,pid=4,qmpstatus="running",uptime=3 ${T0}000000`;
    const event = { specversion: '1.0', id: '1', source: 's', type: 'vm.traffic', subject: 'ce', time: '2026-03-01T00:00:00Z' };
    expect(await post('/api/v1/write', 'application/x-protobuf', write)).toBe(204);
    expect(await post('/api/v2/write?org=o&bucket=b', 'text/plain', line)).toBe(204);
    expect(await post('/write?db=d', 'text/plain', line)).toBe(204);
    expect(await post('/v1/metrics', 'application/json', '{"resourceMetrics":[]}')).toBe(200);
    const data = { rx_bytes: 1, tx_bytes: 2 };
    expect(await post('/api/v1/events', 'application/cloudevents+json', JSON.stringify({ ...event, data }))).toBe(204);
    expect(await post('/api/v1/write', 'application/x-protobuf', write, (await agentKey(server, 'other', ['*'])).key)).toBe(404);
    expect((await server.call('/health', { key: null })).json()).toMatchObject({ status: 'pass' });
    await untilStored(server);
    for (const vm of ['vm-a', '100', 'ce']) {
      const { rows } = await server.ask<{ rows: { agent: string }[] }>(`/v1/vms/${vm}/samples${MINUTES}`);
      expect(rows.map(({ agent }) => agent)).toEqual(['prometheus-1']);
    }
  });

  it('counts what became of it, by source', async () => {
    const { server, key } = await serve(workers);
    await makeSource(server, 'rack-1', { preset: 'libvirt-exporter' });
    const body = packed(version1([series(STATE, [[1, T0]]), series('go_goroutines', [[1, T0]]), series(RX, [[-1, T0]], NIC)]));
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
    expect((await server.call('/v1/receive/prometheus/rack-1', { method: 'POST', key: null, body, headers })).status).toBe(204);
    await expect
      .poll(async () => (await server.ask<{ counts: object }>('/v1/sources/rack-1')).counts, { timeout: 30_000 })
      .toEqual({ taken: 1, inexact: 0, left_out: { ignored: 1 }, rejected: { bad_counter: 1 } });
    const [status, metrics] = await Promise.all([
      server.ask<{ sources: object }>('/v1/status'),
      server.call('/metrics', { key: null }),
    ]);
    expect(status.sources).toEqual({
      'rack-1': { taken: 1, inexact: 0, left_out: { ignored: 1 }, rejected: { bad_counter: 1 } },
    });
    for (const outcome of ['taken', 'ignored', 'rejected:bad_counter'])
      expect(metrics.text).toContain(`uptally_source_points{source="rack-1",outcome="${outcome}"} 1`);
    const said = await server.ask<object>('/v1/sources/rack-1/series', {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ series: RX, labels: { uuid: 'vm-a', instance: 'h' }, value: 1 }),
    });
    expect(said).toMatchObject({ outcome: 'rejected', code: 'bad_nic' });
  });
});
