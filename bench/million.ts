/**
 * A server with a fleet of a million VMs, in a process of its own: the memory that they take, the size and time of a checkpoint, and how
 * long a start takes after SIGKILL with that state. Every VM is in the catalog, has a plan, and has sent samples for a few minutes.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { compiledFile } from '../src/process/compiled.ts';
import { type Report, summary, type Valued } from './harness.ts';

const KEY = 'bench-admin-key-0123456789';
const START_MS = Date.parse('2026-03-01T10:00:00Z');
const INTERVAL_MS = 10_000;
const SAMPLES_A_REQUEST = 5_000;
const CLIENTS = 4;

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  /** From the start of the process until it listens. */
  readonly seconds: number;
}

/** @param intervals samples of each VM */
export async function millionBench(vms: number, intervals: number): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'uptally-million-'));
  let server: Server | undefined;
  try {
    server = await start(dir, vms);
    const empty = residentBytes(server);
    await end(server, 'SIGTERM');
    execFileSync(process.execPath, [beside('./million-catalog.js'), dir, String(vms)], { stdio: 'inherit' });
    server = await start(dir, vms);
    const withCatalog = residentBytes(server);
    const catalogStart = server.seconds;

    const beganMs = performance.now();
    await sendFleet(server.url, vms, intervals);
    const accepted = (vms * intervals) / ((performance.now() - beganMs) / 1000);
    await untilStored(server.url);
    const stored = (vms * intervals) / ((performance.now() - beganMs) / 1000);
    const withState = residentBytes(server);
    const checkpoint = await nextCheckpoint(join(dir, 'checkpoints'), server.url);

    const counts = await untilStored(server.url);
    await end(server, 'SIGKILL');
    server = await start(dir, vms);
    const recovery = server.seconds;
    const again = await untilStored(server.url);
    if (again !== counts) throw new Error(`after SIGKILL ${again} instead of ${counts}`);
    return {
      bench: 'scale',
      question: 'what a million VMs take: memory, checkpoints, recovery',
      workHash: createHash('sha256').update(counts).digest('hex').slice(0, 16),
      work: { vms, samples: vms * intervals },
      rates: [summary('samples accepted', [accepted]), summary('samples stored', [stored])],
      times: [
        summary('start with the catalog', [catalogStart * 1000]),
        summary('a checkpoint, from the first byte to its name', [checkpoint.seconds * 1000]),
        summary('start after SIGKILL, until it answers', [recovery * 1000]),
      ],
      ratios: [],
      values: [
        value('resident, nothing in it', megabytes(empty), 'MB'),
        value('resident, with the catalog', megabytes(withCatalog), 'MB'),
        value('resident, with catalog and samples of all', megabytes(withState), 'MB'),
        value('checkpoint', megabytes(checkpoint.bytes), 'MB'),
        value('catalog', Math.round((withCatalog - empty) / vms), 'bytes a VM'),
        value('state and all else', Math.round((withState - withCatalog) / vms), 'bytes a VM'),
        value('checkpoint of a VM', Math.round(checkpoint.bytes / vms), 'bytes a VM'),
      ],
    };
  } finally {
    server?.child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}

const value = (name: string, of: number, unit: string): Valued => ({ ...summary(name, [of]), unit });
const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

async function start(dir: string, vms: number): Promise<Server> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(compiledFile('cli/main.js')), 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      UPTALLY_PORT: '0',
      UPTALLY_DATA_DIR: dir,
      UPTALLY_ADMIN_KEY: KEY,
      UPTALLY_MAX_VMS: String(vms),
      UPTALLY_RETENTION_DAYS: '0',
      UPTALLY_CLOCK: 'event',
      UPTALLY_CHECKPOINT_INTERVAL_MS: '10000',
      UPTALLY_LOG_LEVEL: 'error',
      UPTALLY_SCHEDULER: 'off',
      UPTALLY_NOTICES: 'off',
    },
  });
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    const url = /listens on (\S+)/.exec(text)?.[1];
    if (url !== undefined) return { child, url, seconds: (performance.now() - beganMs) / 1000 };
  }
  throw new Error('the server did not start');
}

async function end({ child }: Server, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

function residentBytes({ child }: Server): number {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) * 1024;
}

/** Every VM at every interval, in order; the VMs of a client stay with it. */
async function sendFleet(url: string, vms: number, intervals: number): Promise<void> {
  const client = async (index: number): Promise<void> => {
    const share = Math.ceil(vms / CLIENTS);
    const firstVm = index * share;
    const endVm = Math.min(vms, firstVm + share);
    for (let interval = 0; interval < intervals; interval++) {
      for (let at = firstVm; at < endVm; at += SAMPLES_A_REQUEST) {
        let body = '';
        for (let vm = at; vm < Math.min(endVm, at + SAMPLES_A_REQUEST); vm++) {
          const rx = 1_000_000_007 * interval + vm;
          body += `{"vm":"vm-${String(vm).padStart(7, '0')}","ts":${START_MS + interval * INTERVAL_MS},"nic":"eth0","rx_bytes":${rx},"tx_bytes":${rx >>> 3}}\n`;
        }
        await post(url, body);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
}

async function post(url: string, body: string): Promise<void> {
  for (;;) {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/x-ndjson' };
    // a connection that was cut: sending again is harmless
    const answer = await request(`${url}/v1/samples`, { method: 'POST', headers, body }).catch(() => undefined);
    const text = (await answer?.body.text().catch(() => undefined)) ?? '';
    if (answer?.statusCode === 202) return;
    if (answer !== undefined && answer.statusCode !== 429 && answer.statusCode !== 503)
      throw new Error(`samples were answered ${answer.statusCode}: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What is stored, once it is everything that was posted. */
async function untilStored(url: string): Promise<string> {
  for (;;) {
    const answer = await request(`${url}/v1/status`, { headers: { authorization: `Bearer ${KEY}` } });
    const { log, samples, vms } = (await answer.body.json()) as {
      log: { appended: number; aggregated: number; stored: number };
      samples: { applied: number; duplicate: number; conflict: number };
      vms: number;
    };
    if (log.appended === log.stored) return `${vms} VMs, ${samples.applied} applied, ${samples.duplicate} duplicate`;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Watches the folder while a checkpoint is written. */
async function nextCheckpoint(folder: string, url: string): Promise<{ bytes: number; seconds: number }> {
  const newest = (): string | undefined =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.checkpoint'))
      .sort()
      .at(-1);
  const before = newest();
  let beganMs: number | undefined;
  let asked = 0;
  for (;;) {
    const unfinished = readdirSync(folder).some((name) => name.endsWith('.unfinished'));
    if (unfinished) beganMs ??= performance.now();
    const now = newest();
    if (beganMs !== undefined && !unfinished && now !== undefined && now !== before) {
      return { bytes: statSync(join(folder, now)).size, seconds: (performance.now() - beganMs) / 1000 };
    }
    // the state is saved only after something was taken in
    if (asked++ % 500 === 0) await post(url, `{"vm":"vm-0000000","ts":${START_MS + 3_600_000 + asked}}\n`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
