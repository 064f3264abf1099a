import type { Readable, Writable } from 'node:stream';
import { sleepReal, type Sleep } from '../../client/wire/retry.ts';

/** All that a command touches outside its own logic, so that tests can stand in for the terminal and the clock. */
export interface CliContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
  /** Aborts on SIGINT and SIGTERM; from the first call on, those signals no longer end the process by themselves. */
  readonly interrupted: () => AbortSignal;
}

export function processContext(): CliContext {
  let abort: AbortController | null = null;
  for (const stream of [process.stdout, process.stderr]) stream.on('error', whenNobodyReads);
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
    random: Math.random,
    sleep: sleepReal,
    interrupted: () => {
      if (abort === null) {
        const made = new AbortController();
        abort = made;
        const onSignal = (): void => {
          made.abort();
        };
        process.once('SIGINT', onSignal);
        process.once('SIGTERM', onSignal);
      }
      return abort.signal;
    },
  };
}

/**
 * Who reads may have had enough (`| head`), or have gone away (a log's collector): what was begun is finished, what is written from then on
 * goes nowhere, and the exit code is that of the deed.
 */
function whenNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** What was begun, or undefined when the command is interrupted first: a disk that does not answer must not make it deaf. */
export function interruptible<T>(begun: Promise<T>, interrupted: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      resolve(undefined);
    };
    if (interrupted.aborted) onAbort();
    interrupted.addEventListener('abort', onAbort, { once: true });
    begun.then(resolve, reject).finally(() => {
      interrupted.removeEventListener('abort', onAbort);
    });
  });
}

/** A command that ran and did not succeed: its message goes to stderr, its code is the process's. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** 1: failed. 2: wrong usage. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function writeLine(stream: Writable, text = ''): void {
  stream.write(`${text}\n`);
}
