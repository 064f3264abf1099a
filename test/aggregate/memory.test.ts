import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { samplesRecord, tickRecord } from '../../src/log/record.ts';
import type { Store } from '../../src/store/store.ts';
import { MemoryLog, emptyStore, memoryCheckpoints, startAggregator } from '../support/product.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 4, 1);
const OPTIONS = {
  stalenessMs: 90_000,
  latenessMs: 120_000,
  clock: 'wall',
  clockMs: NOW_MS,
  linkLimitBps: 100_000_000_000n,
} as const;

let test: TestStore;
const decoder = new Decoder();
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());
beforeEach(() => emptyStore(test.store));

/** A store that counts the bytes of minute rows: of one insert at most, and in all since they were last asked for. */
function counting(inner: Store): { store: Store; largest: () => number; since: () => number } {
  let largest = 0;
  let since = 0;
  return {
    store: {
      ...inner,
      insertRowBinary(table, structure, chunks, token) {
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        largest = Math.max(largest, bytes);
        if (table === 'traffic' || table === 'uptime') since += bytes;
        return inner.insertRowBinary(table, structure, chunks, token);
      },
    },
    largest: () => largest,
    since: () => {
      const bytes = since;
      since = 0;
      return bytes;
    },
  };
}

function push(log: MemoryLog, lines: readonly string[], agent: string): void {
  const decoded = decoder.decode([Buffer.from(lines.join('\n'))], 'ndjson', { nowMs: NOW_MS, oldestMs: 0, patterns: null });
  if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error('refused');
  log.push(samplesRecord(agent, decoded.accepted, decoded.frames));
}

const line = (vm: string, tsMs: number, bytes: number): string =>
  `{"vm":"${vm}","ts":${tsMs},"rx_bytes":${bytes},"tx_bytes":${bytes}}`;
const minutesOf = async (vm: string): Promise<string[]> => {
  const rows = await test.store.rows<{ n: string; rx: string; first: string }>(
    `SELECT count() AS n, sum(rx) AS rx, min(minute) AS first FROM (SELECT minute, argMax(rx_bytes, version) AS rx FROM traffic WHERE vm = '${vm}' GROUP BY minute)`,
  );
  return rows.map(({ n, rx }) => `${n} ${rx}`);
};

describe('what one step writes', () => {
  it('is bounded, however far samples are from those before them, and the others are not behind them', async () => {
    const { store, largest, since } = counting(test.store);
    const log = new MemoryLog();
    const small = { slice: { vms: 50, minutes: 20_000, samples: 1000 }, minutesAStep: 10_000 };
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: OPTIONS, ...small });
    push(log, [line('b', NOW_MS - 10_000, 0)], 'b');
    const far = Array.from({ length: 20 }, (_, i) => [
      line(`a-${i}`, NOW_MS - 30 * DAY_MS, 0),
      line(`a-${i}`, NOW_MS - 5000, 1e9),
    ]);
    push(log, far.flat(), 'a');
    push(log, [line('b', NOW_MS - 1000, 500)], 'b');
    log.push(tickRecord(NOW_MS + 600_000, []));
    await aggregator.step();
    expect(aggregator.progress()).toMatchObject({
      waiting: { vms: 20, samples: 20 },
      aggregatedSamples: 42n,
      storedSamples: 22n,
    });
    expect(await minutesOf('b')).toEqual(['1 500']);
    // 30,000 minutes of traffic and what goes with them, at most 80 bytes a row
    expect(since()).toBeLessThan(31_000 * 80);
    let slices = 0;
    while (await aggregator.step()) {
      slices++;
      expect(since()).toBeLessThan(21_000 * 80);
    }
    expect(slices).toBeGreaterThan(20);
    expect(largest()).toBeLessThan(21_000 * 80);
    expect(await minutesOf('a-7')).toEqual(['43200 1000000000']);
    expect(aggregator.progress()).toMatchObject({ waiting: { vms: 0 }, storedSamples: 42n });
  });

  it('is bounded for a late sample 56 years before its others, whose instant is 0', async () => {
    const { store, since } = counting(test.store);
    const log = new MemoryLog();
    const aggregator = await startAggregator({ store, log, checkpoints: memoryCheckpoints(), options: OPTIONS });
    push(log, [line('g', NOW_MS - 10_000, 1e14), line('g', NOW_MS, 1e14)], 'a');
    await aggregator.step();
    push(log, [line('g', 0, 0)], 'a');
    await aggregator.step();
    since();
    const before = aggregator.progress().waiting.minutes;
    expect(before).toBeGreaterThan(29_000_000);
    await aggregator.repair();
    expect(since()).toBeLessThan(201_000 * 80);
    expect(before - aggregator.progress().waiting.minutes).toBe(200_000);
    // others go past
    push(log, [line('h', NOW_MS, 0), line('h', NOW_MS + 60_000, 7)], 'h');
    await aggregator.step();
    expect((await test.store.rows(`SELECT count() FROM samples WHERE vm = 'h'`)).length).toBe(1);
    expect(aggregator.progress().storedSamples).toBe(4n);
  });
});

describe('an agent among others', () => {
  it('has its turn whatever another has waiting, and small work is done first', async () => {
    const log = new MemoryLog();
    const small = { slice: { vms: 8, minutes: 3000, samples: 1000 } };
    const aggregator = await startAggregator({
      ...{ store: test.store, log, checkpoints: memoryCheckpoints(), options: OPTIONS },
      ...small,
    });
    const vms = Array.from({ length: 12 }, (_, i) => `a-${i}`);
    push(
      log,
      vms.map((vm) => line(vm, NOW_MS, 1e9)),
      'a',
    );
    push(log, [line('b-1', NOW_MS - 60_000, 5), line('b-1', NOW_MS, 10), line('c-1', NOW_MS, 1e9)], 'b');
    await aggregator.step();
    push(
      log,
      vms.map((vm) => line(vm, NOW_MS - 20 * DAY_MS, 0)),
      'a',
    );
    await aggregator.step();
    push(log, [line('b-1', NOW_MS - 600_000, 0)], 'b');
    push(log, [line('c-1', NOW_MS - 5 * DAY_MS, 0)], 'c');
    await aggregator.step();
    expect(await minutesOf('b-1')).toEqual(['6 10']);
    let slices = 0;
    for (; (await minutesOf('c-1'))[0] !== '7200 1000000000'; slices++) await aggregator.step();
    // five days at a third to a half of each slice, beside 240 days of another's
    expect(slices).toBeLessThan(9);
    expect(aggregator.progress().waiting.vms).toBeGreaterThan(9);
  });
});
