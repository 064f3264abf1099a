import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import type { After, FaultPoint } from '../../src/log/surroundings.ts';
import type { Segment, WriteTable } from '../../src/log/lmdb.ts';
import { EMPTY_HEAD, type Head, NOT_TRIMMED } from '../../src/log/marks.ts';
import { logPath, openLog, payloadOf } from './support.ts';

/** A database whose commits end when and how the test says. */
function stubTable() {
  const commits: { segments: readonly Segment[]; head: Head; resolve: () => void; reject: (error: Error) => void }[] = [];
  let closed = false;
  let written = EMPTY_HEAD;
  const table: WriteTable = {
    head: () => written,
    trim: () => NOT_TRIMMED,
    checkFile: () => undefined,
    commit: (segments, head) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          written = head;
          resolve();
        };
        commits.push({ segments, head, resolve: done, reject });
      }),
    markTrimmed: () => Promise.resolve(),
    begin: () => Promise.resolve(),
    segmentAt: () => undefined,
    segmentStart: () => undefined,
    segmentAfter: () => undefined,
    segmentsUpTo: () => [],
    remove: () => Promise.resolve(),
    bytesInUse: () => 0,
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  };
  return { table, commits, isClosed: () => closed };
}

/** Timers that fire when the test says. */
function manualTimers() {
  const set: { delayMs: number; action: () => void; cancelled: boolean }[] = [];
  const after: After = (delayMs, action) => {
    const timer = { delayMs, action, cancelled: false };
    set.push(timer);
    return () => {
      timer.cancelled = true;
    };
  };
  return { set, after };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const FAILED = { status: 'rejected', reason: { code: 'log_failed', retryable: true } };

test('nothing is acknowledged before the commit is done, and the next group waits for it', async () => {
  const { table, commits } = stubTable();
  const { writer } = openLog({ openTable: () => table });
  const acknowledged: number[] = [];
  const append = (n: number) => writer.append(payloadOf(n), 10).then((seq) => acknowledged.push(seq));
  const first = append(0);
  await turn();
  const others = [append(1), append(2)];
  await turn();
  expect([commits.length, acknowledged, writer.headSeq, writer.samplesAppended]).toEqual([1, [], 3, 0n]);
  commits[0]?.resolve();
  await first;
  expect([commits.length, acknowledged, writer.samplesAppended]).toEqual([2, [0], 10n]);
  commits[1]?.resolve();
  await Promise.all(others);
  expect(acknowledged).toEqual([0, 1, 2]);
  expect(commits.map((commit) => commit.head)).toMatchObject([
    { nextSeq: 1, samplesAppended: 10n },
    { nextSeq: 3, samplesAppended: 30n },
  ]);
});

test('an error fails every pending and later append, tells onFatal once, and nothing more is written', async () => {
  const { table, commits, isClosed } = stubTable();
  const { writer, fatal } = openLog({ openTable: () => table });
  const cause = new Error('Input/output error');
  const pending = [writer.append(payloadOf(0), 1)];
  await turn();
  pending.push(writer.append(payloadOf(1), 1));
  commits[0]?.reject(cause);
  expect(await Promise.allSettled(pending)).toMatchObject([FAILED, FAILED]);
  expect(await Promise.allSettled([writer.append(payloadOf(2), 1), writer.trim(0)])).toMatchObject([FAILED, FAILED]);
  await turn();
  expect(fatal).toMatchObject([{ code: 'log_failed', cause, message: 'a write to the log failed: Input/output error' }]);
  expect([commits.length, writer.samplesAppended]).toEqual([1, 0n]);
  await writer.close();
  expect(isClosed()).toBe(false); // closing waits for writes that LMDB may never settle
});

test('a commit that never ends fails the log at the deadline, and its late end changes nothing', async () => {
  const { table, commits } = stubTable();
  const timers = manualTimers();
  const { writer, fatal } = openLog({ openTable: () => table, after: timers.after, appendDeadlineMs: 1234 });
  const pending = [writer.append(payloadOf(0), 1), writer.append(payloadOf(1), 1)];
  await turn();
  expect(timers.set.map((timer) => timer.delayMs)).toEqual([1234]);
  timers.set[0]?.action();
  expect(await Promise.allSettled(pending)).toMatchObject([FAILED, FAILED]);
  commits[0]?.resolve();
  await turn();
  expect(fatal).toMatchObject([{ message: 'an append took longer than 1234 ms' }]);
  await expect(writer.append(payloadOf(2), 1)).rejects.toBe(fatal[0]);
  expect([commits.length, writer.samplesAppended]).toEqual([1, 0n]);
});

test('a deadline that fires in the same turn as the commit ends is no failure', async () => {
  const { table, commits } = stubTable();
  const timers = manualTimers();
  const { writer, fatal } = openLog({ openTable: () => table, after: timers.after });
  const appended = writer.append(payloadOf(0), 1);
  await turn();
  timers.set[0]?.action();
  commits[0]?.resolve();
  expect(await appended).toBe(0);
  await turn();
  expect([fatal, timers.set[0]?.cancelled]).toEqual([[], true]);
});

test('an append that waits behind a stuck commit has its own deadline', async () => {
  const { table } = stubTable();
  const timers = manualTimers();
  const { writer, fatal } = openLog({ openTable: () => table, after: timers.after });
  const pending = [writer.append(payloadOf(0), 1)];
  await turn();
  pending.push(writer.append(payloadOf(1), 1));
  timers.set[1]?.action();
  expect(await Promise.allSettled(pending)).toMatchObject([FAILED, FAILED]);
  expect(fatal).toHaveLength(1);
});

test('a failed or stuck trim is fatal too', async () => {
  for (const stuck of [true, false]) {
    const { table, commits } = stubTable();
    const timers = manualTimers();
    const marking = stuck ? () => new Promise<void>(() => undefined) : () => Promise.reject(new Error('No space left on device'));
    const { writer, fatal } = openLog({ openTable: () => ({ ...table, markTrimmed: marking }), after: timers.after });
    const appended = writer.append(payloadOf(0), 1);
    await turn();
    commits[0]?.resolve();
    await appended;
    const trimmed = writer.trim(1);
    await turn();
    if (stuck) timers.set[1]?.action();
    await expect(trimmed).rejects.toMatchObject({ code: 'log_failed' });
    expect(fatal).toHaveLength(1);
  }
});

test('the named points are passed in order; a hook that throws is a failure', async () => {
  const points: FaultPoint[] = [];
  const { writer } = openLog({ faults: { at: (point) => void points.push(point) } });
  await writer.append(payloadOf(0), 1);
  await writer.trim(1);
  expect(points).toEqual([
    'before-append',
    'after-append',
    'before-flush',
    'during-flush',
    'after-flush',
    'before-trim',
    'after-trim',
  ]);

  const failing = openLog({
    faults: {
      at: (point) => {
        if (point === 'after-flush') throw new Error('injected');
      },
    },
  });
  await expect(failing.writer.append(payloadOf(0), 1)).rejects.toMatchObject({
    code: 'log_failed',
    cause: { message: 'injected' },
  });
  expect(failing.fatal).toHaveLength(1);
});

test('a file that cannot be opened is a clear error', () => {
  expect(() => openLog({ path: dirname(logPath()) })).toThrow(expect.objectContaining({ code: 'log_failed' }));
});
