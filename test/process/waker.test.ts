import { expect, it } from 'vitest';
import { Waker } from '../../src/process/waker.ts';

/** Whether a promise is settled once everything that is due has run. */
async function isOver(waiting: Promise<void>): Promise<boolean> {
  const over = waiting.then(() => true);
  return await Promise.race([over, new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
}

it('whoever waits goes on when there is more to do', async () => {
  const waker = new Waker();
  const waiting = waker.wait(Infinity);
  expect(await isOver(waiting)).toBe(false);
  waker.wake();
  await waiting;
});

it('what it is told of while it does not wait ends the next wait, and only that', async () => {
  const waker = new Waker();
  waker.wake();
  waker.wake();
  await waker.wait(Infinity);
  expect(await isOver(waker.wait(Infinity))).toBe(false);
});

it('a pause is not ended by more to do, which ends the next wait', async () => {
  const waker = new Waker();
  const pause = waker.pause(600_000);
  waker.wake();
  expect(await isOver(pause)).toBe(false);
  waker.stop();
  await pause;
  await waker.wait(Infinity);
});

it('once stopped nobody pauses any more, and waits wait', async () => {
  const waker = new Waker();
  waker.stop();
  await waker.pause(600_000);
  await waker.wait(Infinity);
  const waiting = waker.wait(Infinity);
  expect(await isOver(waiting)).toBe(false);
  waker.wake();
  await waiting;
});

it('a wait ends with its time', async () => {
  await new Waker().wait(1);
});
