/** Servers as processes of their own: started, measured through /proc, and ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compiledFile } from '../src/process/compiled.ts';

export const KEY = 'bench-admin-key-0123456789';
/** Linux counts CPU time in hundredths of a second for every process there is. */
const TICKS_A_SECOND = 100;

export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Ends it in order, and waits for that. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** Runs a script of ours until it says where it listens. BENCH_PROFILE_DIR has it write CPU profiles when it ends. */
export function start(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Server> {
  const profiles = process.env['BENCH_PROFILE_DIR'];
  const child: ChildProcess = spawn(
    process.execPath,
    [...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]), script, ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => {
      reject(new Error('the server ended before it listened'));
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /listens on (http:\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve({ url, pid: child.pid ?? 0, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') });
    });
  });
}

/** The whole server on a data folder; `env` on top of what every bench wants. */
export function startUptally(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<Server> {
  return start(fileURLToPath(compiledFile('cli/main.js')), ['serve'], {
    UPTALLY_PORT: '0',
    UPTALLY_DATA_DIR: dataDir,
    UPTALLY_ADMIN_KEY: KEY,
    UPTALLY_CLOCK: 'event',
    UPTALLY_RETENTION_DAYS: '0',
    UPTALLY_LOG_LEVEL: 'warn',
    UPTALLY_SCHEDULER: 'off',
    UPTALLY_NOTICES: 'off',
    // all of its CPU time is that of one process
    UPTALLY_INGEST_WORKERS: '0',
    ...env,
  });
}

/** UPTALLY_MAX_VMS with so much room that the names of a burst need not be looked at before they are taken in. */
export function roomFor(vms: number): string {
  return String(Math.max(1_000_000, 2 * vms));
}

export interface Status {
  readonly log: { readonly appended: number; readonly aggregated: number; readonly stored: number };
  readonly samples: Readonly<Record<'accepted' | 'applied' | 'duplicate' | 'conflict' | 'late', number>>;
}

export async function statusOf(url: string): Promise<Status> {
  const answer = await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${KEY}` } });
  return (await answer.json()) as Status;
}

/** Everything answered is in the tables: what one round leaves to do must not fall on the next. */
export async function stored(url: string, pollMs = 50): Promise<Status> {
  for (;;) {
    const status = await statusOf(url);
    if (status.log.appended === status.log.stored) return status;
    await sleep(pollMs);
  }
}

/** CPU seconds of all threads of a process since it began. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Waits until a process leaves the CPU alone for a second, so that merges are counted to the round that made them; half a minute at most. */
export async function quiet(pid: number): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    const before = cpuSeconds(pid);
    await sleep(1000);
    if (cpuSeconds(pid) - before <= 0.05) return;
  }
}

/** Resident memory of a process: all of it, and what is its own (the rest are pages of files, which the system may take back). */
export function residentMiB(pid: number): { all: number; own: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN) / 1024;
  return { all: field('VmRSS'), own: field('RssAnon') };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
