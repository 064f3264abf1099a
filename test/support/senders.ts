/** Other people's senders as Debian packages them, each a process with its own configuration and ports of the loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the packages are: unpacked into a folder (.ci/run does it), or installed. */
const ROOT = process.env['UPTALLY_TEST_SENDERS'] ?? '/';

export const PROGRAMS = {
  prometheus: join(ROOT, 'usr/bin/prometheus'),
  'prometheus-libvirt-exporter': join(ROOT, 'usr/bin/prometheus-libvirt-exporter'),
  vmagent: join(ROOT, 'usr/bin/vmagent'),
  collectd: join(ROOT, 'usr/sbin/collectd'),
} as const;
export const COLLECTD_PLUGINS = join(ROOT, 'usr/lib/collectd');
export const COLLECTD_TYPES = join(ROOT, 'usr/share/collectd/types.db');

/** What is not there, in a sentence; null: all is. */
export function missingSenders(): string | null {
  const missing = Object.entries(PROGRAMS).filter(([, path]) => !existsSync(path));
  if (!existsSync('/usr/bin/virsh')) missing.push(['libvirt0', '']);
  const names = missing.map(([name]) => name).join(', ');
  return names === ''
    ? null
    : `there is no ${names} (Debian: the packages prometheus, victoria-metrics, collectd-core, libvirt0 and so on)`;
}

export interface Program {
  readonly said: () => string;
  /** Ends it and starts it anew, as it was. */
  restart(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a program, which is to run until it is stopped. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Program {
  let written = '';
  let child: ChildProcess;
  const start = (): void => {
    child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (written += part.toString()));
    child.on('error', (error) => (written += String(error)));
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    // whoever does not end by itself is of no further use here
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(timer);
  };
  start();
  return {
    said: () => written,
    async restart() {
      await stop('SIGKILL');
      start();
    },
    stop,
  };
}
