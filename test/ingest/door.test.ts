import { describe, expect, it } from 'vitest';
import type { AggregatorThread } from '../../src/aggregate/embedded/thread.ts';
import type { Key } from '../../src/catalog/keys.ts';
import { REJECTION_CODES } from '../../src/samples/rejection.ts';
import type { NameShares } from '../../src/ingest/name-shares.ts';
import { Door, LAG_SAMPLES_MAX } from '../../src/ingest/door.ts';
import { KIND_TICK, LAYOUT } from '../../src/kernel/layout.ts';
import { LogError, type LogErrorCode, type LogWriter } from '../../src/log/log.ts';

const KEY: Key = { id: 'k', role: 'agent', name: 'agent', vms: ['v*'] };
const ADMIN: Key = { ...KEY, id: 'a', role: 'admin' };
const NO_SHARES: NameShares = {
  broughtBy: () => ({ vms: 0, nics: 0 }),
  grant: () => Promise.resolve(),
  giveBack: () => undefined,
  beginAnew: () => undefined,
};
const NOW = 1_772_323_200_000;

/** A log that takes records, or fails as it is told. */
function stubLog() {
  const records: Uint8Array[] = [];
  const state = { fail: undefined as LogErrorCode | undefined, samples: 0n };
  const log: LogWriter = {
    append(payload, sampleCount) {
      if (state.fail !== undefined) return Promise.reject(new LogError(state.fail, 'the disk says no'));
      records.push(new Uint8Array(payload));
      state.samples += BigInt(sampleCount);
      return Promise.resolve(records.length - 1);
    },
    get headSeq() {
      return records.length;
    },
    get samplesAppended() {
      return state.samples;
    },
    trim: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { log, records, state };
}

function doorOf(log: LogWriter): Door {
  const progress = { aggregatedSamples: 0n, vmSlots: 0, nicSlots: 0 };
  const aggregator = { progress: () => progress, halted: () => undefined, wake: () => undefined } as unknown as AggregatorThread;
  return new Door({
    log,
    aggregator,
    now: () => NOW,
    retentionDays: 90,
    vmsMax: 1e6,
    nicsMax: 1e6,
    keyVmsMax: 1e6,
    shares: NO_SHARES,
    faults: { at: () => undefined },
  });
}

const body = (...lines: string[]): Uint8Array[] => [Buffer.from(lines.join('\n'))];
const GOOD = `{"vm":"v1","ts":${NOW}}`;
const BAD = `{"vm":"v1","ts":-1}`;

/** The refusals that the ticks of a log hold, by code. */
function refusalsIn(records: readonly Uint8Array[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const record of records.filter((each) => each[0] === KIND_TICK)) {
    const view = new DataView(record.buffer, record.byteOffset);
    for (const [i, code] of REJECTION_CODES.entries()) {
      const n = view.getUint32(LAYOUT.RECORD_HEAD + 4 * i, true);
      if (n > 0) sum[code] = (sum[code] ?? 0) + n;
    }
  }
  return sum;
}

describe('a log that fails', () => {
  it.each<LogErrorCode>(['log_failed', 'log_full', 'log_busy', 'log_closed'])(
    'with %s is a 503 that says when to try again',
    async (code) => {
      const { log, state } = stubLog();
      const door = doorOf(log);
      state.fail = code;
      await expect(door.take(body(GOOD), 'ndjson', KEY)).rejects.toMatchObject({
        code: 'log_unavailable',
        status: 503,
        headers: { 'retry-after': '5' },
      });
      state.fail = undefined;
      expect(await door.take(body(GOOD), 'ndjson', KEY)).toMatchObject({ accepted: 1, rejected: 0, errors: [] });
    },
  );

  it('counts the bad samples of a batch once, however often it has to be sent', async () => {
    const { log, records, state } = stubLog();
    const door = doorOf(log);
    state.fail = 'log_busy';
    await expect(door.take(body(GOOD, BAD), 'ndjson', KEY)).rejects.toMatchObject({ status: 503 });
    state.fail = undefined;
    expect(await door.take(body(GOOD, BAD), 'ndjson', KEY)).toMatchObject({ accepted: 1, rejected: 1 });
    state.fail = 'log_busy';
    await expect(door.tick()).rejects.toMatchObject({ status: 503 });
    state.fail = undefined;
    await door.tick();
    await door.tick();
    expect(refusalsIn(records)).toEqual({ bad_ts: 1 });
  });
});

it('says 429 before more waits for the aggregator than may, and takes nothing', async () => {
  const { log, records, state } = stubLog();
  const door = doorOf(log);
  state.samples = BigInt(LAG_SAMPLES_MAX) + 1n;
  await expect(door.take(body(GOOD), 'ndjson', KEY)).rejects.toMatchObject({
    code: 'too_many_requests',
    status: 429,
    headers: { 'retry-after': '5' },
  });
  expect(records).toEqual([]);
});

it('writes nothing when no sample is good', async () => {
  const { log, records } = stubLog();
  expect(await doorOf(log).take(body(BAD, '{"vm":"w1","ts":1}'), 'ndjson', KEY)).toMatchObject({ accepted: 0, rejected: 2 });
  expect(records).toEqual([]);
});

describe('near the capacity', () => {
  /** A log, and an aggregator that takes in a record when the test says; it reads names from text that stands for frames. */
  function crowdedDoor(vmsMax: number) {
    const { log, records } = stubLog();
    const known = new Set<string>();
    let aggregated = 0;
    let asked = 0;
    let samples = 0n;
    const watchers: { condition: (progress: unknown) => boolean; resolve: () => void }[] = [];
    const progress = () => ({
      aggregatedSeq: aggregated - 1,
      aggregatedSamples: samples,
      vmSlots: known.size,
      nicSlots: known.size,
    });
    const namesOf = (bytes: Uint8Array): string[] =>
      ['va', 'vb', 'vc', 'vd', 've', 'vf'].filter((name) => Buffer.from(bytes).includes(name));
    const aggregator = {
      progress,
      halted: () => undefined,
      wake: () => undefined,
      until: (condition: (progress: unknown) => boolean) =>
        condition(progress()) ? Promise.resolve() : new Promise<void>((resolve) => watchers.push({ condition, resolve })),
      newNames: (frames: Uint8Array) => {
        asked++;
        const n = namesOf(frames).filter((name) => !known.has(name)).length;
        return Promise.resolve({ vms: n, nics: n });
      },
    } as unknown as AggregatorThread;
    const takeIn = (): void => {
      for (const record of records.slice(aggregated)) for (const name of namesOf(record)) known.add(name);
      aggregated = records.length;
      samples = log.samplesAppended;
      for (const watcher of watchers.splice(0)) {
        if (watcher.condition(progress())) watcher.resolve();
        else watchers.push(watcher);
      }
    };
    const door = new Door({
      log,
      aggregator,
      now: () => NOW,
      retentionDays: 90,
      vmsMax,
      nicsMax: 100,
      keyVmsMax: 1,
      shares: NO_SHARES,
      faults: { at: () => undefined },
    });
    const post = (...vms: string[]) => door.take(body(...vms.map((vm) => `{"vm":"${vm}","ts":${NOW}}`)), 'ndjson', ADMIN);
    return { post, takeIn, appended: () => records.length, asked: () => asked };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('what names only known VMs waits for nobody', async () => {
    const { post, takeIn, appended } = crowdedDoor(3);
    await post('va', 'vb');
    takeIn();
    const fresh = post('vc');
    await turn();
    // vc is in the log and not taken in: nothing can be said of vd yet
    const waiting = post('vd');
    await post('va', 'va');
    expect(appended()).toBe(3);
    takeIn();
    await fresh;
    await expect(waiting).rejects.toMatchObject({ code: 'capacity_full', status: 503 });
  });

  it('who names what it named before is asked about once', async () => {
    const { post, takeIn, asked } = crowdedDoor(2);
    await post('va', 'vb');
    takeIn();
    for (let i = 0; i < 5; i++) await post('va', 'vb');
    expect(asked()).toBe(1);
    await post('vb', 'va');
    expect(asked()).toBe(2);
  });

  it('all that wait are answered by one word of the aggregator, and who names the same new VM is not refused for it', async () => {
    const { post, takeIn, appended } = crowdedDoor(2);
    await post('va');
    const same = Array.from({ length: 50 }, () => post('vb'));
    // the first takes the last place; the others name what it names, and need not wait one after another
    for (let words = 0; words < 4; words++) {
      await turn();
      takeIn();
    }
    await turn();
    expect(appended()).toBe(51);
    await Promise.all(same);
    takeIn();
    await expect(post('vc')).rejects.toMatchObject({ code: 'capacity_full' });
  });
});
