import { describe, expect, it } from 'vitest';
import { KIND_TICK, LAYOUT as L } from '../../../src/kernel/layout.ts';
import { MessageBuilder } from '../../../src/log/kafka/message.ts';
import { PartitionQueue, STEP_MS } from '../../../src/log/kafka/queue.ts';
import { catalogRecord, tickRecord } from '../../../src/log/record.ts';
import { sealed } from '../../support/kafka-messages.ts';
import { below, randomOf } from '../../support/random.ts';
import { seeds } from '../../support/seeds.ts';

function message(...records: Uint8Array[]): Buffer {
  const builder = new MessageBuilder();
  for (const record of records) builder.add(record);
  return sealed(builder);
}

const TICK = (): Buffer => message(tickRecord(1, []));
const MARK = (): Buffer => message(catalogRecord(4n));
const EVENT_TICK = (): Buffer => message(tickRecord(77, [], 'event'));

function queueOf(): PartitionQueue {
  const queue = new PartitionQueue({ low: 0, head: 0 });
  queue.begin(0);
  return queue;
}

/** The last message of each whole step. */
function stepsOf(queue: PartitionQueue): number[] {
  const ends: number[] = [];
  for (let next = 0; ; next = (ends.at(-1) ?? 0) + 1) {
    const last = queue.read(next).at(-1);
    if (last === undefined) return ends;
    ends.push(last.seq);
  }
}

describe('where steps end', () => {
  it.each<[string, [number, Buffer][], number[]]>([
    [
      'nothing before a tick',
      [
        [0, message()],
        [10_000, message()],
      ],
      [],
    ],
    [
      'a tick too soon after the first message',
      [
        [0, message()],
        [STEP_MS - 1, TICK()],
      ],
      [],
    ],
    [
      'a tick late enough',
      [
        [0, message()],
        [STEP_MS, TICK()],
        [STEP_MS + 1, message()],
      ],
      [1],
    ],
    [
      'a tick by a clock that went back',
      [
        [10_000, message()],
        [0, TICK()],
      ],
      [1],
    ],
    [
      'a change of the catalog at once',
      [
        [0, MARK()],
        [1, MARK()],
      ],
      [0, 1],
    ],
    [
      'the next step counts from its own first message',
      [
        [0, TICK()],
        [STEP_MS, TICK()],
        [STEP_MS + 1, TICK()],
        [2 * STEP_MS + 1, TICK()],
      ],
      [1, 3],
    ],
  ])('%s', (_, log, ends) => {
    const queue = queueOf();
    for (const [atMs, bytes] of log) queue.push(atMs, bytes);
    expect(stepsOf(queue)).toEqual(ends);
  });

  it.each(seeds(20))('does not depend on where a reader begins, if it begins at a step (log %i)', (seed) => {
    const random = randomOf(seed);
    let atMs = 0;
    const log = Array.from({ length: 300 }, () => {
      atMs += below(random, 300) - 20;
      const kind = below(random, 10);
      return { atMs, bytes: kind < 5 ? TICK() : kind === 9 ? MARK() : message() };
    });
    const whole = queueOf();
    for (const each of log) whole.push(each.atMs, Buffer.from(each.bytes));
    const ends = stepsOf(whole);
    expect(ends.length).toBeGreaterThan(10);
    const from = below(random, ends.length - 1);
    const begin = (ends[from] ?? 0) + 1;
    const later = new PartitionQueue({ low: 0, head: 300 });
    later.begin(begin);
    for (const each of log.slice(begin)) later.push(each.atMs, Buffer.from(each.bytes));
    const again: number[] = [];
    for (let last = later.read(begin).at(-1); last !== undefined; last = later.read(last.seq + 1).at(-1)) again.push(last.seq);
    expect(again).toEqual(ends.slice(from + 1));
  });
});

describe('ticks', () => {
  it("say the brokers' time, but for those that tell the highest ts", () => {
    const queue = queueOf();
    queue.push(1_000_000, TICK());
    queue.push(1_000_000 + STEP_MS, EVENT_TICK());
    const clocks = queue
      .read(0)
      .filter(({ payload }) => payload[0] === KIND_TICK)
      .map(({ payload }) => Buffer.from(payload).readBigInt64LE(L.RECORD_CLOCK));
    expect(clocks).toEqual([1_000_000n, 77n]);
  });

  it.each([
    ['an hour ahead of one that was compared with it: it has leapt, and is not followed', 'compared', 3_600_000, 1_000_000],
    ['an hour ahead of one that nobody has compared', 'own', 3_600_000, 4_600_000],
    ['a minute ahead, since the message waited', 'compared', 60_000, 1_060_000],
    ['behind: it was set back, and never makes the clock go on', 'compared', -500_000, 500_000],
  ] as const)("where the brokers' is %s", (_, clock, leapMs, says) => {
    const queue = queueOf();
    queue.push(1_000_000 + leapMs, message(tickRecord(1_000_000, [], clock)));
    queue.push(1_000_000 + leapMs + STEP_MS, message(tickRecord(1_000_000 + STEP_MS, [], clock)));
    const [tick] = queue.read(0).filter(({ payload }) => payload[0] === KIND_TICK);
    expect(Buffer.from(tick?.payload ?? []).readBigInt64LE(L.RECORD_CLOCK)).toBe(BigInt(says));
    // the kernel knows two kinds only
    expect(tick?.payload[L.RECORD_EVENT]).toBe(0);
  });
});

describe('what is held', () => {
  it('says when it is full, and when there is room again', () => {
    const queue = queueOf();
    const record = Buffer.alloc(900_000);
    record[0] = 9;
    for (let i = 0; !queue.isFull; i++) queue.push(i, message(record));
    expect(queue.hasRoom).toBe(false);
    for (let next = 0; !queue.hasRoom;) next = (queue.read(next).at(-1)?.seq ?? 0) + 1;
    expect(queue.isFull).toBe(false);
  });
});
