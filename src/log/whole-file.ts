/**
 * Whether a file of LMDB has all of its pages. LMDB maps what it is told is there: a file that was cut ends the process at the first page that it has not,
 * or leaves it waiting for ever. Files may rightly be shorter than they say (pages that were given back before they were written), so who finds
 * one has another process read and write it first.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compiledFile } from '../process/compiled.ts';
import { LMDB_MAGIC } from './lmdb.ts';
import { LogError } from './log.ts';

/** Where the two heads of the file stand in their pages, and what of them is read: the page's size, the last page, the transaction. */
const HEAD_AT = 24;
const PAGE_SIZE_AT = HEAD_AT + 24;
const LAST_PAGE_AT = HEAD_AT + 120;
const TRANSACTION_AT = HEAD_AT + 128;
const HEAD_BYTES = 256;
/** For reading all of a large log; a process that waits for a page that is not there would wait for ever. */
const PROBE_MS = 120_000;

/** How long the file says that it is, in bytes; undefined for one that says nothing. */
export function bytesSaid(path: string): number | undefined {
  const first = headAt(path, 0);
  if (first === undefined) return undefined;
  const second = headAt(path, first.pageSize);
  const newest = second !== undefined && second.transaction > first.transaction ? second : first;
  return (newest.lastPage + 1) * first.pageSize;
}

interface FileHead {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: bigint;
}

function headAt(path: string, at: number): FileHead | undefined {
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, 'r');
  try {
    if (readSync(file, head, 0, HEAD_BYTES, at) < HEAD_BYTES) return undefined;
  } finally {
    closeSync(file);
  }
  if (!head.subarray(HEAD_AT).subarray(0, LMDB_MAGIC.length).equals(LMDB_MAGIC)) return undefined;
  return {
    pageSize: head.readUInt32LE(PAGE_SIZE_AT),
    lastPage: Number(head.readBigUInt64LE(LAST_PAGE_AT)),
    transaction: head.readBigUInt64LE(TRANSACTION_AT),
  };
}

/**
 * Throws `log_corrupt` for a log that has lost pages. Nobody may write to it meanwhile; one that is not there, or is no log, is left to others.
 * @param isSound whether another process could read all of it and write to it
 */
export function checkIsWhole(path: string, isSound: (path: string) => boolean = isReadAndWritten): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const said = size === 0 ? undefined : bytesSaid(path);
  if (said === undefined || size >= said || isSound(path)) return;
  throw new LogError(
    'log_corrupt',
    `the log ${path} was cut: it has ${size} bytes of ${said}, and pages that it needs are not among them. ` +
      'Restore the file, or give up what it held: uptally log show (docs/operating/log-identity.md)',
  );
}

/** Whether another process can read every segment of a log and write to it. */
export function isReadAndWritten(path: string): boolean {
  const { status } = spawnSync(process.execPath, [fileURLToPath(compiledFile('log/probe.js')), path], {
    stdio: 'ignore',
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
  });
  return status === 0;
}
