/**
 * How a process ends that may have the embedded ClickHouse open. An exit beside an engine at work takes it apart under its own threads: that ends by
 * SIGSEGV, or never. So who opens such an engine says here how it is closed, and every end of the program is `endProcess`.
 */
import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Closes what must not be open when the process exits; resolves when its threads have nothing to do any more. */
export type Close = () => Promise<unknown>;

/** How long an end waits for what is open: a statement that the engine works on is finished first. Less than what supervisors grant. */
const GRACE_MS = 5_000;

const open = new Set<Close>();
let ending: Promise<never> | undefined;

/** Whether the process is on its way out: what fails from now on fails because of that. */
export function isEnding(): boolean {
  return ending !== undefined;
}

/** To be called before the opening. Answers what is to be called after the closing. Throws when the process ends already. */
export function closeBeforeEnd(close: Close): () => void {
  if (isEnding()) throw new Error('the process ends: nothing is opened any more');
  open.add(close);
  return () => {
    open.delete(close);
  };
}

/**
 * Ends the process with the code, when everything that is open has been closed and everything that was written is out. What can't be closed in time, or
 * fails to, costs the code: the process kills itself then.
 */
export function endProcess(code: number, graceMs = GRACE_MS): Promise<never> {
  ending ??= end(code, graceMs);
  return ending;
}

async function end(code: number, graceMs: number): Promise<never> {
  const closed = await inTime(Promise.all([...open].map((close) => close())), graceMs);
  await inTime(Promise.all([process.stdout, process.stderr].map(flushed)), graceMs);
  if (closed) process.exit(code);
  return endAtOnce(
    'the embedded ClickHouse did not close in time: the process kills itself, and nothing that was answered is lost',
  );
}

/** Says the last words and ends the process on the spot, whatever is open. What was answered is on disk. */
export function endAtOnce(words: string): never {
  try {
    writeSync(process.stderr.fd, `uptally: ${words}\n`);
  } finally {
    killSelf();
  }
  throw new Error('the process has killed itself');
}

/** An error that nobody has caught ends the process as every other end does, with code 1. */
export function endOnUncaught(): void {
  process.on('uncaughtException', (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`uptally: ${text}\n`);
    void endProcess(1);
  });
}

/** Ends the process the way nothing can intercept. */
export function killSelf(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Whether the work was done well within the time. */
async function inTime(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const done = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** When all that was written is with the system, or with nobody: a reader that is gone holds no one up. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else
      stream.write('', () => {
        resolve();
      });
  });
}
