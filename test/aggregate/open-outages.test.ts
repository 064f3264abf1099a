import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SliceBounds } from '../../src/aggregate/repair-context.ts';
import type { Condition } from '../../src/domain/condition.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { samplesRecord, tickRecord } from '../../src/log/record.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { lineOf } from '../model/generate.ts';
import { unlikeModel } from '../support/expected.ts';
import { Crash, failingStore } from '../support/failing-store.ts';
import { MemoryLog, emptyStore, memoryCheckpoints, readStored, startAggregator } from '../support/product.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** On a minute. */
const T0_MS = Date.UTC(2026, 4, 1);
const STALENESS_MS = HOUR_MS;
const OPTIONS = { stalenessMs: STALENESS_MS, latenessMs: 0, clock: 'wall', linkLimitBps: 100_000_000_000n } as const;
/** A sample a slice, and edges within what is held and within silences. */
const EDGES: SliceBounds = { vms: 1, minutes: 30, samples: 1 };
const WIDE: SliceBounds = { vms: 10, minutes: 200_000, samples: 1000 };

let test: TestStore;
const decoder = new Decoder();
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());
beforeEach(() => emptyStore(test.store));

/** A state without counters. */
function said(afterMs: number, condition: Condition, nic = ''): LoggedSample {
  return { vm: 'v', nic, tsMs: T0_MS + afterMs, counters: null, epoch: 0, condition, agent: 'a' };
}

/** A record each: samples, or the time after T0 that a tick tells. */
type Story = readonly (readonly LoggedSample[] | number)[];

function logOfStory(story: Story): MemoryLog {
  const log = new MemoryLog();
  for (const each of story) {
    if (typeof each === 'number') {
      log.push(tickRecord(T0_MS + each, []));
      continue;
    }
    const decoded = decoder.decode([Buffer.from(each.map(lineOf).join('\n'))], 'ndjson', {
      nowMs: 8e14,
      oldestMs: 0,
      patterns: null,
    });
    if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error('refused');
    log.push(samplesRecord('a', decoded.accepted, decoded.frames));
  }
  return log;
}

function fleetOf(story: Story) {
  const ticks = story.filter((each) => typeof each === 'number');
  const clockMs = T0_MS + Math.max(...ticks);
  const log = story.flatMap((each) => (typeof each === 'number' ? [] : each));
  return { log, options: { ...OPTIONS, clockMs }, catalog: { plans: new Map(), vms: new Map() } };
}

interface Way {
  readonly slice: SliceBounds;
  /** Records a step; Infinity for all in one. */
  readonly records: number;
  readonly restarts: boolean;
}
const WAYS: readonly Way[] = [
  { slice: WIDE, records: Infinity, restarts: false },
  { slice: WIDE, records: 1, restarts: true },
  { slice: EDGES, records: Infinity, restarts: true },
  { slice: EDGES, records: 1, restarts: false },
];

/** Takes a story in, in steps and slices of that size, and with a stop after every one of them where it `restarts`. */
async function unlikeTold(story: Story, { slice, records, restarts }: Way): Promise<string[]> {
  const fleet = fleetOf(story);
  const { store } = test;
  const log = logOfStory(story);
  const setup = { store, log, checkpoints: memoryCheckpoints(), options: fleet.options, slice, minutesAStep: 0 };
  let aggregator = await startAggregator(setup);
  for (log.limit = Math.min(records, log.records.length); ; log.limit = Math.min(log.limit + records, log.records.length)) {
    await aggregator.step();
    await aggregator.checkpoint();
    if (restarts) {
      await aggregator.repair();
      aggregator = await startAggregator(setup);
    }
    if (log.limit === log.records.length) break;
  }
  log.limit = Infinity;
  while (await aggregator.step());
  return unlikeModel(fleet, await readStored(store), aggregator.progress());
}

const STORIES: Record<string, Story> = {
  'a state that holds until a far sample, which waits': [[said(0, 'provider')], [said(50 * MINUTE_MS, 'up')], 50 * MINUTE_MS],
  'one that went stale long before a far sample': [[said(1, 'provider')], [said(26 * HOUR_MS + 7, 'up')], 27 * HOUR_MS],
  'one that goes stale in the minute of a far sample, as it begins': [
    [said(0, 'provider')],
    [said(STALENESS_MS + 22_000, 'provider')],
    STALENESS_MS + 22_000,
  ],
  'far samples one after the other, each after a silence, the last for ever': [
    [said(0, 'provider'), said(3 * HOUR_MS, 'attack'), said(5 * HOUR_MS + 1, 'attack'), said(9 * HOUR_MS, 'customer')],
    12 * HOUR_MS,
  ],
  'an end that comes late, on the minute': [
    [said(0, 'provider'), said(9 * MINUTE_MS, 'provider')],
    [said(5 * MINUTE_MS, 'up')],
    9 * MINUTE_MS,
  ],
  'a silence that a late sample ends on the minute': [
    [said(0, 'provider'), said(4 * HOUR_MS, 'up')],
    4 * HOUR_MS,
    [said(2 * HOUR_MS, 'up')],
  ],
  'a silence on record that a far sample ends, and another that begins': [
    [said(0, 'provider')],
    2 * HOUR_MS,
    [said(3 * HOUR_MS, 'provider')],
    5 * HOUR_MS,
    [said(-HOUR_MS, 'up')],
    6 * HOUR_MS,
  ],
  'what was put aside because a repeated sample came before it': [
    [said(0, 'up'), said(3 * MINUTE_MS + 5, 'provider')],
    [said(0, 'up'), said(9 * MINUTE_MS, 'provider'), said(10 * MINUTE_MS, 'up')],
    10 * MINUTE_MS,
  ],
  'an interface that nobody knew, far after the others': [
    [said(0, 'provider', 'a'), said(MINUTE_MS, 'provider', 'b')],
    [said(40 * MINUTE_MS, 'up', 'c')],
    40 * MINUTE_MS,
  ],
  'samples that come while earlier ones wait, before and after them': [
    [said(0, 'provider')],
    [said(5 * HOUR_MS, 'provider')],
    [said(2 * HOUR_MS, 'attack')],
    [said(8 * HOUR_MS, 'attack')],
    [said(3 * HOUR_MS, 'up')],
    10 * HOUR_MS,
  ],
  'two words on one instant at the end of a silence': [
    [said(0, 'provider', 'a')],
    [said(3 * HOUR_MS, 'provider', 'a'), said(3 * HOUR_MS, 'up', 'b')],
    4 * HOUR_MS,
    [said(HOUR_MS, 'up', 'b')],
  ],
};

describe('an outage that was open', () => {
  it.each(Object.entries(STORIES))('has its end and what follows: %s', async (_, story) => {
    const unlike: unknown[] = [];
    for (const way of WAYS) {
      await emptyStore(test.store);
      const differences = await unlikeTold(story, way);
      if (differences.length > 0) unlike.push({ ...way, differences });
    }
    expect(unlike).toEqual([]);
  });

  it('has the end that the watermark showed, also when a repair is done again in an earlier step than before the crash', async () => {
    const story = [[said(0, 'provider')], [said(-HOUR_MS / 2, 'up')], 2 * HOUR_MS, 2 * HOUR_MS + 1];
    const fleet = fleetOf(story);
    let crashed = true;
    for (let n = 2; crashed; n++) {
      await emptyStore(test.store);
      const log = logOfStory(story);
      const setup = { log, checkpoints: memoryCheckpoints(), options: fleet.options };
      const failing = failingStore(test.store, n);
      const first = await startAggregator({ ...setup, store: failing.store });
      crashed = await first.step().then(
        () => false,
        (error: unknown) => {
          if (error instanceof Crash) return true;
          throw error;
        },
      );
      await failing.stopped();
      const second = await startAggregator({ ...setup, store: test.store });
      for (log.limit = 3; log.limit <= log.records.length; log.limit++) await second.step();
      expect(unlikeModel(fleet, await readStored(test.store), second.progress()), `at write ${n}`).toEqual([]);
    }
  });
});
