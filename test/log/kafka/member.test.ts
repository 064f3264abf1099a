import type { Consumer, Kafka } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Member } from '../../../src/log/kafka/member.ts';

type Listener = (event: { payload: unknown }) => void;

/** What a member uses of a consumer, with its calls written down; `tell` is what kafkajs does when something happens. */
class FakeConsumer {
  readonly events = { GROUP_JOIN: 'join', REBALANCING: 'rebalancing', STOP: 'stop', CRASH: 'crash' };
  readonly calls: string[] = [];
  readonly #listeners = new Map<string, Listener>();
  readonly #connects: () => Promise<void>;

  constructor(connects: () => Promise<void>) {
    this.#connects = connects;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  tell(event: string, payload: unknown = null): void {
    this.#listeners.get(event)?.({ payload });
  }

  connect(): Promise<void> {
    this.calls.push('connect');
    return this.#connects();
  }

  readonly subscribe = (): Promise<void> => Promise.resolve();
  readonly run = (): Promise<void> => Promise.resolve();
  readonly pause = (): void => void this.calls.push('pause');
  readonly resume = (): void => void this.calls.push('resume');
  readonly seek = ({ offset }: { offset: string }): void => void this.calls.push(`seek ${offset}`);

  readonly commitOffsets = (): Promise<void> => {
    this.calls.push('commit');
    return Promise.resolve();
  };

  readonly disconnect = (): Promise<void> => {
    this.calls.push('disconnect');
    return Promise.resolve();
  };
}

const said: string[] = [];
const consumers: FakeConsumer[] = [];
let failures = 0;

function newMember(): Member {
  const connects = (): Promise<void> => (failures-- > 0 ? Promise.reject(new Error('no broker')) : Promise.resolve());
  const consumer = (): Consumer => {
    const fake = new FakeConsumer(connects);
    consumers.push(fake);
    return fake as unknown as Consumer;
  };
  return new Member({
    kafka: { consumer } as unknown as Kafka,
    topic: 't',
    consumer: { groupId: 'g' },
    eachBatch: () => Promise.resolve(),
    onJoin: (partitions) => said.push(`joined ${partitions.join(',')}`),
    onLost: () => said.push('lost'),
    onOutOfRange: (partition) => said.push(`out of range ${partition}`),
    onEnd: (error) => said.push(`ended: ${String(error)}`),
  });
}

/** All calls of a member that go to its consumer. */
function useAll(member: Member): void {
  member.pause([0, 1]);
  member.seek(0, 17);
  member.resume(0);
  void member.commit(new Map([[0, 17]]));
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  said.length = 0;
  consumers.length = 0;
  failures = 0;
});

describe('a member of a consumer group', () => {
  it('begins with a new consumer when one gives up, and is not joined in between', async () => {
    const member = newMember();
    member.start();
    consumers[0]?.tell('join', { memberAssignment: { t: [0, 2] } });
    expect(member.joined).toBe(true);
    consumers[0]?.tell('stop');
    consumers[0]?.tell('crash', { restart: false, error: new Error('Broker not connected') });
    expect(member.joined).toBe(false);
    await vi.runAllTimersAsync();
    expect(consumers).toHaveLength(2);
    expect(consumers[0]?.calls).toEqual(['connect', 'disconnect']);
    consumers[1]?.tell('join', { memberAssignment: { t: [1] } });
    // what the old one has yet to say counts no more
    consumers[0]?.tell('join', { memberAssignment: { t: [7] } });
    consumers[0]?.tell('stop');
    expect(member.joined).toBe(true);
    expect(said).toEqual(['joined 0,2', 'lost', 'ended: Error: Broker not connected', 'joined 1']);
  });

  it('waits for a consumer that begins anew by itself', async () => {
    const member = newMember();
    member.start();
    consumers[0]?.tell('join', { memberAssignment: { t: [0] } });
    consumers[0]?.tell('stop');
    consumers[0]?.tell('crash', { restart: true, error: new Error('Connection timeout') });
    await vi.runAllTimersAsync();
    expect(consumers).toHaveLength(1);
    expect(said).toEqual(['joined 0', 'lost']);
  });

  it('tries until a broker is there', async () => {
    failures = 3;
    newMember().start();
    await vi.runAllTimersAsync();
    expect(consumers).toHaveLength(4);
    expect(said).toEqual(Array.from({ length: 3 }, () => 'ended: Error: no broker'));
  });

  it('asks its consumer for nothing while it has no assignment: it would throw', () => {
    const member = newMember();
    useAll(member);
    member.start();
    useAll(member);
    expect(consumers[0]?.calls).toEqual(['connect']);
    consumers[0]?.tell('join', { memberAssignment: {} });
    useAll(member);
    expect(consumers[0]?.calls).toEqual(['connect', 'pause', 'seek 17', 'resume', 'commit']);
    consumers[0]?.tell('stop');
    useAll(member);
    expect(consumers[0]?.calls).toHaveLength(5);
  });

  it('that is closed does not come back', async () => {
    const member = newMember();
    member.start();
    await member.close();
    consumers[0]?.tell('crash', { restart: false, error: new Error('late') });
    await vi.runAllTimersAsync();
    expect(consumers).toHaveLength(1);
    expect(said).toEqual([]);
  });
});
