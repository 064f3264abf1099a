import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './free-port.ts';

export interface ClickHouseServer {
  url: string;
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

/** A real ClickHouse HTTP server on 127.0.0.1, from the library that chdb ships: the engine's own command line, listening. */
export async function startClickHouseServer(): Promise<ClickHouseServer> {
  const library = libraryPath();
  if (library === undefined) throw new Error('chdb is not installed');
  const directory = await mkdtemp(join(tmpdir(), 'uptally-server-'));
  const program = join(directory, 'server');
  execFileSync('cc', ['-o', program, join(import.meta.dirname, 'clickhouse-server.c'), '-ldl']);
  const port = await freePort();
  const query =
    'SYSTEM START LISTEN HTTP; SELECT sleepEachRow(3) FROM numbers(100000) FORMAT Null ' +
    'SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0';
  const child = spawn(
    program,
    [library, `--path=${join(directory, 'data')}`, '--listen_host=127.0.0.1', `--http_port=${port}`, `--query=${query}`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  const url = `http://127.0.0.1:${port}`;
  await answering(url, child, () => errors);
  return {
    url,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(program, { force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
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
