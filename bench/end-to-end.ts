/**
 * The whole way of a sample, from the request to minute rows that can be queried, in samples per CPU-second of the server (all its threads,
 * the merges that a round leaves behind included), beside what else one would use: ClickHouse fed directly, and VictoriaMetrics.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startClickHouse, startVictoriaMetrics, type Alternative } from './alternatives.ts';
import { type Measured, ratio, type Report, summary } from './harness.ts';
import { FleetSource, INTERVAL_MS, type Load, send, START_MS } from './load.ts';
import { progress } from './progress.ts';
import { cpuSeconds, KEY, quiet, startUptally, stored } from './server-process.ts';

export interface EndToEndSize {
  readonly vms: number;
  /** samples of each VM in a round */
  readonly intervals: number;
  /** the same for async inserts, which cost so much more */
  readonly asyncIntervals: number;
  readonly warmups: number;
  readonly rounds: number;
}

interface Contest {
  readonly name: string;
  readonly load: Load;
  readonly intervals: number;
  readonly at: Alternative;
  readonly source: FleetSource;
}

const OURS = 'uptally, 100 a request';
const OURS_1000 = 'uptally, 1,000 a request';
const ASYNC = 'ClickHouse, async inserts of 100';
const BULK = 'ClickHouse, 100,000 rows an insert';
const VICTORIA = 'VictoriaMetrics, 100 a request';
const VICTORIA_1000 = 'VictoriaMetrics, 1,000 a request';

export async function endToEndBench(size: EndToEndSize): Promise<Report> {
  const { vms, intervals, asyncIntervals, warmups, rounds } = size;
  const dir = mkdtempSync(join(tmpdir(), 'uptally-e2e-'));
  const running: Alternative[] = [];
  const skipped: string[] = [];
  const contests: Contest[] = [];
  // a server each: what its merges cost falls on who brought the rows
  const enter = async (name: string, samplesARequest: number, start: () => Promise<Alternative | string>) => {
    const at = await start();
    if (typeof at === 'string') {
      if (!skipped.includes(at)) skipped.push(at);
      return;
    }
    running.push(at);
    const source = new FleetSource(vms, { format: name.startsWith('VictoriaMetrics') ? 'prometheus' : 'ndjson' });
    contests.push({ name, load: { samplesARequest }, intervals: name === ASYNC ? asyncIntervals : intervals, at, source });
  };
  try {
    await enter(OURS, 100, () => uptally(join(dir, 'uptally')));
    await enter(OURS_1000, 1000, () => uptally(join(dir, 'uptally-1000')));
    await enter(ASYNC, 100, () => startClickHouse({ async: true }));
    await enter(BULK, 100_000, () => startClickHouse({ async: false }));
    await enter(VICTORIA, 100, () => startVictoriaMetrics(join(dir, 'victoria')));
    await enter(VICTORIA_1000, 1000, () => startVictoriaMetrics(join(dir, 'victoria-1000')));
    const rates = new Map<string, number[]>(contests.map(({ name }) => [name, []]));
    const walls = new Map<string, number[]>(contests.map(({ name }) => [name, []]));
    const sent = new Map<Alternative, number>();
    const hash = createHash('sha256');
    let done = 0;
    for (let round = -Math.max(1, warmups); round < rounds; round++) {
      for (const { name, load, intervals: each, at, source } of contests) {
        progress.at(done++, (Math.max(1, warmups) + rounds) * contests.length, name);
        const { waves, samples } = source.next(each, load);
        if (round < 0 && at === running[0]) for (const body of waves.flat(2)) hash.update(body);
        await quiet(at.pid);
        const before = cpuSeconds(at.pid);
        const startMs = performance.now();
        await send(waves, at.destination);
        await at.stored();
        const seconds = (performance.now() - startMs) / 1000;
        await quiet(at.pid);
        // the clock of CPU time ticks in hundredths: a little load may not move it
        const cpu = Math.max(0.01, cpuSeconds(at.pid) - before);
        sent.set(at, (sent.get(at) ?? 0) + samples);
        if (round < 0) continue;
        rates.get(name)?.push(samples / cpu);
        walls.get(name)?.push(samples / seconds);
      }
      // everyone has all of it, and the minutes of a VM are the same, or nothing is timed
      if (round === -1) for (const at of running) await agree(at, sent.get(at) ?? 0, contests);
    }
    const measured = Array.from(rates, ([name, each]) => summary(`${name}, a CPU-second`, each));
    const of = (name: string): Measured | undefined => measured.find((each) => each.name.startsWith(name));
    const against = (name: string, ours: string, other: string): Measured[] => {
      const [a, b] = [of(ours), of(other)];
      return a === undefined || b === undefined ? [] : [ratio(name, a, b)];
    };
    return {
      bench: 'end-to-end',
      question: 'samples that a CPU-second of the server carries all the way to minute rows',
      workHash: hash.digest('hex').slice(0, 16),
      work: { vms, samplesARound: vms * intervals, samplesARoundAsync: vms * asyncIntervals },
      rates: [...measured, ...Array.from(walls, ([name, each]) => summary(`${name}, until stored, a second`, each))],
      ratios: [
        ...against('uptally ÷ ClickHouse, async inserts of 100', OURS, ASYNC),
        ...against('uptally ÷ ClickHouse, 100,000 rows an insert', OURS, BULK),
        ...against('uptally ÷ VictoriaMetrics, 100 a request', OURS, VICTORIA),
        ...against('uptally ÷ VictoriaMetrics, 1,000 a request', OURS_1000, VICTORIA_1000),
      ],
      values: Array.from(rates, ([name, each]) => ({
        ...summary(`${name}, CPU-seconds a million samples`, each.map((rate) => 1e6 / rate)), // prettier-ignore
        unit: 'CPU-s',
      })),
      skipped,
    };
  } finally {
    for (const at of running) await at.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function uptally(dir: string): Promise<Alternative> {
  const server = await startUptally(dir);
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(server.url + path, { headers: { authorization: `Bearer ${KEY}` } })).json();
  return {
    pid: server.pid,
    destination: { url: server.url },
    stored: async () => {
      await stored(server.url);
    },
    count: async () => {
      const { applied, late } = (await stored(server.url)).samples;
      if (late > 0) throw new Error(`${late} samples were late, which is another question`);
      return applied;
    },
    minutes: async (vm, fromMs, toMs) => {
      const range = `from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
      const { rows } = (await ask(`/v1/vms/${vm}/traffic?${range}&step=minute`)) as { rows: { rx_bytes: number }[] };
      return rows.map(({ rx_bytes }) => rx_bytes);
    },
    stop: () => server.stop(),
  };
}

const expected = new Map<string, string>();

/** VM 0 sends at whole minutes, so that its minutes are differences of counters in every system. */
async function agree(at: Alternative, sent: number, contests: readonly Contest[]): Promise<void> {
  const count = await at.count();
  const mine = contests.filter((each) => each.at === at);
  const who = mine[0]?.name ?? '';
  if (count !== sent) throw new Error(`${who}: ${sent} samples were sent and ${count} are there`);
  const shortest = Math.min(...contests.map(({ source }) => source.lastMs));
  const minutes = Math.floor((shortest - START_MS) / 60_000);
  if (minutes < 1) throw new Error(`less than a minute was sent: at least 7 samples of ${INTERVAL_MS} ms are needed`);
  const found = (await at.minutes('vm-000000', START_MS, START_MS + minutes * 60_000)).join(' ');
  const key = `${START_MS} ${minutes}`;
  const before = expected.get(key) ?? found;
  expected.set(key, found);
  if (before !== found || found.split(' ').length !== minutes)
    throw new Error(`${who}: the minutes of a VM are ${found}, elsewhere ${before}`);
}
