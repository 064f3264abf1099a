/**
 * HTTP with connections that stay open, by a tool that everybody has and by our own load: the same bytes to the same server, first as fast as
 * answers come, then at a fixed rate. docs/measured/http.md says how to do it by hand, and what the two may differ by.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { productRoot } from '../src/process/version.ts';
import { type Measured, ratio, type Report, summary } from './harness.ts';
import { closedLoop, FleetSource, inTime, openLoop, percentile } from './load.ts';
import { progress } from './progress.ts';
import { KEY, startUptally, stored } from './server-process.ts';

export interface HttpSize {
  readonly connections: number;
  /** Of each contender in each round. */
  readonly seconds: number;
  readonly warmups: number;
  readonly rounds: number;
}

const SAMPLES_A_REQUEST = 100;

/** One request's body, in NDJSON: the first samples of a hundred VMs. */
export function body(): Buffer {
  const { waves } = new FleetSource(SAMPLES_A_REQUEST).next(1, { samplesARequest: SAMPLES_A_REQUEST });
  return inTime(waves)[0] ?? Buffer.alloc(0);
}

/** What autocannon is given, after its name. `rate`: requests a second of all connections together; undefined: as fast as answers come. */
export function autocannonArguments(
  url: string,
  key: string,
  input: string,
  { connections, seconds, rate }: { readonly connections: number; readonly seconds: number; readonly rate?: number },
): string[] {
  return [
    ...['--connections', String(connections), '--duration', String(seconds)],
    ...(rate === undefined ? [] : ['--overallRate', String(rate)]),
    ...['--method', 'POST', '--headers', `authorization=Bearer ${key}`, '--headers', 'content-type=application/x-ndjson'],
    ...['--input', input, `${url}/v1/samples`],
  ];
}

/** Of its JSON what is read here. */
interface Shot {
  readonly duration: number;
  readonly errors: number;
  readonly non2xx: number;
  readonly '2xx': number;
  readonly latency: { readonly p50: number; readonly p99: number };
}

async function autocannon(args: readonly string[]): Promise<Shot> {
  const program = fileURLToPath(new URL('node_modules/autocannon/autocannon.js', productRoot()));
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--json', '--no-progress', ...args], {
    maxBuffer: 2 ** 26,
  });
  const shot = JSON.parse(stdout) as Shot;
  if (shot.errors > 0 || shot.non2xx > 0)
    throw new Error(`autocannon met ${shot.errors} errors and ${shot.non2xx} answers that are not 2xx`);
  return shot;
}

export async function httpBench({ connections, seconds, warmups, rounds }: HttpSize): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-bench-'));
  const bytes = body();
  const input = join(dir, 'body.ndjson');
  writeFileSync(input, bytes);
  const server = await startUptally(join(dir, 'data'));
  const noted = new Map<string, number[]>();
  const note = (name: string, value: number): void => {
    noted.set(name, [...(noted.get(name) ?? []), value]);
  };
  let answered = 0;
  try {
    const steps = 4 * (warmups + rounds);
    for (let round = -warmups; round < rounds; round++) {
      const step = (i: number, name: string): void => {
        progress.at(4 * (round + warmups) + i, steps, name);
      };
      step(0, 'autocannon');
      const shot = await autocannon(autocannonArguments(server.url, KEY, input, { connections, seconds }));
      await stored(server.url);
      step(1, 'our load');
      const ours = await closedLoop(server.url, { connections, seconds }, bytes);
      await stored(server.url);
      // a rate that both can keep: half of the lesser
      const rate = Math.max(1, Math.floor(Math.min(shot['2xx'] / shot.duration, ours.answers / ours.seconds) / 2));
      step(2, 'autocannon at a fixed rate');
      const paced = await autocannon(autocannonArguments(server.url, KEY, input, { connections, seconds, rate }));
      await stored(server.url);
      step(3, 'our open loop');
      const times = await openLoop(server.url, { requestsASecond: rate, requests: rate * seconds }, () => bytes);
      await stored(server.url);
      answered += shot['2xx'] + ours.answers + paced['2xx'] + times.length;
      if (round < 0) continue;
      note('autocannon, requests', shot['2xx'] / shot.duration);
      note('our load, requests', ours.answers / ours.seconds);
      note('autocannon at half the rate, p50', paced.latency.p50);
      note('our open loop at half the rate, p50', percentile(times, 0.5));
      note('autocannon at half the rate, p99', paced.latency.p99);
      note('our open loop at half the rate, p99', percentile(times, 0.99));
    }
    const { samples } = await stored(server.url);
    // what autocannon had on its way at its end was taken too, and not counted by it
    if (samples.accepted < answered * SAMPLES_A_REQUEST || samples.applied !== SAMPLES_A_REQUEST)
      throw new Error(
        `${answered} requests were answered 202; the server took ${samples.accepted} samples and keeps ${samples.applied}`,
      );
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  const of = (name: string): Measured => summary(name, noted.get(name) ?? []);
  const rates = [of('autocannon, requests'), of('our load, requests')] as const;
  const times = ['p50', 'p99'].flatMap((share) => [
    of(`autocannon at half the rate, ${share}`),
    of(`our open loop at half the rate, ${share}`),
  ]);
  return {
    bench: 'http',
    question: 'requests a second over open connections, and how long answers take, by autocannon and by our own load',
    workHash: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    work: { connections, seconds, samplesARequest: SAMPLES_A_REQUEST, bytesARequest: bytes.length },
    rates,
    times,
    ratios: [ratio('autocannon ÷ our load, requests', ...rates)],
  };
}
