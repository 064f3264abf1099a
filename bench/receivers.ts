/**
 * Remote write of 2,000 series a request: what it costs to unpack, decode and map it on one core, and what it costs whole servers, ours all the way to
 * minute rows, beside VictoriaMetrics, which keeps points. All labels come with every request, as Prometheus sends them.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prometheusReceiver } from '../src/ingest/receivers/prometheus/receiver.ts';
import { seriesKept } from '../src/ingest/receivers/prometheus/series-cache.ts';
import { mappingOf } from '../src/sources/mapping.ts';
import { preset } from '../src/sources/presets.ts';
import { Source } from '../src/sources/source.ts';
import { SourceInForce } from '../src/sources/sources.ts';
import { packed, version1 } from '../test/support/remote-write.ts';
import { startVictoriaMetrics } from './alternatives.ts';
import { measure, type Measured, ratio, type Report, summary } from './harness.ts';
import { progress } from './progress.ts';
import { cpuSeconds, KEY, quiet, startUptally, stored } from './server-process.ts';

export interface ReceiversSize {
  /** Received and sent bytes and a state of so many VMs. */
  readonly vms: number;
  /** Points of each series in a round of the servers. */
  readonly intervals: number;
  readonly warmups: number;
  readonly rounds: number;
}

const SERIES_A_REQUEST = 2000;
const START_MS = Date.parse('2026-03-01T00:00:00Z');
const INTERVAL_MS = 15_000;
const HEADERS = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
const BODY = { preset: 'libvirt-exporter' } as const;

const RX = 'libvirt_domain_interface_stats_receive_bytes_total';
const TX = 'libvirt_domain_interface_stats_transmit_bytes_total';
const STATE = 'libvirt_domain_state_code';

/** VMs of a host, whose exporter is scraped at once. */
const VMS_A_HOST = 50;

/** The requests of an interval, host by host: of its VMs received bytes, sent bytes and states. */
export function requestsOf(vms: number, interval: number): Buffer[] {
  const atMs = START_MS + interval * INTERVAL_MS;
  const series = Array.from({ length: Math.ceil(vms / VMS_A_HOST) }, (_, host) =>
    [RX, TX, STATE].flatMap((name) =>
      Array.from({ length: Math.min(VMS_A_HOST, vms - host * VMS_A_HOST) }, (__, i) => {
        const vm = host * VMS_A_HOST + i;
        return {
          labels: {
            ...{ __name__: name, domain: `instance-${String(vm).padStart(8, '0')}`, instance: `hv${host}:9177`, job: 'libvirt' },
            ...{ uuid: `6695eb01-f6a4-8304-79aa-${String(vm).padStart(12, '0')}` },
            ...(name === STATE ? {} : { source_bridge: 'br0', target_device: `vnet${i}` }),
          },
          samples: [[name === STATE ? 1 : (interval + 1) * 1_000_003 + vm, atMs] as const],
        };
      }),
    ),
  ).flat();
  const requests: Buffer[] = [];
  for (let from = 0; from < series.length; from += SERIES_A_REQUEST)
    requests.push(packed(version1(series.slice(from, from + SERIES_A_REQUEST))));
  return requests;
}

export async function receiversBench(size: ReceiversSize): Promise<Report> {
  const { vms, intervals, warmups, rounds } = size;
  const points = 3 * vms;
  const requests = requestsOf(vms, 0);
  const first = take(mapped(), requests);
  const hash = createHash('sha256').update(first).digest('hex').slice(0, 16);
  const known = mapped();
  take(known, requests);
  const [warm, cold] = measure(
    [
      { name: 'unpack, decode and map, known series, points a second of one core', run: () => again(known, requests, points) },
      { name: 'the same, series that are new', run: () => (take(mapped(), requests), points) },
    ],
    { warmups: warmups + 1, rounds: 2 * rounds },
  ) as [Measured, Measured];
  const kept = seriesKept();
  const servers = await serversBench(size);
  return {
    bench: 'receivers',
    question:
      "points of remote write, 2,000 series a request, that a CPU-second takes: to samples (unpacked, decoded, mapped, on one core); through a server up to its last answer, where ours is durable, with whatever of the way to minute rows ran beside it; and until all is stored, ours as minute rows, outages and raw samples, VictoriaMetrics' as points",
    workHash: hash,
    work: {
      vms,
      points,
      seriesARequest: SERIES_A_REQUEST,
      intervals,
      bytesPacked: requests.reduce((sum, { length }) => sum + length, 0),
    },
    rates: [warm, cold, ...servers.rates],
    ratios: [...servers.ratios],
    values: [
      ...[warm, ...servers.rates].map((each) => ({
        ...summary(
          `${each.name}: CPU-seconds a million`,
          each.rounds.map((rate) => 1e6 / rate),
        ),
        unit: 'CPU-s',
      })),
      { ...summary('labels of known series, bytes each', [kept.bytes / Math.max(1, kept.series)]), unit: 'B' },
      { ...summary('labels of known series, at most', [kept.bytesMax / 1024 / 1024]), unit: 'MiB' },
    ],
    skipped: servers.skipped,
  };
}

function mapped(): SourceInForce {
  const mapping = mappingOf(BODY, preset);
  if (!('protocol' in mapping)) throw new Error('the preset is no mapping');
  return new SourceInForce('bench', [{ fromMs: 0, source: new Source(mapping) }]);
}

function take(source: SourceInForce, requests: readonly Buffer[]): Buffer {
  const head = { headers: HEADERS, url: '/', params: { source: 'bench' }, query: {}, key: null, sources: { find: () => source } };
  return Buffer.concat(requests.flatMap((body) => prometheusReceiver.open(head).read([body])));
}

function again(source: SourceInForce, requests: readonly Buffer[], points: number): number {
  const times = Math.max(1, Math.ceil(200_000 / points));
  for (let i = 0; i < times; i++) take(source, requests);
  return times * points;
}

interface Contest {
  readonly name: string;
  readonly pid: number;
  readonly post: (body: Buffer) => Promise<Response>;
  readonly stored: () => Promise<void>;
  readonly count: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Whole servers: CPU time of all threads, merges and flushes included, which a round waits for. */
async function serversBench({
  vms,
  intervals,
  warmups,
  rounds,
}: ReceiversSize): Promise<{ rates: Measured[]; ratios: Measured[]; skipped: string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-receivers-'));
  const skipped: string[] = [];
  const contests = [await uptally(join(dir, 'uptally'))];
  const victoria = await startVictoriaMetrics(join(dir, 'victoria'));
  if (typeof victoria === 'string') skipped.push(victoria);
  else {
    const url = `${victoria.destination.url}/api/v1/write`;
    contests.push({
      ...{
        name: 'VictoriaMetrics, points a CPU-second',
        pid: victoria.pid,
        stored: () => victoria.stored(),
        stop: () => victoria.stop(),
      },
      post: (body) => fetch(url, { method: 'POST', headers: HEADERS, body }),
      count: async () => {
        await victoria.stored();
        const series = `{__name__=~"${RX}|${TX}|${STATE}"}`;
        const answer = await fetch(
          `${victoria.destination.url}/api/v1/export?match%5B%5D=${encodeURIComponent(series)}&reduce_mem_usage=1`,
        );
        const lines = (await answer.text()).trim().split('\n');
        return lines.reduce((sum, line) => sum + (JSON.parse(line) as { values: number[] }).values.length, 0);
      },
    });
  }
  const rates = new Map(contests.map(({ name }) => [name, { answered: [] as number[], stored: [] as number[] }]));
  try {
    let interval = 0;
    for (let round = -Math.max(1, warmups); round < rounds; round++) {
      const waves = Array.from({ length: intervals }, () => requestsOf(vms, interval++));
      for (const [i, contest] of contests.entries()) {
        progress.at(
          (round + Math.max(1, warmups)) * contests.length + i,
          (rounds + Math.max(1, warmups)) * contests.length,
          contest.name,
        );
        await quiet(contest.pid);
        const before = cpuSeconds(contest.pid);
        for (const wave of waves)
          await Promise.all(
            wave.map(async (body) => {
              const { status } = await contest.post(body);
              if (status !== 204) throw new Error(`${contest.name} answered ${status}`);
            }),
          );
        const answered = Math.max(0.01, cpuSeconds(contest.pid) - before);
        await contest.stored();
        await quiet(contest.pid);
        const cpu = Math.max(0.01, cpuSeconds(contest.pid) - before);
        if (round < 0) continue;
        rates.get(contest.name)?.answered.push((intervals * 3 * vms) / answered);
        rates.get(contest.name)?.stored.push((intervals * 3 * vms) / cpu);
      }
      if (round === -1)
        for (const contest of contests) {
          const count = await contest.count();
          if (count !== interval * 3 * vms)
            throw new Error(`${contest.name}: ${interval * 3 * vms} points were sent and ${count} are there`);
        }
    }
  } finally {
    for (const contest of contests) await contest.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  const answered = [...rates].map(([name, each]) => summary(`${name}, up to the last answer`, each.answered));
  const kept = [...rates].map(([name, each]) => summary(`${name}, until all is stored`, each.stored));
  const ratios = [
    ...ratioOf('uptally, durable ÷ VictoriaMetrics, in memory, both up to the last answer', answered),
    ...ratioOf('uptally, to minute rows ÷ VictoriaMetrics, points kept', kept),
  ];
  return { rates: [...answered, ...kept], ratios, skipped };
}

function ratioOf(name: string, [ours, theirs]: readonly Measured[]): Measured[] {
  return ours === undefined || theirs === undefined ? [] : [ratio(name, ours, theirs)];
}

async function uptally(dir: string): Promise<Contest> {
  const server = await startUptally(dir);
  const headers = { authorization: `Bearer ${KEY}` };
  const made = await fetch(`${server.url}/v1/sources/bench`, {
    ...{ method: 'PUT', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(BODY) },
  });
  if (made.status !== 200) throw new Error(await made.text());
  return {
    ...{ name: 'uptally, points a CPU-second', pid: server.pid, stop: () => server.stop() },
    post: (body) =>
      fetch(`${server.url}/v1/receive/prometheus/bench`, { method: 'POST', headers: { ...headers, ...HEADERS }, body }),
    stored: async () => {
      await stored(server.url);
    },
    count: async () => (await stored(server.url)).samples.applied,
  };
}
