/**
 * Durable ingest over HTTP: requests answered 202, that is decoded, in the log and flushed, beside a route that only receives the same
 * bytes. "durable" is the door alone (bench/door.ts), what a process with the role of ingest does; "whole server" has aggregator and
 * ClickHouse at work on the same cores. Servers are processes of their own, the load comes from this one over loopback. Afterwards answers
 * are timed under half of what each took at most.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measured, ratio, type Report, summary } from './harness.ts';
import { CONNECTIONS, FleetSource, inTime, type Load, openLoop, percentile, send } from './load.ts';
import { progress } from './progress.ts';
import { type Server, start, startUptally, stored } from './server-process.ts';

export interface IngestSize {
  readonly vms: number;
  /** samples of each VM in a round */
  readonly intervals: number;
  readonly warmups: number;
  readonly rounds: number;
  /** how long answers are timed at half the maximum, each round */
  readonly latencySeconds: number;
}

const HUNDRED: Load = { samplesARequest: 100 };
const THOUSAND: Load = { samplesARequest: 1000 };
const PERCENTILES = [0.5, 0.99, 0.999] as const;

export async function ingestBench({ vms, intervals, warmups, rounds, latencySeconds }: IngestSize): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-bench-'));
  const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const servers: Server[] = [];
  try {
    const whole = await startUptally(dir);
    servers.push(whole);
    const door = await start(beside('./door.js'), [dir], {});
    servers.push(door);
    const bodyOnly = await start(beside('./baseline/body-only.js'), [], {});
    servers.push(bodyOnly);

    const source = new FleetSource(vms);
    const rates = new Map<string, number[]>();
    const times = new Map<string, number[]>();
    const note = (into: Map<string, number[]>, name: string, value: number): void => {
      into.set(name, [...(into.get(name) ?? []), value]);
    };
    const hash = createHash('sha256');
    let sent = 0;
    let done = 0;
    const contests: readonly (readonly [name: string, load: Load, at: Server])[] = [
      ['durable, 100 a request', HUNDRED, door],
      ['body only, 100 a request', HUNDRED, bodyOnly],
      ['whole server, 100 a request', HUNDRED, whole],
      ['durable, 1,000 a request', THOUSAND, door],
      ['body only, 1,000 a request', THOUSAND, bodyOnly],
      ['durable, 100 a request, gzip', { samplesARequest: 100, gzip: true }, door],
    ];
    const steps = (warmups + rounds) * contests.length + 2 * rounds;
    for (let round = -warmups; round < rounds; round++) {
      for (const [name, load, at] of contests) {
        progress.at(done++, steps, name);
        const { waves, samples } = source.next(intervals, load);
        if (round === -warmups) for (const body of waves.flat(2)) hash.update(body);
        const startMs = performance.now();
        const seconds = await send(waves, at, load.gzip);
        if (at === whole) {
          sent += samples;
          await stored(at.url, 20);
        }
        const storedSeconds = (performance.now() - startMs) / 1000;
        if (round < 0) continue;
        note(rates, name, samples / seconds);
        if (at === whole) note(rates, `${name}, until stored in ClickHouse`, samples / storedSeconds);
      }
    }
    const median = (name: string): number => summary(name, rates.get(name) ?? []).median;
    // the whole server keeps up with what it stores, not with what it answers
    const halves: readonly (readonly [string, Server, number])[] = [
      ['durable at half its maximum', door, median('durable, 100 a request') / 2],
      ['whole server at half its maximum', whole, median('whole server, 100 a request, until stored in ClickHouse') / 2],
    ];
    for (let round = 0; round < rounds; round++) {
      for (const [name, at, samplesASecond] of halves) {
        progress.at(done++, steps, name);
        const requestsASecond = samplesASecond / HUNDRED.samplesARequest;
        const wanted = Math.ceil(requestsASecond * latencySeconds);
        const { waves } = source.next(Math.ceil((wanted * HUNDRED.samplesARequest) / vms), HUNDRED);
        const bodies = inTime(waves);
        const empty = Buffer.alloc(0);
        const latencies = await openLoop(at.url, { requestsASecond, requests: wanted }, (i) => bodies[i] ?? empty);
        for (const share of PERCENTILES) note(times, `${name}, p${share * 100}`, percentile(latencies, share));
        if (at === whole) {
          sent += wanted * HUNDRED.samplesARequest;
          await stored(at.url, 20);
        }
      }
    }
    const { samples } = await stored(whole.url);
    if (samples.applied !== sent) throw new Error(`${sent} samples were answered 202 and ${samples.applied} are stored`);
    const measured = Array.from(rates, ([name, each]) => summary(name, each));
    const of = (name: string): Measured => measured.find((each) => each.name === name) ?? summary(name, []);
    return {
      bench: 'ingest',
      question: 'samples a second answered 202 (durable), and of a route that only reads the body',
      workHash: hash.digest('hex').slice(0, 16),
      work: { vms, samplesARound: vms * intervals, connections: CONNECTIONS, latencySeconds },
      rates: measured,
      times: Array.from(times, ([name, each]) => summary(name, each)),
      ratios: [
        ratio('durable ÷ body only, 100 a request', of('durable, 100 a request'), of('body only, 100 a request')),
        ratio('whole server ÷ body only, 100 a request', of('whole server, 100 a request'), of('body only, 100 a request')),
        ratio('durable ÷ body only, 1,000 a request', of('durable, 1,000 a request'), of('body only, 1,000 a request')),
      ],
    };
  } finally {
    for (const server of servers) await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
