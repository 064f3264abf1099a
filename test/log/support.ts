import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openEmbeddedReader, openEmbeddedWriter, type EmbeddedLogOptions } from '../../src/log/embedded-log.ts';
import type { LogError, LogReader, LogWriter } from '../../src/log/log.ts';

export interface OpenLog {
  readonly path: string;
  readonly writer: LogWriter;
  readonly fatal: LogError[];
}

/** A path in a directory that goes away with the test. */
export function logPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'uptally-log-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return join(directory, 'log.mdb');
}

export function openLog(options: Partial<EmbeddedLogOptions> = {}): OpenLog {
  const path = options.path ?? logPath();
  const fatal: LogError[] = [];
  const writer = openEmbeddedWriter({ path, keptBytesMax: 2 ** 30, onFatal: (error) => fatal.push(error), ...options });
  onTestFinished(() => writer.close());
  return { path, writer, fatal };
}

export function openReader(path: string): LogReader {
  const reader = openEmbeddedReader(path);
  onTestFinished(() => {
    reader.close();
  });
  return reader;
}

/** Bytes that tell which record they belong to, of a length that depends on it. */
export function payloadOf(n: number, bytes = 8 + ((n * 7919) % 5000)): Uint8Array {
  const payload = new Uint8Array(Math.max(bytes, 4)).fill(n % 251);
  new DataView(payload.buffer).setUint32(0, n, true);
  return payload;
}

/** All records from `fromSeq` on, read in steps of the given limits. */
export function readAll(
  reader: LogReader,
  fromSeq: number,
  bytesMax = 100_000,
  recordsMax = 100,
): { seq: number; payload: Uint8Array }[] {
  const all = [];
  for (let seq = fromSeq; ;) {
    const records = reader.read(seq, bytesMax, recordsMax);
    if (records.length === 0) return all;
    all.push(...records);
    seq += records.length;
  }
}
