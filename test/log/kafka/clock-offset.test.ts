import { expect, test } from 'vitest';
import { ClockOffset } from '../../../src/log/kafka/clock-offset.ts';

/** An acknowledgement: sent at `ms`, `tripMs` on its way there and back, by a broker whose clock is `aheadMs` ahead. */
function acknowledged(offset: ClockOffset, ms: number, tripMs: number, aheadMs: number): void {
  offset.observe(ms, ms + tripMs, ms + tripMs / 2 + aheadMs);
}

test('the shortest way there and back says best how far their clock is ahead', () => {
  const offset = new ClockOffset();
  expect(offset.offsetMs).toBeUndefined();
  acknowledged(offset, 0, 500, 7_200_000);
  acknowledged(offset, 1_000, 10, 7_200_100);
  acknowledged(offset, 2_000, 800, 7_200_350);
  expect([offset.offsetMs, offset.leapMs]).toEqual([7_200_100, 0]);
});

test('a clock of theirs that leaps is not followed, and told; one that is stepped a little is', () => {
  const offset = new ClockOffset();
  acknowledged(offset, 0, 10, 500);
  for (let i = 1; i < 20; i++) acknowledged(offset, i * 1_000, 10, 8_000);
  expect([offset.offsetMs, offset.leapMs]).toEqual([8_000, 0]);
  for (let i = 20; i < 40; i++) acknowledged(offset, i * 1_000, 10, 8_640_000_000);
  expect([offset.offsetMs, offset.leapMs]).toEqual([8_000, 8_639_992_000]);
  for (let i = 40; i < 60; i++) acknowledged(offset, i * 1_000, 10, 8_100);
  expect([offset.offsetMs, offset.leapMs]).toEqual([8_100, 0]);
});

test('when the own clock is set, it is learnt again', () => {
  const offset = new ClockOffset();
  acknowledged(offset, 0, 10, 3_600_000);
  offset.forget();
  expect(offset.offsetMs).toBeUndefined();
  acknowledged(offset, 3_600_000, 10, 0);
  expect([offset.offsetMs, offset.leapMs]).toEqual([0, 0]);
});
