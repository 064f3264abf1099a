import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { productRoot } from '../../src/process/version.ts';
import { freePort } from './free-port.ts';

export interface ClickHouseServer {
  url: string;
  /** Of the running process; undefined while it is down. */
  readonly pid: number | undefined;
  /** How often it ended by itself and was started again. */
  readonly crashes: number;
  /** kill -9, and waits for the end. Nothing when it is down. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port, and waits until it answers. */
  start(): Promise<void>;
  /** Waits until it answers, however it is: up, coming back, or killed and not started again. */
  ready(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Kills it and removes its data. */
  stop(): Promise<void>;
}

/** Why a real server cannot run here, undefined if it can. */
export function serverMissing(): string | undefined {
  if (libraryPath() === undefined) return 'chdb is not installed';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no C compiler';
  }
}

export interface ClickHouseServerOptions {
  /** XML of its configuration, such as clusters. */
  readonly config?: string;
  /** Listens for other servers too, which Distributed tables need. */
  readonly tcpPort?: number;
  /**
   * Starts it again when it ends by itself or has not answered for a while, as a supervisor would: the engine's threads that serve connections
   * abort the process (std::terminate) over some that are reset.
   */
  readonly supervised?: boolean;
}

/** How long a start may take, a question, and how long a supervised server may say nothing: on two busy cores all take their time. */
const START_MS = 60_000;
const PING_MS = 5_000;
const SILENT_MS = 15_000;
/** How often in a row a supervised server may fall at its start. */
const STARTS_MAX = 10;

/** A real ClickHouse HTTP server on 127.0.0.1, from the library that chdb ships: the engine's own command line, listening. */
export async function startClickHouseServer(options: ClickHouseServerOptions = {}): Promise<ClickHouseServer> {
  const library = libraryPath();
  if (library === undefined) throw new Error('chdb is not installed');
  const directory = await mkdtemp(join(tmpdir(), 'uptally-server-'));
  const program = join(directory, 'server');
  const data = join(directory, 'data');
  execFileSync('cc', ['-o', program, sourceOfServer(), '-ldl']);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(directory, 'config.xml');
  const tcp = options.tcpPort === undefined ? '' : `<tcp_port>${options.tcpPort}</tcp_port>`;
  await writeFile(config, `<clickhouse>${tcp}${options.config ?? ''}</clickhouse>`);
  const query =
    `SYSTEM START LISTEN HTTP; ${tcp === '' ? '' : 'SYSTEM START LISTEN TCP; '}` +
    'SELECT sleepEachRow(3) FROM numbers(100000) FORMAT Null SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0';
  const fixed = [library, `--config-file=${config}`, `--path=${data}`, '--listen_host=127.0.0.1', `--http_port=${port}`];
  let child: ChildProcess | undefined;
  let crashes = 0;
  /** Whether it is to run: then one that ends by itself is started again, if it is supervised. */
  let wanted = false;
  let coming: Promise<void> = Promise.resolve();

  /** Starts a process and waits until it answers. One that does not is killed. */
  const launch = async (): Promise<void> => {
    // what a killed engine leaves behind to say that it runs
    await rm(join(data, 'status'), { force: true });
    if (!wanted) return;
    const started = spawn(program, [...fixed, `--query=${query}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let errors = '';
    started.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000);
    });
    const exited = once(started, 'exit');
    try {
      await untilAnswering(url, started);
    } catch (error) {
      if (child === started) child = undefined;
      started.kill('SIGKILL');
      await exited;
      throw new Error(`${(error as Error).message}: ${errors}`, { cause: error });
    }
    if (options.supervised !== true) return;
    const fell = async (): Promise<void> => {
      await exited;
      if (child !== started) return;
      child = undefined;
      crashes += 1;
      coming = run();
      await coming;
    };
    // whoever waits for it hears why it does not come back
    fell().catch(() => undefined);
    void killWhenSilent(url, started, () => child === started);
  };
  /** Requests that wait for a server come as soon as it listens, and may make it fall at once: a supervisor starts it again. */
  const run = async (): Promise<void> => {
    for (let tries = 1; wanted; tries += 1) {
      try {
        await launch();
        return;
      } catch (error) {
        if (options.supervised !== true || tries === STARTS_MAX) throw error;
        crashes += 1;
      }
    }
  };
  const kill = async (): Promise<void> => {
    wanted = false;
    const dying = child;
    child = undefined;
    if (dying !== undefined && dying.exitCode === null && dying.signalCode === null) {
      const gone = once(dying, 'exit');
      dying.kill('SIGKILL');
      await gone;
    }
    await coming.catch(() => undefined);
  };
  const start = async (): Promise<void> => {
    if (wanted) throw new Error('the ClickHouse server runs already');
    wanted = true;
    coming = run();
    await coming;
  };
  await start();
  return {
    url,
    get pid() {
      return child?.pid;
    },
    get crashes() {
      return crashes;
    },
    kill,
    start,
    async ready() {
      if (!wanted) await start();
      await coming;
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Compiled, this file is in another tree. */
function sourceOfServer(): string {
  return fileURLToPath(new URL('test/support/clickhouse-server.c', productRoot()));
}

function libraryPath(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const path = join(
      dirname(require.resolve('chdb/package.json')),
      '..',
      '@chdb',
      `lib-${process.platform}-${process.arch}-gnu`,
      'libchdb.so',
    );
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Asks until it answers; a process that has ended will not. */
async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + START_MS;
  while (performance.now() < endMs) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the ClickHouse server ended');
    if (await answers(url)) return;
    await later(50);
  }
  throw new Error('the ClickHouse server does not answer');
}

/** Asks now and again while it is to run, and kills it when there was no answer for a while. */
async function killWhenSilent(url: string, child: ChildProcess, runs: () => boolean): Promise<void> {
  let answeredMs = performance.now();
  while (runs()) {
    if (await answers(url)) answeredMs = performance.now();
    else if (performance.now() - answeredMs > SILENT_MS) child.kill('SIGKILL');
    await later(500);
  }
}

/** A question has an end of its own: what accepts a connection and says nothing has not answered. */
async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ping`, { signal: AbortSignal.timeout(PING_MS) })).ok;
  } catch {
    return false;
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
