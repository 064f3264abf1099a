import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
  /** Starts it again when it ends by itself, as a supervisor would: the command line aborts over some requests that are cut. */
  readonly supervised?: boolean;
}

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
  const kill = async (): Promise<void> => {
    if (child === undefined) return;
    const dying = child;
    child = undefined;
    const gone = once(dying, 'exit');
    if (dying.exitCode !== null || dying.signalCode !== null) return;
    dying.kill('SIGKILL');
    await gone;
  };
  const start = async (): Promise<void> => {
    if (child !== undefined) throw new Error('the ClickHouse server runs already');
    // what a killed engine leaves behind to say that it runs
    await rm(join(data, 'status'), { force: true });
    const started = spawn(program, [...fixed, `--query=${query}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let errors = '';
    started.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000);
    });
    await answering(url, started, () => errors);
    if (options.supervised !== true) return;
    started.once('exit', () => {
      if (child !== started) return;
      child = undefined;
      crashes += 1;
      recovery = start();
    });
  };
  let crashes = 0;
  let recovery: Promise<void> = Promise.resolve();
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
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async stop() {
      await recovery;
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Beside this file in the sources; compiled, this file is in another tree. */
function sourceOfServer(): string {
  const beside = join(import.meta.dirname, 'clickhouse-server.c');
  return existsSync(beside) ? beside : join(import.meta.dirname, '../../../test/support/clickhouse-server.c');
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
async function answering(url: string, child: ChildProcess, errors: () => string): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (performance.now() < endMs) {
    if (child.exitCode !== null) throw new Error(`the ClickHouse server ended: ${errors()}`);
    try {
      if ((await fetch(`${url}/ping`)).ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  child.kill('SIGKILL');
  throw new Error(`the ClickHouse server does not answer: ${errors()}`);
}
