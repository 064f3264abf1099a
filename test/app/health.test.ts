import { describe, expect, it, vi } from 'vitest';
import { readinessOf, refusalNow, storeHealth } from '../../src/app/health.ts';
import { ProblemError } from '../../src/problems/problem.ts';

const rows = (answer: () => Promise<unknown[]>) => ({ rows: vi.fn(answer) as never });

describe('whether the store answers', () => {
  it('is asked at most once a second, however many want to know', async () => {
    const store = rows(() => Promise.resolve([]));
    let atMs = 0;
    const ask = storeHealth(store, () => atMs);
    await Promise.all(Array.from({ length: 100 }, ask));
    atMs = 999;
    await ask();
    expect(store.rows).toHaveBeenCalledTimes(1);
    atMs = 1000;
    await ask();
    expect(store.rows).toHaveBeenCalledTimes(2);
  });

  it('is told with its reason, and forgotten when it answers again', async () => {
    let away = true;
    let atMs = 0;
    const ask = storeHealth(
      rows(() => (away ? Promise.reject(new Error('refused')) : Promise.resolve([]))),
      () => (atMs += 1000),
    );
    expect(await ask()).toBe('refused');
    away = false;
    expect(await ask()).toBeUndefined();
  });

  it('is not waited for without end', async () => {
    vi.useFakeTimers();
    try {
      const asked = storeHealth(rows(() => new Promise(() => undefined)))();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await asked).toBe('ClickHouse has not answered within 2 s');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the words for samples and questions', () => {
  it.each([
    ['all in one process', { samples: undefined, questions: undefined }, { ready: true, samples: 'ok', questions: 'ok' }],
    [
      'ClickHouse away',
      { samples: undefined, questions: 'refused' },
      { ready: false, detail: 'refused', samples: 'ok', questions: 'refused' },
    ],
    [
      'the log halted',
      { samples: 'halted', questions: undefined },
      { ready: false, detail: 'halted', samples: 'halted', questions: 'ok' },
    ],
    ['the role ingest', { samples: undefined }, { ready: true, samples: 'ok', questions: 'elsewhere' }],
    ['the role api', { questions: undefined }, { ready: true, samples: 'elsewhere', questions: 'ok' }],
    [
      'the role aggregate, halted',
      { rows: 'partition 1' },
      { ready: false, detail: 'partition 1', samples: 'elsewhere', questions: 'elsewhere' },
    ],
  ])('%s', (_, why, told) => {
    expect(readinessOf(why)).toEqual(told);
  });

  it('a door that refuses says why, and a fault is a fault', () => {
    const door = (error?: Error) => ({
      refuseNow: () => {
        if (error !== undefined) throw error;
      },
    });
    expect(refusalNow(door())).toBeUndefined();
    expect(refusalNow(door(new ProblemError('log_unavailable', 'no brokers')))).toBe('log_unavailable: no brokers');
    expect(() => refusalNow(door(new TypeError('x')))).toThrow(TypeError);
  });
});
