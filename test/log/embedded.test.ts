import { statSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openReadTable, openWriteTable } from '../../src/log/lmdb.ts';
import { logPath, openLog, openReader, payloadOf, readAll } from './support.ts';

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('append and read', () => {
  test('sequence numbers are dense from 0 in the order of the calls, and the bytes come back equal', async () => {
    const { path, writer } = openLog();
    const seqs = await Promise.all(range(0, 500).map((n) => writer.append(payloadOf(n), n % 3)));
    expect(seqs).toEqual(range(0, 500));
    expect(writer.headSeq).toBe(500);
    expect(writer.samplesAppended).toBe(499n);
    const records = readAll(openReader(path), 0);
    expect(records.map((record) => record.seq)).toEqual(range(0, 500));
    for (const { seq, payload } of records) expect(Buffer.compare(payload, payloadOf(seq))).toBe(0);
  });

  test.each([
    { name: 'empty', bytes: 0 },
    { name: 'one byte', bytes: 1 },
    { name: 'exactly a segment', bytes: 256 * 1024 - 64 },
    { name: 'one more than a segment', bytes: 256 * 1024 - 63 },
    { name: 'several segments', bytes: 3_000_000 },
    { name: 'the largest', bytes: 15 * 2 ** 20 },
  ])('a record of $name is kept between its neighbours', async ({ bytes }) => {
    const { path, writer } = openLog();
    const payload = new Uint8Array(bytes).fill(7);
    await Promise.all([payloadOf(0), payload, payloadOf(2)].map((each) => writer.append(each, 1)));
    const records = readAll(openReader(path), 0, 1, 1);
    expect(records.map((record) => record.payload.byteLength)).toEqual([payloadOf(0).byteLength, bytes, payloadOf(2).byteLength]);
    expect(Buffer.compare(records[1]?.payload ?? payloadOf(9), payload)).toBe(0);
  });

  test('a record too large is refused without harm', async () => {
    const { writer, fatal } = openLog();
    await expect(writer.append(new Uint8Array(15 * 2 ** 20 + 1), 1)).rejects.toThrow(RangeError);
    expect(await writer.append(payloadOf(0), 1)).toBe(0);
    expect(fatal).toEqual([]);
  });

  test('the caller may reuse its buffer as soon as append has returned', async () => {
    const { path, writer } = openLog();
    const buffer = Buffer.alloc(1000);
    const appended = range(0, 100).map((n) => {
      buffer.fill(n);
      return writer.append(buffer, 1);
    });
    buffer.fill(255);
    await Promise.all(appended);
    for (const { seq, payload } of readAll(openReader(path), 0)) expect(Buffer.compare(payload, Buffer.alloc(1000, seq))).toBe(0);
  });

  test('any start and any limits give the same records', async () => {
    const { path, writer } = openLog();
    for (const wave of [1, 40, 300, 7]) await Promise.all(range(0, wave).map((n) => writer.append(payloadOf(n), 1)));
    const reader = openReader(path);
    const all = readAll(reader, 0, 2 ** 30, 2 ** 30);
    for (const start of [347, 0, 341, 1, 40, 41, 200, 346]) {
      for (const [bytesMax, recordsMax] of [
        [0, 0],
        [1, 1000],
        [20_000, 3],
        [2 ** 30, 7],
      ] as const) {
        const records = readAll(reader, start, bytesMax, recordsMax);
        expect(records.map((record) => record.seq)).toEqual(range(start, 348));
        expect(records.every((record, i) => Buffer.compare(record.payload, all[start + i]?.payload ?? Buffer.of()) === 0)).toBe(
          true,
        );
      }
    }
  });

  test('behind the last segment there is none, also in a log that was trimmed', async () => {
    const { path, writer } = openLog();
    for (const n of range(0, 4)) await writer.append(payloadOf(n, 100), 1);
    await writer.trim(2);
    const table = openReadTable(path);
    onTestFinished(() => table.close());
    expect([2, 3].map((seq) => table.segmentAfter(seq))).toEqual([3, undefined]);
    expect(table.segmentStart(100)).toBe(3);
  });

  test('a read obeys both limits and gives at least one record', async () => {
    const { path, writer } = openLog();
    await Promise.all(range(0, 10).map((n) => writer.append(payloadOf(n, 100), 1)));
    const reader = openReader(path);
    const lengths = [
      [0, 10],
      [99, 10],
      [250, 10],
      [1000, 10],
      [1000, 4],
      [1000, 0],
    ].map(([bytes = 0, records = 0]) => reader.read(0, bytes, records).length);
    expect(lengths).toEqual([1, 1, 2, 10, 4, 1]);
  });

  test('a reader opened before an append sees it once it is acknowledged; records read earlier keep their bytes', async () => {
    const { path, writer } = openLog();
    const reader = openReader(path);
    expect([reader.headSeq(), reader.firstSeq, reader.read(0, 1000, 10)]).toEqual([0, null, []]);
    await writer.append(payloadOf(0), 1);
    const [first] = reader.read(0, 1000, 10);
    await writer.append(payloadOf(1), 1);
    expect(reader.headSeq()).toBe(2);
    expect(reader.read(1, 1000, 10).map((record) => record.seq)).toEqual([1]);
    await writer.trim(2);
    await Promise.all(range(2, 50).map((n) => writer.append(payloadOf(n), 1)));
    expect(first?.payload).toEqual(payloadOf(0));
  });

  test('a position past the head is an error, the head itself an empty read', async () => {
    const { path, writer } = openLog();
    await writer.append(payloadOf(0), 1);
    const reader = openReader(path);
    expect(reader.read(1, 1000, 10)).toEqual([]);
    expect(() => reader.read(2, 1000, 10)).toThrow(expect.objectContaining({ code: 'log_behind', retryable: false }));
  });
});

test('1000 concurrent appends share a few commits', async () => {
  let commits = 0;
  const { path, writer } = openLog({
    openTable: (tablePath, mapBytes) => {
      const table = openWriteTable(tablePath, mapBytes);
      return {
        ...table,
        commit: (segments, head) => {
          commits++;
          return table.commit(segments, head);
        },
      };
    },
  });
  // Ten bursts of 100, each in a turn of its own while the one before is on its way to the disk.
  const bursts = range(0, 10).map(async (burst) => {
    for (let turn = 0; turn < burst; turn++) await new Promise((resolve) => setImmediate(resolve));
    return Promise.all(range(burst * 100, burst * 100 + 100).map((n) => writer.append(payloadOf(n), 1)));
  });
  expect((await Promise.all(bursts)).flat().sort((a, b) => a - b)).toEqual(range(0, 1000));
  expect(commits).toBeLessThanOrEqual(10);
  expect(readAll(openReader(path), 0)).toHaveLength(1000);
});

describe('restart', () => {
  test('numbering and the count of samples go on where they were', async () => {
    const path = logPath();
    for (let start = 0; start < 3; start++) {
      const { writer } = openLog({ path });
      expect(writer.headSeq).toBe(start * 10);
      expect(writer.samplesAppended).toBe(BigInt(start * 50));
      await Promise.all(range(0, 10).map((n) => writer.append(payloadOf(start * 10 + n), 5)));
      await writer.close();
    }
    const reader = openReader(path);
    for (const { seq, payload } of readAll(reader, 0)) expect(payload).toEqual(payloadOf(seq));
    expect(reader.headSeq()).toBe(30);
  });

  test('close settles what was appended and refuses what comes after', async () => {
    const path = logPath();
    const { writer } = openLog({ path });
    const appended = Promise.all(range(0, 100).map((n) => writer.append(payloadOf(n), 1)));
    const closed = writer.close();
    await expect(writer.append(payloadOf(100), 1)).rejects.toMatchObject({ code: 'log_closed', retryable: true });
    await closed;
    expect(await appended).toHaveLength(100);
    expect(readAll(openReader(path), 0)).toHaveLength(100);
  });
});

describe('trim', () => {
  test.each([1, 99, 100, 101, 500])('after trim(%i) the rest is there, and what was given up is an error', async (beforeSeq) => {
    const { path, writer } = openLog();
    for (let wave = 0; wave < 10; wave++)
      await Promise.all(range(0, 100).map((n) => writer.append(payloadOf(wave * 100 + n), 1)));
    const reader = openReader(path);
    await writer.trim(beforeSeq);
    expect(reader.firstSeq).toBe(beforeSeq);
    expect(readAll(reader, beforeSeq).map((record) => record.seq)).toEqual(range(beforeSeq, 1000));
    expect(() => reader.read(beforeSeq - 1, 1000, 10)).toThrow(
      expect.objectContaining({ code: 'log_trimmed', retryable: false }),
    );
    await writer.trim(beforeSeq - 1);
    expect(reader.firstSeq).toBe(beforeSeq);
  });

  test('of everything, then a restart: numbers are not used again', async () => {
    const path = logPath();
    const first = openLog({ path });
    await Promise.all(range(0, 300).map((n) => first.writer.append(payloadOf(n), 2)));
    await first.writer.trim(300);
    expect(openReader(path).firstSeq).toBeNull();
    await first.writer.close();
    const { writer } = openLog({ path });
    expect([writer.headSeq, writer.samplesAppended]).toEqual([300, 600n]);
    expect(await writer.append(payloadOf(300), 1)).toBe(300);
    expect(readAll(openReader(path), 300).map((record) => record.payload)).toEqual([payloadOf(300)]);
  });

  test('past the head is refused and harms nothing', async () => {
    const { writer, fatal } = openLog();
    await writer.append(payloadOf(0), 1);
    await expect(writer.trim(2)).rejects.toThrow(RangeError);
    expect(await writer.append(payloadOf(1), 1)).toBe(1);
    expect(fatal).toEqual([]);
  });

  test('the file stops growing when the log is trimmed behind the appends', async () => {
    const { path, writer } = openLog();
    const reader = openReader(path);
    const sizes: number[] = [];
    for (let round = 0; round < 20; round++) {
      const appended = range(0, 400).map((n) => writer.append(payloadOf(n, 5600), 1));
      await Promise.all([...appended, writer.trim(Math.max(0, writer.headSeq - 800))]);
      expect(reader.read(Math.max(reader.firstSeq ?? 0, 0), 1, 1)).toHaveLength(1);
      sizes.push(statSync(path).size);
    }
    expect(writer.headSeq).toBe(8000);
    expect(sizes.at(-1)).toBeLessThan(20_000_000); // 45 MB went through it
  });

  test('appends during a large trim are acknowledged, in order', async () => {
    const { path, writer } = openLog();
    for (let wave = 0; wave < 300; wave++) await writer.append(payloadOf(wave, 100), 1);
    const trimmed = writer.trim(300);
    expect(await Promise.all(range(300, 400).map((n) => writer.append(payloadOf(n), 1)))).toEqual(range(300, 400));
    await trimmed;
    expect(readAll(openReader(path), 300).map((record) => record.seq)).toEqual(range(300, 400));
  });
});

describe('limits', () => {
  test('a full log refuses appends until it is trimmed, also after a restart', async () => {
    const path = logPath();
    const first = openLog({ path, keptBytesMax: 2_000_000 });
    let refused = 0;
    for (let n = 0; n < 50; n++) {
      await first.writer.append(payloadOf(n, 100_000), 1).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'log_full', retryable: true });
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(20);
    const kept = first.writer.headSeq;
    expect(kept).toBe(50 - refused);
    await first.writer.close();
    const { writer, fatal } = openLog({ path, keptBytesMax: 2_000_000 });
    await expect(writer.append(payloadOf(kept), 1)).rejects.toMatchObject({ code: 'log_full' });
    await writer.trim(kept - 1);
    expect(await writer.append(payloadOf(kept), 1)).toBe(kept);
    expect(fatal).toEqual([]);
  });

  test('more than the pending limit is refused as busy, one record always passes', async () => {
    const { writer } = openLog({ pendingBytesMax: 1000 });
    const outcomes = await Promise.allSettled([writer.append(payloadOf(0, 5000), 1), writer.append(payloadOf(1, 10), 1)]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: 0 },
      { status: 'rejected', reason: { code: 'log_busy', retryable: true } },
    ]);
    expect(await writer.append(payloadOf(1, 500), 1)).toBe(1);
  });
});
