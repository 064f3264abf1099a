/**
 * What a lock file says of its holder: one line of JSON, padded to a fixed length so that a write never leaves half of an older one. The kernel's lock
 * decides where it works; the record says who it is, and its beat decides where no kernel sees both sides.
 */
import { readFileSync } from 'node:fs';

/** Who holds a lock. */
export interface Holder {
  /** Made at random for each time the lock is taken. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** The kernel's name for this run of the machine; empty where there is none. */
  readonly boot: string;
  readonly since: string;
  /** Whether the kernel's lock is held too; without it, only the beat tells others on this machine that the holder lives. */
  readonly kernel: boolean;
  /** Counts up while the holder is alive. */
  readonly beat: number;
  /** It was given back: nobody has to be waited for. */
  readonly released: boolean;
}

export const RECORD_BYTES = 512;

export function encodeHolder(holder: Holder): Buffer {
  const record = Buffer.alloc(RECORD_BYTES, ' ');
  record.write(JSON.stringify({ ...holder, host: holder.host.slice(0, 128) }));
  record.write('\n', RECORD_BYTES - 1);
  return record;
}

/** Undefined where it is nothing that this version has written: empty, torn, or of an earlier version. */
export function decodeHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, host, pid, boot, since, kernel, beat, released } = value as Partial<Record<keyof Holder, unknown>>;
  if (typeof id !== 'string' || typeof host !== 'string' || typeof pid !== 'number' || typeof boot !== 'string') return undefined;
  if (typeof since !== 'string' || typeof beat !== 'number') return undefined;
  // versions before did not say, and had it wherever they ran beside one that has it
  return { id, host, pid, boot, since, kernel: kernel !== false, beat, released: released === true };
}

/** A holder in words. */
export function describeHolder({ id, host, pid, since }: Holder): string {
  return `process ${pid} on ${host} since ${since} (lock ${id})`;
}

/**
 * The process of a lock file of the first version ("pid start boot", made and removed instead of locked), while it lives: it knows nothing of the
 * kernel's lock, so an upgrade must not start beside it.
 */
export function livingHolderOfOld(text: string, bootId: string): number | undefined {
  const [, pid, start, boot] = /^(\d+) (\S+) (\S*)$/.exec(text.trim()) ?? [];
  if (pid === undefined || boot !== bootId) return undefined;
  return startOf(Number(pid)) === start ? Number(pid) : undefined;
}

/** The process's start time in clock ticks (field 22, counted after the name in brackets); empty when it is gone, or only waits to be reaped. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? '' : (fields[18] ?? '');
  } catch {
    return isAlive(pid) ? 'alive' : '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
