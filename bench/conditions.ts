/** Where figures were measured, and of what. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

export interface Conditions {
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Processes that wanted a core in the minute before: above `cores`, absolute figures are those of a busy machine. */
  readonly loadBefore: number;
}

export function conditions(): Conditions {
  return {
    commit: commit(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    loadBefore: load(),
  };
}

/** The load average of the last minute. */
export function load(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

/** With `+changes` where what ran may not be what is committed. */
function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+changes');
  } catch {
    return 'unknown';
  }
}
