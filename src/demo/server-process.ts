/** A server of its own for the demo: a child process on a folder of its own, gone when the demo ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface DemoServer {
  readonly url: string;
  /** Why the process ended although nobody stopped it; null while it runs. */
  failure(): string | null;
  /** Lets it finish and store what was begun; ends it by force if it doesn't. Idempotent. */
  stop(): Promise<void>;
}

export interface DemoServerOptions {
  /** The command line's script. */
  readonly script: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
}

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const LOG_LINES_SHOWN = 8;
/** What a child needs of our environment; none of our own settings, so that a configured machine shows the same demo. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LD_LIBRARY_PATH', 'TZ'];

/** Resolves when the server listens. Throws with the end of its log when it does not come up. */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const inherited = Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = spawn(process.execPath, [options.script, 'serve'], {
    // a Ctrl-C is for the demo, which then stops the server in order
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...options.env, UPTALLY_DATA_DIR: options.dataDir, UPTALLY_HOST: '127.0.0.1', UPTALLY_PORT: '0' },
  });
  const log = createWriteStream(options.logFile);
  child.stderr.pipe(log);
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  let failure: string | null = null;
  let stopping = false;
  child.once('exit', (code, signal) => {
    if (!stopping) failure = `the server ended by itself (${signal ?? `exit code ${code}`})`;
  });

  const stop = async (): Promise<void> => {
    if (stopping) return ended;
    stopping = true;
    if (isRunning(child)) child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await ended;
    clearTimeout(force);
  };

  try {
    const url = await listening(child);
    child.stdout.pipe(log, { end: false });
    return { url, failure: () => failure, stop };
  } catch (error) {
    await stop();
    const text = await readFile(options.logFile, 'utf8').catch(() => '');
    const end = text.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${end}`, { cause: error });
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** The address of the line "uptally listens on URL". */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => {
      reject(new Error(`the server did not listen within ${START_MS_MAX / 1000} s`));
    }, START_MS_MAX);
    const settled = (): void => {
      clearTimeout(timer);
      child.stdout?.off('data', onData);
      child.off('exit', onExit);
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString();
      const url = /listens on (http:\S+)/.exec(text)?.[1];
      if (url === undefined) return;
      settled();
      resolve(url);
    };
    const onExit = (): void => {
      settled();
      reject(new Error('the server ended before it listened'));
    };
    child.stdout?.on('data', onData);
    child.once('exit', onExit);
    child.once('error', (error) => {
      settled();
      reject(error);
    });
  });
}

/** Throws when the demo was interrupted, or its server has ended by itself. */
export function refuseEnded(server: DemoServer, interrupted: AbortSignal): void {
  if (interrupted.aborted) throw new Error('interrupted');
  const reason = server.failure();
  if (reason !== null) throw new Error(reason);
}

/** The log of a demo's server lies beside its data. */
export function logFileOf(dir: string): string {
  return join(dir, 'server.log');
}
