import { describe, expect, it } from 'vitest';
import { boundsAround, checkPartition } from '../../../src/app/kafka-log-checks.ts';
import { afterGaps, isPassed } from '../../../src/log/gaps.ts';
import { topicAnswer, topicQuestion } from '../../../src/log/kafka/topic-now.ts';
import { MESSAGE_BYTES_MAX } from '../../../src/log/kafka/message.ts';
import { roomIn } from '../../../src/log/kafka/topic.ts';
import { faultOf } from '../../../src/log/kafka/watch.ts';

const UUID = 'ab'.repeat(16);

/** A Metadata response of version 12 about one topic of one partition, as the protocol guide draws it. */
function answer(error: number, uuid: string): Buffer {
  return Buffer.concat([
    Buffer.from('00' + '00000000' + '02' + '00000001' + '0568', 'hex'),
    Buffer.from('ost'),
    Buffer.from('00002384' + '00' + '00' + '00' + '00000001' + '02', 'hex'),
    Buffer.from([0, error, 2, 0x74]),
    Buffer.from(
      uuid + '00' + '02' + '0000' + '00000000' + '00000001' + '00000000' + '0200000001' + '0200000001' + '01' + '00',
      'hex',
    ),
    Buffer.from('80000000' + '00' + '00', 'hex'),
  ]);
}

describe('what brokers say of a topic', () => {
  it('is its id and how many partitions it has; nothing for a topic that is not there', () => {
    expect(topicAnswer(answer(0, UUID), 't')).toEqual({ uuid: UUID, partitions: 1 });
    expect(topicAnswer(answer(0, '0'.repeat(32)), 't')).toEqual({ uuid: undefined, partitions: 1 });
    expect(topicAnswer(answer(3, UUID), 't')).toBeUndefined();
    expect(() => topicAnswer(answer(5, UUID), 't')).toThrow(/error 5/);
    expect(() => topicAnswer(answer(0, UUID).subarray(0, 40), 't')).toThrow(RangeError);
  });
  it('is asked for by name, and never makes a topic', () => {
    expect(topicQuestion('t').toString('hex')).toBe(`0002${'00'.repeat(16)}027400000000`);
  });
  it.each([
    ['none', undefined, 'log_unavailable'],
    ['another id', { uuid: 'cd'.repeat(16), partitions: 2 }, 'log_mismatch'],
    ['more partitions', { uuid: UUID, partitions: 3 }, 'log_mismatch'],
    ['the same', { uuid: UUID, partitions: 2 }, undefined],
    ['no ids', { uuid: undefined, partitions: 0 }, undefined],
  ])('%s is judged by what it was', (_, found, code) => {
    expect(faultOf('t', { uuid: UUID, partitions: 2 }, found)?.code).toBe(code);
  });
});

it('a limit of the brokers leaves room for what a batch and gzip add', () => {
  expect(roomIn(1_048_588)).toBe(MESSAGE_BYTES_MAX);
  expect(roomIn(20_000)).toBe(20_000 - 128 - 79);
});

describe('gaps', () => {
  const gaps = [
    { partition: 1, from: 5, until: 8 },
    { partition: 1, from: 8, until: 9 },
    { partition: 1, from: 20, until: null },
    { partition: 2, from: 0, until: 100 },
  ];
  it('are stepped over, one after another, and only where they are', () => {
    expect([4, 5, 7, 8, 9, 20].map((position) => afterGaps(gaps, 1, position))).toEqual([4, 9, 9, 9, 9, 20]);
    expect(isPassed(gaps, 1, 6)).toBe(true);
    expect(isPassed(gaps, 1, 9)).toBe(false);
  });
});

it('what is known of a topic is read between where it begins and where it ends: others store, trim and append meanwhile', async () => {
  const topic = { low: 40, head: 60, storedNext: 42 };
  const ask = () => Promise.resolve(new Map([[0, { low: topic.low, head: topic.head }]]));
  const read = (): Promise<number> => {
    const { storedNext } = topic;
    Object.assign(topic, { low: 55, head: 70, storedNext: 65 });
    return Promise.resolve(storedNext);
  };
  expect(await boundsAround(ask, read)).toEqual({ bounds: new Map([[0, { low: 40, head: 70 }]]), found: 42 });
  // a partition that was not there before
  expect(
    await boundsAround(
      () => Promise.resolve(new Map([[0, { low: 3, head: 9 }]])),
      () => Promise.resolve(4),
    ),
  ).toEqual({
    bounds: new Map([[0, { low: 3, head: 9 }]]),
    found: 4,
  });
});

describe('a partition at a start', () => {
  const fits =
    (low: number, head: number, storedNext: number, told: number, gaps: Parameters<typeof checkPartition>[0]['gaps'] = []) =>
    () => {
      checkPartition({ topic: 't', partition: 0, bounds: { low, head }, storedNext, told, gaps });
    };
  it.each<[string, () => void]>([
    ['ends where it did', fits(0, 10, 10, 10)],
    ['has more than is stored', fits(3, 20, 10, 15)],
    ['is new', fits(0, 0, 0, 0)],
  ])('that %s is taken', (_, check) => {
    expect(check).not.toThrow();
  });
  it.each<[string, () => void, RegExp]>([
    ['ends before what is stored', fits(0, 9, 10, 0), /ends before message 9/],
    ['ends before what a door had acknowledged', fits(0, 12, 10, 13), /messages up to 12 were acknowledged/],
    ['begins behind what is stored', fits(12, 20, 10, 20), /messages 10 to 11 is lost.*--from 10 --until 12/],
  ])('that %s is refused', (_, check, reason) => {
    expect(check).toThrow(reason);
  });
});
