/** How many files, sockets among them, this process may have open, and what it is when there are no more. */
import { readFileSync } from 'node:fs';

/** Where nothing says how many, so few that every system grants them. */
const UNKNOWN_MAX = 1024;

/** The limit in force. Node has raised it to what the system allows by the time that this is asked. */
export function openFilesMax(): number {
  try {
    return limitIn(readFileSync('/proc/self/limits', 'utf8')) ?? UNKNOWN_MAX;
  } catch {
    // not Linux: slower, and the same
    const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | 'unlimited' } } };
    const soft = userLimits?.open_files?.soft;
    return typeof soft === 'number' ? soft : UNKNOWN_MAX;
  }
}

/** The soft limit of Linux' table of limits; undefined where it names none. */
export function limitIn(table: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)\s/m.exec(table)?.[1];
  return soft === undefined ? undefined : soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}

/** Whether there was no file left, in this process or in the whole system: it passes when others close theirs. */
export function isFileLimit(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === 'EMFILE' || code === 'ENFILE') return true;
  // ClickHouse says it in words, with the system's number
  return typeof message === 'string' && /\b(EMFILE|ENFILE)\b|errno: 2[34]\b|Too many open files/.test(message);
}
