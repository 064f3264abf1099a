import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ProductClock } from '../../src/process/product-clock.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 2, 1);

let wall: number;
let monotonic: number;
let boot: number;
const note = vi.fn<(message: string) => void>();
let clock: ProductClock;

beforeEach(() => {
  [wall, monotonic, boot] = [START, 1_000, 5_000];
  note.mockReset();
  clock = new ProductClock({ clocks: { wallMs: () => wall, monotonicMs: () => monotonic, bootMs: () => boot }, note });
});

/** Time passes, and is looked at every second; the machine's clock goes at `rate`. */
function passes(ms: number, rate = 1): void {
  for (let left = ms; left > 0; left -= 1_000) {
    const step = Math.min(1_000, left);
    monotonic += step;
    boot += step;
    wall += step * rate;
    clock.nowMs();
  }
}

function sleeps(ms: number): void {
  boot += ms;
  wall += ms;
}

describe('a machine’s clock that goes as time does is followed', () => {
  it('to the millisecond', () => {
    passes(3 * 60_000 + 7);
    expect([clock.nowMs(), clock.refusedMs, note.mock.calls.length]).toEqual([wall, 0, 0]);
  });

  it.each([
    ['a tenth of a per mille too fast', 1.0001],
    ['as fast as a time service slews it', 1.0833],
    ['as slowly', 0.9167],
  ])('%s', (_, rate) => {
    passes(3_600_000, rate);
    expect([clock.nowMs(), note.mock.calls.length]).toEqual([wall, 0]);
  });

  it.each([2_000, 9_999, -2_000, -9_999])('with a step of %i ms', (step) => {
    passes(60_000);
    wall += step;
    passes(60_000);
    expect([clock.nowMs(), note.mock.calls.length]).toEqual([wall, 0]);
  });

  it('over a sleep of the machine', () => {
    passes(60_000);
    sleeps(9 * 3_600_000);
    passes(60_000);
    expect([clock.nowMs(), note.mock.calls.length]).toEqual([wall, 0]);
  });

  it('while the process is stopped, which the monotonic clock knows of', () => {
    monotonic += 3_600_000;
    boot += 3_600_000;
    wall += 3_600_000;
    expect([clock.nowMs(), note.mock.calls.length]).toEqual([wall, 0]);
  });
});

describe('a leap is refused', () => {
  it.each([
    ['100 days ahead', 100 * DAY],
    ['a minute ahead', 60_000],
    ['a minute back', -60_000],
    ['100 days back', -100 * DAY],
  ])('%s: time goes on, it is told once, and forgotten when the clock is right again', (_, leap) => {
    passes(60_000);
    const right = wall;
    wall += leap;
    passes(10_000);
    expect(clock.nowMs()).toBe(right + 10_000);
    expect(clock.refusedMs).toBe(leap);
    expect(note.mock.calls).toHaveLength(1);
    expect(note.mock.calls[0]?.[0]).toContain(`has leapt by ${(leap / 1000).toFixed(1)} s`);
    wall -= leap;
    passes(1_000);
    expect([clock.nowMs(), clock.refusedMs, clock.leaps]).toEqual([wall, 0, 1]);
    expect(note.mock.calls[1]?.[0]).toContain('agrees again');
  });

  it('in small steps too, when they come faster than time services make them', () => {
    const right = wall;
    for (let i = 0; i < 100; i++) {
      wall += 5_000;
      passes(1_000);
    }
    expect(clock.nowMs() - (right + 100_000)).toBeLessThanOrEqual(30_000);
    expect(clock.isRefusing).toBe(true);
  });

  it('of a machine that slept for less', () => {
    passes(60_000);
    sleeps(3_600_000);
    wall += 30 * DAY;
    const right = wall - 30 * DAY;
    passes(5_000);
    expect(Math.abs(clock.nowMs() - right - 5_000)).toBeLessThanOrEqual(1);
    expect(clock.refusedMs).toBeGreaterThan(29 * DAY);
  });

  it('also by a process that joins one which refuses it', () => {
    wall += 100 * DAY;
    const joined = new ProductClock({
      clocks: { wallMs: () => wall, monotonicMs: () => monotonic, bootMs: () => boot },
      aheadMs: -100 * DAY,
    });
    expect([joined.nowMs(), joined.isRefusing]).toEqual([START, true]);
    joined.follow();
    expect([joined.nowMs(), joined.isRefusing]).toEqual([wall, false]);
  });
});

describe('agents know what time it is', () => {
  const says = (key: string, newestMs: number | undefined, ahead = 0): void => {
    clock.hear({ key, newestMs, ahead });
  };
  const followed = vi.fn();
  beforeEach(() => {
    followed.mockReset();
    clock.onFollow = followed;
    passes(60_000);
  });

  it('a clock that was put right is followed when they have said so for a minute', () => {
    // the machine came up an hour slow, and its time service has found out
    wall += 3_600_000;
    passes(1_000);
    for (let i = 0; i < 59; i++) {
      says('a', undefined, 3);
      passes(1_000);
      expect(clock.isRefusing).toBe(true);
    }
    passes(2_000);
    expect([clock.nowMs(), clock.isRefusing, followed.mock.calls.length]).toEqual([wall, false, 1]);
    expect(note.mock.calls.at(-1)?.[0]).toContain('is followed after all, by 3600.0 s');
  });

  it('so is one that was put back, by samples of now', () => {
    wall -= 3_600_000;
    for (let i = 0; i < 70; i++) {
      passes(1_000);
      says('a', wall - 5_000);
    }
    expect([clock.nowMs(), clock.isRefusing]).toEqual([wall, false]);
  });

  it.each([
    ['nobody says anything', () => undefined],
    [
      'all say that time goes on',
      () => {
        says('a', clock.nowMs() - 2_000);
      },
    ],
    [
      'one says so, whatever another says',
      () => {
        says('a', undefined, 1);
        says('b', clock.nowMs());
      },
    ],
    [
      'what they send is old',
      () => {
        says('a', clock.nowMs() - 10 * DAY);
      },
    ],
  ])('it is not while %s', (_, say) => {
    wall += 100 * DAY;
    for (let i = 0; i < 300; i++) {
      passes(1_000);
      say();
    }
    expect(clock.refusedMs).toBe(100 * DAY);
  });
});
