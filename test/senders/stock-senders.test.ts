/**
 * Senders as they are shipped, against the server as it is, over libvirt's test driver, whose interfaces receive 100,000 bytes a second and send 50,000:
 * Prometheus, vmagent and collectd of Debian, OpenTelemetry's exporters, and a Proxmox VE cluster that writes what the real one does. The server is
 * killed while all of them send, and so is each sender but OpenTelemetry's; what is billed is then what went through.
 */
import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saySkipped } from '../real/data-folder.ts';
import { freePort } from '../support/free-port.ts';
import { ProxmoxCluster, serveCluster, type ServedCluster, TOKEN } from '../support/proxmox-cluster.ts';
import { COLLECTD_PLUGINS, COLLECTD_TYPES, missingSenders, type Program, PROGRAMS, startProgram } from '../support/senders.ts';
import {
  agentKey,
  allRows,
  MAIN,
  newFolder,
  type RawJson,
  sendJson,
  type ServedFolder,
  type TestServer,
  untilStored,
} from '../support/server.ts';

const NODE = `test://${fileURLToPath(new URL('../support/libvirt/node.xml', import.meta.url))}`;
/** One of its domains. */
const DOMAIN = 'web';
const RX_A_SECOND = 100_000;
const TX_A_SECOND = 50_000;
const PATIENCE_MS = 60_000;
/** Samples that everybody has to have got through before the next thing happens. */
const STEP = 5;

const missing = missingSenders();
if (missing !== null) saySkipped('stock senders', missing);

interface Samples {
  readonly vm: string;
  readonly rows: readonly (RawJson & { readonly host?: string; readonly started_at?: string })[];
}

let folder: ServedFolder;
let server: TestServer;
let cluster: ProxmoxCluster;
let served: ServedCluster;
const programs: Program[] = [];
let port: number;
let key: string;
let ticking: NodeJS.Timeout;
const exporters: MeterProvider[] = [];
const counted = new Map<string, number>();
/** Seconds in which the cluster counted. */
const rounds: number[] = [];
let inventory: readonly string[];
const udp = createSocket('udp4');
const started = Date.now();

const env = (): Record<string, string> => ({ UPTALLY_PORT: String(port), UPTALLY_INGEST_WORKERS: '0' });
const url = (path: string): string => `http://127.0.0.1:${port}/v1/receive/${path}`;
const file = (name: string, text: string): string => {
  const path = join(folder.dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const launch = (command: string, ...args: string[]): Program => {
  const program = startProgram(command, args, {
    cwd: folder.dir,
    env: { PATH: process.env['PATH'], UPTALLY_SERVER: `http://127.0.0.1:${port}`, UPTALLY_KEY: key },
  });
  programs.push(program);
  return program;
};
const agent = (...args: string[]): Program => launch(process.execPath, MAIN, 'agent', ...args);

async function samplesOf(vm: string): Promise<Samples> {
  const path = `/v1/vms/${vm}/samples?from=${started - 60_000}&to=${Date.now() + 600_000}`;
  // nothing has come of it yet
  if ((await server.call(path)).status === 404) return { vm, rows: [] };
  return { vm, rows: await allRows<RawJson>(server, path) };
}

/** Resolves when each VM has so many samples with counters more than before. */
async function untilMore(vms: readonly string[], more: number): Promise<void> {
  const count = async (vm: string): Promise<number> =>
    (await samplesOf(vm)).rows.filter(({ rx_bytes: rx }) => rx !== undefined).length;
  const before = new Map<string, number>();
  for (const vm of vms) before.set(vm, await count(vm));
  const deadline = performance.now() + PATIENCE_MS;
  for (const vm of vms) {
    while ((await count(vm)) < (before.get(vm) ?? 0) + more) {
      if (performance.now() > deadline)
        throw new Error(`no more of ${vm}; ${programs.map((one) => one.said().slice(-600)).join('\n---\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const libvirtSource = (prefix: string): object => ({ preset: 'libvirt-exporter', vm: `${prefix}-{domain}` });

describe.skipIf(missing !== null)('stock senders', () => {
  beforeAll(async () => {
    folder = await newFolder('senders');
    port = await freePort();
    server = await folder.start(env());
    ({ key } = await agentKey(server, 'senders', ['*']));
    const sources = {
      prometheus: libvirtSource('prom'),
      vmagent: libvirtSource('vma'),
      collectd: { preset: 'collectd-virt', vm: 'coll-{plugin_instance}' },
      otlp: { preset: 'otel-hostmetrics' },
      'pve-http': { preset: 'proxmox-influx', vm: 'http-{vmid}' },
      'pve-udp': { preset: 'proxmox-influx-sums', vm: 'udp-{vmid}' },
    };
    for (const [id, body] of Object.entries(sources)) await sendJson(server, 'PUT', `/v1/sources/${id}`, body);

    const exporterPort = await freePort();
    launch(PROGRAMS['prometheus-libvirt-exporter'], `--libvirt.uri=${NODE}`, `--web.listen-address=127.0.0.1:${exporterPort}`);
    const scrape = `
global: { scrape_interval: 1s, scrape_timeout: 900ms }
scrape_configs:
  - job_name: libvirt
    static_configs: [{ targets: ['127.0.0.1:${exporterPort}'] }]
`;
    const remoteWrite = `remote_write:
  - url: ${url('prometheus/prometheus')}
    authorization: { credentials: '${key}' }
    queue_config: { batch_send_deadline: 500ms, min_backoff: 50ms, max_backoff: 500ms }
`;
    launch(
      PROGRAMS.prometheus,
      `--config.file=${file('prometheus.yml', scrape + remoteWrite)}`,
      `--storage.tsdb.path=${join(folder.dir, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${await freePort()}`,
      '--log.level=warn',
    );
    launch(
      PROGRAMS.vmagent,
      `-promscrape.config=${file('vmagent.yml', scrape)}`,
      `-remoteWrite.url=${url('prometheus/vmagent')}`,
      `-remoteWrite.bearerToken=${key}`,
      `-remoteWrite.tmpDataPath=${join(folder.dir, 'vmagent')}`,
      '-remoteWrite.flushInterval=500ms',
      `-httpListenAddr=127.0.0.1:${await freePort()}`,
    );

    const [relayPort, udpPort] = [await freePort(), await freePort()];
    agent(
      '--listen',
      `127.0.0.1:${relayPort}`,
      '--listen-udp',
      `127.0.0.1:${udpPort}`,
      '--listen-source',
      'pve-udp',
      '--spool',
      'relay',
    );
    mkdirSync(join(folder.dir, 'collectd'));
    launch(
      PROGRAMS.collectd,
      '-f',
      '-C',
      file(
        'collectd.conf',
        `Hostname "hv-01"
FQDNLookup false
Interval 1
BaseDir "${join(folder.dir, 'collectd')}"
PIDFile "${join(folder.dir, 'collectd', 'pid')}"
PluginDir "${COLLECTD_PLUGINS}"
TypesDB "${COLLECTD_TYPES}"
LoadPlugin virt
LoadPlugin write_http
<Plugin virt>
  Connection "${NODE}"
  HostnameFormat hostname
  PluginInstanceFormat name
  InterfaceFormat address
  ExtraStats "domain_state"
</Plugin>
<Plugin write_http>
  <Node "relay">
    URL "http://127.0.0.1:${relayPort}/v1/receive/collectd/collectd"
    Format "JSON"
    StoreRates false
    BufferSize 1024
  </Node>
</Plugin>
`,
      ),
    );

    for (const [name, Exporter] of [
      ['otel-json', JsonExporter],
      ['otel-proto', ProtobufExporter],
    ] as const) {
      const exporter: PushMetricExporter = new Exporter({
        url: url('otlp/otlp/v1/metrics'),
        headers: { authorization: `Bearer ${key}` },
      });
      const provider = new MeterProvider({
        readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1000, exportTimeoutMillis: 1000 })],
      });
      const counter = provider.getMeter('test').createObservableCounter('system.network.io', { unit: 'By' });
      counter.addCallback((observed) => {
        const n = (counted.get(name) ?? 0) + 1000;
        counted.set(name, n);
        observed.observe(n, { 'vm.id': name, 'network.interface.name': 'eth0', 'network.io.direction': 'receive' });
        observed.observe(n / 10, { 'vm.id': name, 'network.interface.name': 'eth0', 'network.io.direction': 'transmit' });
      });
      exporters.push(provider);
    }

    cluster = new ProxmoxCluster();
    const second = Math.floor(Date.now() / 1000);
    for (const node of ['pve1', 'pve2']) cluster.node(node, second - 86_400);
    for (const vmid of [100, 101]) cluster.guest(vmid, 'pve1', second - 3600);
    for (const vmid of [100, 101]) cluster.pass(vmid, 5_000_000, 400_000);
    served = await serveCluster(cluster);
    agent(
      '--source',
      'proxmox',
      '--url',
      served.url,
      '--token-file',
      file('token', TOKEN),
      '--interval',
      '1s',
      '--spool',
      'pull',
    );
    let last = 0;
    ticking = setInterval(() => {
      const now = Math.floor(Date.now() / 1000);
      if (now === last) return;
      last = now;
      for (const vmid of [100, 101]) cluster.pass(vmid, 1000, 10);
      cluster.round(now);
      rounds.push(now);
      for (const node of cluster.nodes.keys()) {
        const lines = `${cluster.lines(node, now).join('\n')}\n`;
        udp.send(lines, udpPort, '127.0.0.1');
        // as pvestatd does: one try, and a second of patience
        void fetch(`http://127.0.0.1:${relayPort}/v1/receive/influx/pve-http/api/v2/write?org=proxmox&bucket=proxmox`, {
          ...{ method: 'POST', body: lines, headers: { authorization: 'Token any' }, signal: AbortSignal.timeout(1000) },
        }).catch(() => undefined);
      }
    }, 200);

    inventory = [
      `prom-${DOMAIN}`,
      `vma-${DOMAIN}`,
      `coll-${DOMAIN}`,
      'otel-json',
      'otel-proto',
      '100',
      '101',
      'http-100',
      'udp-100',
    ];
    await untilMore(inventory, STEP);
    await server.end('SIGKILL');
    server = await folder.start(env());
    await untilMore(inventory, STEP);
    cluster.migrate(101, 'pve2', Math.floor(Date.now() / 1000));
    for (const program of programs) await program.restart();
    await untilMore(inventory, STEP);
    clearInterval(ticking);
    // each sends what it has counted once more
    for (const provider of exporters.splice(0)) await provider.shutdown();
    for (const program of programs) await program.stop();
    // what they kept is sent by the next run of each; minutes are over when somebody says something of later
    for (const spool of ['relay', 'pull']) await drained(spool);
    const atMs = Date.now() + 4 * 60_000;
    const over = inventory.concat('http-101', 'udp-101').map((vm) => `{"vm":"${vm}","ts":${atMs},"state":"up"}`);
    const answer = await server.call('/v1/samples', {
      key,
      headers: { 'content-type': 'application/x-ndjson' },
      body: over.join('\n'),
    });
    expect(answer.status).toBe(202);
    await untilStored(server);
  }, 170_000);

  afterAll(async () => {
    clearInterval(ticking);
    for (const provider of exporters) await provider.shutdown().catch(() => undefined);
    for (const program of programs) await program.stop('SIGKILL');
    udp.close();
    await served.close();
    await folder.remove();
  });

  /** Runs an agent on a spool that was left, until nothing waits in it. */
  async function drained(spool: string): Promise<void> {
    const program =
      spool === 'relay'
        ? agent('--listen', '127.0.0.1:0', '--spool', spool)
        : agent(
            '--source',
            'proxmox',
            '--url',
            served.url,
            '--token-file',
            join(folder.dir, 'token'),
            '--spool',
            spool,
            '--interval',
            '1s',
          );
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await program.stop();
    expect(program.said()).toMatch(/ pendingBatches=0 /);
  }

  async function billed(vm: string): Promise<{ rx: number; tx: number }> {
    const day = 86_400_000;
    const from = Math.floor(started / day) * day;
    const rows = await allRows<{ rx_bytes: number; tx_bytes: number }>(
      server,
      `/v1/vms/${vm}/traffic?from=${from}&to=${from + 2 * day}&step=hour`,
    );
    return rows.reduce((sum, row) => ({ rx: sum.rx + row.rx_bytes, tx: sum.tx + row.tx_bytes }), { rx: 0, tx: 0 });
  }

  /** What went through, by the counters themselves: of each chain the last less the first, by host and half. */
  function passed({ rows }: Samples): { rx: number; tx: number; seconds: number } {
    const sum = { rx: 0, tx: 0, seconds: 0 };
    const instants = rows.filter(({ rx_bytes: rx }) => rx !== undefined).map(({ ts }) => Date.parse(ts));
    for (const part of ['rx', 'tx'] as const) {
      const hosts = new Map<string, { first: number; last: number; from: number; to: number }>();
      for (const row of rows) {
        const value = row[`${part}_bytes`];
        if (value === undefined) continue;
        const chain = `${row.host ?? ''} ${row.epoch}`;
        const known = hosts.get(chain);
        const at = Date.parse(row.ts);
        // a counter that began after all that was told before is new from its first byte
        const before = instants.filter((ms) => ms < at).at(-1);
        const isNew = before !== undefined && row.started_at !== undefined && Date.parse(row.started_at) > before;
        hosts.set(chain, {
          ...{ first: known?.first ?? (isNew ? 0 : Number(value)), from: known?.from ?? at },
          ...{ last: Number(value), to: at },
        });
      }
      for (const { first, last, from, to } of hosts.values()) {
        sum[part] += last - first;
        if (part === 'rx') sum.seconds += (to - from) / 1000;
      }
    }
    return sum;
  }

  it.each(['prom', 'vma', 'coll'])('%s: bytes of libvirt arrive whole, at the rate that the driver has', async (sender) => {
    const vm = inventory.find((one) => one.startsWith(`${sender}-`)) ?? '';
    const { seconds, ...bytes } = passed(await samplesOf(vm));
    expect(await billed(vm)).toEqual(bytes);
    expect(seconds).toBeGreaterThan(2 * STEP);
    // counters are of the moment of the reading, and samples of one nearby
    expect(Math.abs(bytes.rx / seconds / RX_A_SECOND - 1)).toBeLessThan(0.05);
    expect(Math.abs(bytes.tx / seconds / TX_A_SECOND - 1)).toBeLessThan(0.05);
  });

  it('Prometheus: an invoice has a line of what the driver moved', async () => {
    const vm = inventory[0] ?? '';
    const [from, to] = ['2000-01-01T00:00:00Z', null];
    const now = new Date(started);
    const month = (add: number): string => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + add, 1)).toISOString();
    const traffic = {
      counting: 'sum',
      included_bytes: 0,
      unit_bytes: 1000,
      round_up: false,
      mode: 'graduated',
      tiers: [{ up_to: null, price: '0.01' }],
    };
    const plan = {
      currency: 'USD',
      time_zone: 'UTC',
      price: { amount: '0.00', per: 'month' },
      creditable: ['provider'],
      terms: 'internet-service',
      traffic,
    };
    await sendJson(server, 'PUT', '/v1/plans/p', plan);
    await sendJson(server, 'PUT', '/v1/accounts/a', { name: 'A', currency: 'USD', tax_percent: '0', language: 'en' });
    await sendJson(server, 'PUT', `/v1/vms/${vm}`, {
      ...{
        account: 'a',
        terms: 'internet-service',
        plans: [{ plan: 'p', from }],
        starts_at: from,
        ends_at: to,
        promotion: false,
        nics: null,
      },
    });
    await untilStored(server);
    const invoice = await sendJson<{ lines: { kind: string; amount: string }[] }>(server, 'POST', '/v1/invoices', {
      ...{ account: 'a', from: month(0), to: month(1), mode: 'preview' },
    });
    const { rx, tx } = passed(await samplesOf(vm));
    const line = invoice.lines.find(({ kind }) => kind === 'traffic');
    expect(line?.amount).toBe((Math.round((rx + tx) / 1000) / 100).toFixed(2));
  });

  it.each(['otel-json', 'otel-proto'])('%s: what was counted last is what is there', async (vm) => {
    const samples = await samplesOf(vm);
    const { rx, tx } = passed(samples);
    expect(await billed(vm)).toEqual({ rx, tx });
    const last = Math.max(...samples.rows.map(({ rx_bytes: value }) => Number(value ?? 0)));
    expect(last).toBe(counted.get(vm));
  });

  it('Proxmox, asked: every second is there, of before and after the kills; a migration loses the interval of the move', async () => {
    const still = await samplesOf('100');
    const seconds = still.rows.filter(({ rx_bytes: rx }) => rx !== undefined).map(({ ts }) => Date.parse(ts) / 1000);
    expect(seconds).toEqual(rounds);
    expect(await billed('100')).toEqual({ rx: 1000 * (rounds.length - 1), tx: 10 * (rounds.length - 1) });
    const moved = await samplesOf('101');
    const counters = moved.rows.filter(({ rx_bytes: rx }) => rx !== undefined);
    expect(await billed('101')).toEqual({ rx: 1000 * (counters.length - 2), tx: 10 * (counters.length - 2) });
    const { rows } = await server.ask<{ rows: { kind: string; vm: string }[] }>(
      `/v1/anomalies?vm=101&from=${started - 60_000}&to=${Date.now() + 600_000}`,
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['quarantined']);
  });

  it.each(['http', 'udp'])(
    "Proxmox' metric server over %s: what reached the relay is billed, once, on either node",
    async (way) => {
      for (const vm of [`${way}-100`, `${way}-101`]) {
        const { rx, tx, seconds } = passed(await samplesOf(vm));
        expect(await billed(vm)).toEqual({ rx, tx });
        expect(seconds).toBeGreaterThan(2 * STEP);
      }
    },
  );

  it('everything that was taken is there once', async () => {
    const { samples, log } = await server.status();
    expect(log.stored).toBe(log.appended);
    expect(samples.accepted).toBe(samples.applied + samples.duplicate + samples.conflict);
    expect(samples.conflict).toBe(0);
  });
});
