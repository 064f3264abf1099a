import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { SliceBounds } from '../../src/aggregate/repair-context.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { samplesRecord, tickRecord } from '../../src/log/record.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { lineOf } from '../model/generate.ts';
import { unlikeModel } from '../support/expected.ts';
import { MemoryLog, emptyStore, memoryCheckpoints, readStored, startAggregator } from '../support/product.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

const MINUTE_MS = 60_000;
const T0_MS = Date.UTC(2026, 4, 1);
const OPTIONS = { stalenessMs: 90_000, latenessMs: 0, clock: 'wall', linkLimitBps: 1_000_000n } as const;
const NOTHING = { plans: new Map(), vms: new Map() };
const JUMP = 4_000_000_000n;

let test: TestStore;
const decoder = new Decoder();
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());
beforeEach(() => emptyStore(test.store));

function counted(minute: number, rx: bigint, more: Partial<LoggedSample> = {}): LoggedSample {
  const tsMs = T0_MS + minute * MINUTE_MS;
  return { vm: 'v', nic: '', tsMs, counters: { rx, tx: 0n }, epoch: 0, condition: 'up', agent: 'a', ...more };
}

/** A record for each sample; the time after them all at the end. */
function recordsOf(samples: readonly LoggedSample[]): Uint8Array[] {
  return samples.map((sample) => {
    const decoded = decoder.decode([Buffer.from(lineOf(sample))], 'ndjson', { nowMs: 8e14, oldestMs: 0, patterns: null });
    if (decoded.outcome !== 'decoded') throw new Error('the story holds what the door refuses');
    return samplesRecord(sample.agent, decoded.accepted, decoded.frames);
  });
}

it('takes back the slips of a chain alone: others of its interface that tell of the same minutes go on', async () => {
  const told = [
    counted(0, 50n, { host: 'h' }),
    counted(1, 7n),
    counted(8, 999n, { host: 'h' }),
    counted(9, JUMP, { host: 'h' }),
    counted(9, 47n),
    counted(10, 1_010n, { host: 'h' }),
  ];
  const log = new MemoryLog();
  const clockMs = T0_MS + 20 * MINUTE_MS;
  for (const record of [...recordsOf(told), tickRecord(clockMs, [])]) log.push(record);
  const options = { ...OPTIONS, clockMs };
  const aggregator = await startAggregator({ store: test.store, log, checkpoints: memoryCheckpoints(), options });
  for (log.limit = 1; log.limit <= log.records.length; log.limit++) while (await aggregator.step());
  const fleet = { log: told, options, catalog: NOTHING };
  expect(unlikeModel(fleet, await readStored(test.store), aggregator.progress())).toEqual([]);
});

it('is put right after a crash between slices of a repair that makes slips traffic again', async () => {
  const minutes = Array.from({ length: 111 }, (_, minute) => minute);
  // a jump at minute 10, back at 110; then the sample that went back turns out to have been another
  const steady = minutes.map((minute) =>
    minute < 10 || minute === 110 ? counted(minute, BigInt(minute)) : counted(minute, JUMP + 3n * BigInt(minute)),
  );
  const told = [...steady, counted(110, JUMP + 500n), counted(120, JUMP + 600n)];
  const clockMs = T0_MS + 200 * MINUTE_MS;
  const options = { ...OPTIONS, clockMs };
  const records = recordsOf(told);
  const log = new MemoryLog();
  for (const record of records.slice(0, -2)) log.push(record);
  const slice: SliceBounds = { vms: 1, minutes: 30, samples: 1000 };
  const setup = { store: test.store, log, checkpoints: memoryCheckpoints(), options };
  const first = await startAggregator(setup);
  while (await first.step());
  await first.checkpoint();
  const crashing = await startAggregator({ ...setup, slice });
  log.push(records.at(-2) ?? new Uint8Array());
  // of this repair a slice is written: that nothing was gone back behind is on record, the minutes after it are not
  await crashing.step();
  expect(crashing.progress().waiting.vms).toBe(1);

  for (const record of [...records.slice(-1), tickRecord(clockMs, [])]) log.push(record);
  const next = await startAggregator(setup);
  while (await next.step());
  expect(unlikeModel({ log: told, options, catalog: NOTHING }, await readStored(test.store), next.progress())).toEqual([]);
});
