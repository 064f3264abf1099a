import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';

export interface VirshOptions {
  /** The program; `virsh` on the PATH by default. */
  readonly path?: string;
  readonly uri: string;
}

export interface CallOptions {
  /** After it the call is given up, whatever the process does. */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What one virsh made of many commands. */
export interface ScriptAnswer {
  /** One output a command, in order; null where the command failed. */
  readonly outputs: readonly (string | null)[];
  /** What virsh said of failures. */
  readonly said: string;
}

/** Asks libvirt through its own command, so that no native module has to fit the host's libvirt. */
export interface Virsh {
  /** One command; its output. Throws when virsh fails, with what it said, and `TooLateError` when it does not answer in time. */
  run(args: readonly string[], options: CallOptions): Promise<string>;
  /**
   * Many commands over one connection. A command that fails doesn't disturb the others (a domain may stop between two of them);
   * one that hangs takes all of them with it: `TooLateError`.
   */
  script(commands: readonly (readonly string[])[], options: CallOptions): Promise<ScriptAnswer>;
}

/** There was no answer within the limit. */
export class TooLateError extends Error {
  override readonly name = 'TooLateError';
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** From the request to end to the order: virsh only reads here, so nothing is lost by it. */
const KILL_GRACE_MS = 1_000;
/** Processes that were killed and are still there (uninterruptible, on a dead disk); more are not added to them. */
const UNENDED_MAX = 16;

export function openVirsh(options: VirshOptions): Virsh {
  const path = options.path ?? 'virsh';
  const given: Set<ChildProcess> = new Set();

  const call = async (args: readonly string[], { limitMs, signal }: CallOptions): Promise<Ended> => {
    signal?.throwIfAborted();
    if (given.size >= UNENDED_MAX)
      throw new Error(
        `${given.size} virsh processes were killed and have not ended; libvirt is not asked until one of them does`,
      );
    // Read-only (-r): metering needs no more, and a host may well allow an agent no more.
    const child = spawn(path, ['-r', '-c', options.uri, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // a group of its own, so that what a wrapper has started ends with it
      detached: true,
      env: { ...process.env, LC_ALL: 'C', LANGUAGE: 'C' },
    });
    return await outcome(child, limitMs, signal, given);
  };

  return {
    async run(args, how) {
      const { code, stdout, stderr } = await call(args, how);
      if (code === 0) return stdout;
      throw new Error(firstLines(stderr) || `virsh ended with ${String(code)} and no word`);
    },
    async script(commands, how) {
      // Guests' owners choose names and descriptions, which are in the output: they can't know this mark.
      const mark = `@@${randomBytes(9).toString('hex')}`;
      const text = commands.map((command, i) => `echo ${mark} ${i}; ${command.map(quoted).join(' ')}`).join('; ');
      const { stdout, stderr } = await call([text], how);
      return { outputs: splitAtMarks(stdout, mark, commands.length), said: stderr };
    },
  };
}

interface Ended {
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settles when the process has ended and said all, when the time is up, or when the signal aborts: whichever is first. */
function outcome(
  child: ChildProcess,
  limitMs: number,
  signal: AbortSignal | undefined,
  given: Set<ChildProcess>,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const outputs = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let bytes = 0;
    let kill: NodeJS.Timeout | undefined;
    const giveUp = (error: Error, how: NodeJS.Signals): void => {
      given.add(child);
      end(child, how);
      kill ??= setTimeout(() => {
        end(child, 'SIGKILL');
      }, KILL_GRACE_MS);
      // Its pipes may stay open in a process that cannot be killed; neither they nor it keep this one alive.
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      clearTimeout(timer);
      reject(error);
    };
    const aborted = (): void => {
      giveUp(new Error('given up'), 'SIGKILL');
    };
    const timer = setTimeout(() => {
      giveUp(new TooLateError(`virsh gave no answer within ${limitMs / 1000} s`), 'SIGTERM');
    }, limitMs);
    signal?.addEventListener('abort', aborted);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes <= OUTPUT_BYTES_MAX) outputs[name].push(part);
        else giveUp(new Error(`virsh said more than ${OUTPUT_BYTES_MAX} bytes`), 'SIGKILL');
      });
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      reject(new Error(`virsh could not be run: ${error.message}`, { cause: error }));
    });
    // Whoever is given up is ended at an abort all the same, until it has gone.
    child.on('exit', () => {
      // A wrapper may have ended at a request that what it started ignores.
      if (given.delete(child)) endGroup(child, 'SIGKILL');
      clearTimeout(kill);
      signal?.removeEventListener('abort', aborted);
    });
    child.on('close', (code, killedBy) => {
      clearTimeout(timer);
      const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(outputs[name]).toString('utf8');
      resolve({ code: code ?? killedBy, stdout: text('stdout'), stderr: text('stderr') });
    });
  });
}

function end(child: ChildProcess, how: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) endGroup(child, how);
}

function endGroup({ pid }: ChildProcess, how: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, how);
  } catch {
    // Nobody of it is left.
  }
}

/** The words for a person: virsh's own, two lines of them at most. */
export function firstLines(said: string): string {
  return said.trim().split('\n').slice(0, 2).join(' ');
}

/** A word for virsh's own little shell. */
function quoted(word: string): string {
  return `"${word.replace(/[\\"]/g, '\\$&')}"`;
}

function splitAtMarks(text: string, mark: string, count: number): (string | null)[] {
  const outputs = new Array<string | null>(count).fill(null);
  for (const part of text.split(`${mark} `).slice(1)) {
    const end = part.indexOf('\n');
    const output = end < 0 ? '' : part.slice(end + 1);
    // Every question here has a word for an answer; virsh ends each command, also one that failed, with an empty line.
    if (output.trim() !== '') outputs[Number(part.slice(0, end))] = output;
  }
  return outputs;
}
