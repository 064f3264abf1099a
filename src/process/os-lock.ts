/**
 * The kernel's lock on an open file. It belongs to the open file, not to a process number: it holds across PID namespaces, containers and (where the
 * file system passes it on) machines, and ends with its holder however that ends. On Linux an open file description lock, on macOS `flock`.
 */
import { createRequire } from 'node:module';

/** Of `fs-native-extensions`, which has no types of its own: what we use of it. */
interface Native {
  tryLock(fd: number): boolean;
}

/** Not there on a platform without a prebuilt binary: then the heartbeat alone tells owners apart. */
const native = load();

function load(): Native | undefined {
  try {
    return createRequire(import.meta.url)('fs-native-extensions') as Native;
  } catch {
    return undefined;
  }
}

/** What a file system says that has no locks, or whose lock service is away. */
const WITHOUT_LOCKS: ReadonlySet<string> = new Set([
  'ENOLCK',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EINVAL',
  'ENOTTY',
  'EREMOTEIO',
]);

/**
 * Asks for the exclusive lock of a file that is open for writing.
 * `unknown`: this file system has no locks.
 */
export function tryLockFile(fd: number): 'granted' | 'held' | 'unknown' {
  if (native === undefined) return 'unknown';
  try {
    return native.tryLock(fd) ? 'granted' : 'held';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EAGAIN' || code === 'EACCES') return 'held';
    if (WITHOUT_LOCKS.has(code)) return 'unknown';
    throw error;
  }
}
