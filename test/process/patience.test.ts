import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { afterOwnTime } from '../../src/process/patience.ts';

let nowMs = 0;
const fired = vi.fn();
beforeEach(() => {
  vi.useFakeTimers();
  nowMs = 0;
  fired.mockReset();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Time passes, and the process runs. */
function runs(ms: number): void {
  for (let left = ms; left > 0; left -= 100) {
    nowMs += Math.min(100, left);
    vi.advanceTimersByTime(Math.min(100, left));
  }
}

/** Time passes, and the process does not. */
function isStopped(ms: number): void {
  nowMs += ms;
}

function wait(ms: number): () => void {
  return afterOwnTime(ms, fired, () => nowMs);
}

describe('a deadline in a process that runs', () => {
  it('comes at its time, and once', () => {
    wait(10_000);
    runs(9_900);
    expect(fired).not.toHaveBeenCalled();
    runs(100);
    runs(60_000);
    expect(fired).toHaveBeenCalledOnce();
  });

  it.each([1, 999, 1_000, 1_234])('of %i ms too', (ms) => {
    wait(ms);
    runs(ms - 1);
    expect(fired).not.toHaveBeenCalled();
    runs(1);
    expect(fired).toHaveBeenCalledOnce();
  });

  it('does not come when it was called off, at any time', () => {
    for (const ms of [0, 500, 5_000]) {
      const cancel = wait(10_000);
      runs(ms);
      cancel();
      runs(20_000);
    }
    expect(fired).not.toHaveBeenCalled();
  });

  it('is not put off by small delays', () => {
    wait(10_000);
    for (let i = 0; i < 10; i++) {
      isStopped(300);
      runs(1_000);
    }
    expect(fired).toHaveBeenCalledOnce();
  });
});

describe('a deadline in a process that was stopped', () => {
  it.each([
    ['for as long as the deadline', 10_000],
    ['for a little more', 11_000],
    ['for an hour', 3_600_000],
    ['for some of it', 2_000],
  ])('%s gives the other side the whole time again', (_, ms) => {
    wait(10_000);
    runs(5_500);
    isStopped(ms);
    runs(10_000);
    expect(fired).not.toHaveBeenCalled();
    runs(1_000);
    expect(fired).toHaveBeenCalledOnce();
  });

  it('again and again comes all the same', () => {
    wait(10_000);
    for (let i = 0; i < 40; i++) {
      isStopped(5_000);
      runs(1_000);
    }
    expect(fired).toHaveBeenCalledOnce();
  });
});
