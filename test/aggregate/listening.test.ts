import { expect, it } from 'vitest';
import { Listening } from '../../src/aggregate/listening.ts';

it('who finds nothing twice may wait and is told; who is at work is not told; nothing that came in between is missed', () => {
  const door = new Listening();
  const thread = new Listening(door.shared);
  expect(door.take()).toBe(false);
  expect(thread.begin()).toBe(false);
  expect(thread.begin()).toBe(true);
  expect(door.take()).toBe(true);
  expect(door.take()).toBe(false);
  // something came between the two looks: it looks again, although a message is on its way
  expect(thread.begin()).toBe(false);
  expect(door.take()).toBe(true);
  expect(thread.begin()).toBe(false);
  expect(thread.begin()).toBe(true);
});
