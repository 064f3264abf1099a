/**
 * Durable ingest over HTTP: requests answered 202, that is decoded, in the log and flushed, beside a route that only receives the same
 * bytes. "durable" is the door alone (bench/door.ts), what a process with the role of ingest does; "whole server" has aggregator and
 * ClickHouse at work on the same cores. Servers are processes of their own, the load comes from this one over loopback. Unfair would be a
 * baseline that reads less, a log that does not flush, or samples that come twice.
 */
import autocannon from 'autocannon';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Measured, ratio, type Report, summary } from './harness.ts';

export interface IngestSize {
  readonly vms: number;
  /** samples of each VM in a round */
  readonly intervals: number;
  readonly warmups: number;
  readonly rounds: number;
}

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

interface Load {
  readonly samplesARequest: number;
  readonly gzip: boolean;
}

export const KEY = 'bench-admin-key-0123456789';
/** One connection a host: what waits for a flush together is flushed together. A VM's samples come over the same one, in order. */
const CONNECTIONS = 100;
const START_MS = 1_767_225_600_000;
const INTERVAL_MS = 10_000;

/** Makes the NDJSON of a fleet, going on in time from call to call: no sample comes twice, whatever the round. */
class FleetSource {
  readonly #vms: number;
  readonly #rx: Float64Array;
  #interval = 0;
  #x = 88_675_123;

  constructor(vms: number) {
    this.#vms = vms;
    this.#rx = Float64Array.from({ length: vms }, (_, i) => 2e15 + i * 7_919_113);
  }

  /** Bodies by connection, in the order in which each sends them. */
  next(intervals: number, { samplesARequest, gzip }: Load): Buffer[][] {
    const bodies = Array.from({ length: CONNECTIONS }, (): Buffer[] => []);
    for (const end = this.#interval + intervals; this.#interval < end; this.#interval++) {
      for (let first = 0; first < this.#vms; first += samplesARequest) {
        let text = '';
        for (let i = first; i < first + samplesARequest; i++) text += this.#line(i);
        const body = Buffer.from(text, 'latin1');
        bodies[(first / samplesARequest) % CONNECTIONS]?.push(gzip ? gzipSync(body, { level: 1 }) : body);
      }
    }
    return bodies;
  }

  #line(i: number): string {
    this.#x = (Math.imul(this.#x, 1_664_525) + 1_013_904_223) >>> 0;
    const rx = (this.#rx[i] ?? 0) + (this.#x >>> 8);
    this.#rx[i] = rx;
    const ts = START_MS + this.#interval * INTERVAL_MS + Math.floor((i * INTERVAL_MS) / this.#vms);
    return `{"vm":"vm-${String(i).padStart(6, '0')}","ts":${ts},"nic":"eth0","rx_bytes":${rx},"tx_bytes":${rx - 1e15}}\n`;
  }
}

/** Sends every body; samples a second, from the first byte to the last answer. Throws unless every answer is 202. */
async function send(url: string, bodies: readonly Buffer[][], { samplesARequest, gzip }: Load): Promise<number> {
  const amount = bodies.reduce((sum, each) => sum + each.length, 0);
  const headers = {
    authorization: `Bearer ${KEY}`,
    'content-type': 'application/x-ndjson',
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
  };
  let connection = 0;
  let startMs = 0;
  let lastMs = 0;
  const run = autocannon({
    url: `${url}/v1/samples`,
    connections: Math.min(CONNECTIONS, bodies.filter((each) => each.length > 0).length),
    amount,
    method: 'POST',
    timeout: 60,
    setupClient: (client) => {
      // built once, before the first request leaves
      client.setRequests((bodies[connection++] ?? []).map((body) => ({ method: 'POST', path: '/v1/samples', headers, body })));
      client.on('response', () => {
        // autocannon itself looks at the clock once a second
        lastMs = performance.now();
      });
      startMs = performance.now();
    },
  });
  const result = await run;
  const seconds = (lastMs - startMs) / 1000;
  if (result['2xx'] !== amount)
    throw new Error(`of ${amount} requests ${result['2xx']} were answered 202: ${JSON.stringify(result.statusCodeStats)}`);
  return (amount * samplesARequest) / seconds;
}

export function start(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Server> {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...(process.env['BENCH_PROFILE_DIR'] === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${process.env['BENCH_PROFILE_DIR']}`]),
      script,
      ...args,
    ],
    {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => {
      reject(new Error('the server ended before it listened'));
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /listens on (http:\S+)/.exec(text)?.[1];
      if (url === undefined) return;
      resolve({
        url,
        stop: async () => {
          child.kill('SIGTERM');
          await ended;
        },
      });
    });
  });
}

interface Status {
  readonly log: { readonly appended: number; readonly stored: number };
  readonly samples: Readonly<Record<'accepted' | 'applied', number>>;
}

/** Everything answered is in the tables: what one round leaves to do must not fall on the next. */
async function stored(url: string): Promise<Status> {
  for (;;) {
    const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${KEY}` } });
    const status = (await answer.json()) as Status;
    if (status.log.appended === status.log.stored) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function ingestBench({ vms, intervals, warmups, rounds }: IngestSize): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-bench-'));
  const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const servers: Server[] = [];
  try {
    const durable = await start(beside('../src/cli/main.js'), ['serve'], {
      UPTALLY_PORT: '0',
      UPTALLY_DATA_DIR: dir,
      UPTALLY_ADMIN_KEY: KEY,
      UPTALLY_CLOCK: 'event',
      UPTALLY_RETENTION_DAYS: '0',
      UPTALLY_LOG_LEVEL: 'warn',
    });
    servers.push(durable);
    const door = await start(beside('./door.js'), [dir], {});
    servers.push(door);
    const bodyOnly = await start(beside('./baseline/body-only.js'), [], {});
    servers.push(bodyOnly);

    const source = new FleetSource(vms);
    const hundred: Load = { samplesARequest: 100, gzip: false };
    const rates: Record<string, number[]> = {};
    const note = (name: string, rate: number): void => void (rates[name] ??= []).push(rate);
    const hash = createHash('sha256');
    let sent = 0;
    for (let round = -warmups; round < rounds; round++) {
      const contest = async (name: string, load: Load, at: Server, alsoStored = false): Promise<void> => {
        const bodies = source.next(intervals, load);
        if (round === -warmups) for (const body of bodies.flat()) hash.update(body);
        const startMs = performance.now();
        const rate = await send(at.url, bodies, load);
        if (at === durable) {
          sent += vms * intervals;
          await stored(at.url);
        }
        const seconds = (performance.now() - startMs) / 1000;
        if (round < 0) return;
        note(name, rate);
        if (alsoStored) note(`${name}, until stored in ClickHouse`, (vms * intervals) / seconds);
      };
      await contest('durable, 100 a request', hundred, door);
      await contest('body only, 100 a request', hundred, bodyOnly);
      await contest('whole server, 100 a request', hundred, durable, true);
      await contest('durable, 1,000 a request', { samplesARequest: 1000, gzip: false }, door);
      await contest('body only, 1,000 a request', { samplesARequest: 1000, gzip: false }, bodyOnly);
      await contest('durable, 100 a request, gzip', { samplesARequest: 100, gzip: true }, door);
    }
    const { samples } = await stored(durable.url);
    if (samples.applied !== sent) throw new Error(`${sent} samples were answered 202 and ${samples.applied} are stored`);
    const measured = Object.entries(rates).map(([name, each]) => summary(name, each));
    const of = (name: string): Measured => measured.find((each) => each.name === name) ?? summary(name, []);
    return {
      bench: 'ingest',
      question: 'samples a second answered 202 (durable), and of a route that only reads the body',
      workHash: hash.digest('hex').slice(0, 16),
      work: { vms, samplesARound: vms * intervals, connections: CONNECTIONS },
      rates: measured,
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
