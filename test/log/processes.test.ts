import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedReader } from '../../src/log/embedded-log.ts';
import { compilePrograms } from './programs.ts';
import { programPayload } from './programs/payload.ts';
import { logPath, openLog, openReader, payloadOf } from './support.ts';

let programs: ReturnType<typeof compilePrograms>;
beforeAll(() => {
  programs = compilePrograms();
});
afterAll(() => {
  programs.remove();
});

interface Run {
  /** seq → n, as acknowledged over the pipe. */
  readonly acknowledged: Map<number, number>;
  readonly lines: string[];
  readonly signal: string | null;
  readonly code: number | null;
}

/** Runs the appender, killing it after so many acknowledgements (if it does not die by itself before). */
async function runAppender(command: string, args: string[], killAfter: number): Promise<Run> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    seen += chunk.split('\n').length - 1;
    if (seen >= killAfter) child.kill('SIGKILL');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const lines = text.split('\n').slice(0, -1);
  const acknowledged = new Map<number, number>();
  for (const line of lines) {
    const [seq, n] = line.split(' ').map(Number);
    if (seq !== undefined && n !== undefined && Number.isInteger(seq)) acknowledged.set(seq, n);
  }
  return { acknowledged, lines, signal, code };
}

/** Everything acknowledged and not trimmed is there, byte-equal; numbers are dense; returns the head. */
function checkLog(path: string, acknowledged: ReadonlyMap<number, number>): number {
  const reader = openEmbeddedReader(path);
  const head = reader.headSeq();
  const first = reader.firstSeq ?? head;
  let seq = first;
  for (let records = reader.read(seq, 2 ** 20, 1000); records.length > 0; records = reader.read(seq, 2 ** 20, 1000)) {
    for (const record of records) {
      expect(record.seq).toBe(seq);
      const n = acknowledged.get(seq) ?? new DataView(record.payload.buffer, record.payload.byteOffset).getUint32(0, true);
      expect(Buffer.compare(record.payload, programPayload(n))).toBe(0);
      seq++;
    }
  }
  reader.close();
  expect(seq).toBe(head);
  for (const acknowledgedSeq of acknowledged.keys()) expect(acknowledgedSeq).toBeLessThan(head);
  return head;
}

describe('SIGKILL', () => {
  test('at any time: what was acknowledged is there, byte-equal, and numbering goes on', async () => {
    const path = logPath();
    const acknowledged = new Map<number, number>();
    let head = 0;
    for (const killAfter of [1, 3, 20, 77, 150, 260, 333, 480, 610, 900]) {
      const run = await runAppender(process.execPath, [programs.path('appender'), path, String(head * 2)], killAfter);
      expect(run.signal).toBe('SIGKILL');
      expect(Math.min(...run.acknowledged.keys())).toBe(head);
      for (const [seq, n] of run.acknowledged) {
        expect(acknowledged.has(seq)).toBe(false);
        acknowledged.set(seq, n);
      }
      head = checkLog(path, acknowledged);
    }
    const { writer } = openLog({ path });
    expect([writer.headSeq, writer.samplesAppended]).toEqual([head, BigInt(2 * head)]);
  });

  test.each([
    ['before-append', 100],
    ['after-append', 100],
    ['before-flush', 7],
    ['during-flush', 7],
    ['after-flush', 7],
    ['before-trim', 2],
    ['after-trim', 2],
  ])('at %s: the same', async (point, passing) => {
    const path = logPath();
    const run = await runAppender(process.execPath, [programs.path('appender'), path, '0', point, String(passing)], 100_000);
    expect(run.signal).toBe('SIGKILL');
    const head = checkLog(path, run.acknowledged);
    const { writer } = openLog({ path });
    expect(writer.headSeq).toBe(head);
    await writer.trim(head);
    expect(await writer.append(payloadOf(0), 1)).toBe(head);
  });
});

test('a disk that takes no more is fatal: pending and later appends are refused, acknowledged ones are there', async () => {
  const path = logPath();
  // A limit on the file's size stands for a full disk: LMDB's write fails the same way. $0 is the size in KiB.
  const limited = ['-c', 'ulimit -f "$0"; exec "$@"', '2000', process.execPath, programs.path('appender'), path];
  const run = await runAppender('bash', limited, 100_000);
  expect([run.code, run.signal]).toEqual([3, null]);
  expect(run.lines.filter((line) => line.startsWith('fatal'))).toHaveLength(1);
  expect(run.lines.at(-2)).toMatch(/^fatal log_failed a write to the log failed: ./);
  expect(run.lines.at(-1)).toBe('refused');
  expect(run.acknowledged.size).toBeGreaterThan(50);
  const head = checkLog(path, run.acknowledged);
  const { writer } = openLog({ path });
  expect(await writer.append(programPayload(head), 1)).toBe(head);
});

describe('a reader in a worker thread', () => {
  async function ask(worker: Worker): Promise<{ head: number; firstBytes: number[] }> {
    worker.postMessage('read');
    const [answer] = (await once(worker, 'message')) as [{ head: number; firstBytes: number[] }];
    return answer;
  }

  test('sees each record as soon as it is acknowledged, while the main thread appends and trims', async () => {
    const { path, writer } = openLog();
    const worker = new Worker(programs.path('reading-worker'), { workerData: path });
    onTestFinished(async () => {
      await worker.terminate();
    });
    let n = 0;
    for (const burst of [0, 1, 1, 500, 3, 1000, 1]) {
      const start = n;
      await Promise.all(Array.from({ length: burst }, () => writer.append(payloadOf(n++), 1)));
      const { head, firstBytes } = await ask(worker);
      expect(head).toBe(n);
      expect(firstBytes).toEqual(Array.from({ length: burst }, (_, i) => start + i));
      await writer.trim(start);
    }
    worker.postMessage('close');
    expect(await once(worker, 'exit')).toEqual([0]);
    expect(await writer.append(payloadOf(n), 1)).toBe(n);
  });

  test('that ends in the middle, closed or terminated, leaves the writer unharmed', async () => {
    const { path, writer } = openLog();
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(programs.path('reading-worker'), { workerData: path });
      await Promise.all(Array.from({ length: 100 }, () => writer.append(payloadOf(writer.headSeq), 1)));
      expect((await ask(worker)).firstBytes).toHaveLength(round * 200 + 100);
      const appended = Array.from({ length: 100 }, () => writer.append(payloadOf(writer.headSeq), 1));
      worker.postMessage('read');
      await worker.terminate();
      await Promise.all(appended);
    }
    expect(openReader(path).headSeq()).toBe(1000);
  });
});
