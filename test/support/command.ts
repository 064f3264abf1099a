/** A command of the product in a process of its own, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MAIN, within, type Exit } from './server.ts';

export interface Ended extends Exit {
  /** Everything that it wrote. */
  readonly said: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts it, with no setting of ours but these. */
export function startCommand(args: readonly string[], env: Readonly<Record<string, string>>): RunningCommand {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('UPTALLY_'));
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...Object.fromEntries(others), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = (once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>).then(([code, signal]) => ({
    code,
    signal,
    said,
  }));
  return { child, ended };
}

/** Starts it and waits for its end. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const { child, ended } = startCommand(args, env);
  return within(`uptally ${args.join(' ')} to end`, ended).finally(() => child.kill('SIGKILL'));
}
