import { describe, expect, it } from 'vitest';
import { LAYOUT as L } from '../../../src/kernel/layout.ts';
import { vmHash } from '../../../src/kernel/vm-hash.ts';
import { ClockOffset } from '../../../src/log/kafka/clock-offset.ts';
import { samplesInMessage } from '../../../src/log/kafka/message.ts';
import { type Acknowledged, KafkaWriter, type KafkaWriterOptions } from '../../../src/log/kafka/writer.ts';
import { tickRecord } from '../../../src/log/record.ts';

function frame(vm: string): Buffer {
  const bytes = Buffer.alloc((L.FRAME_HEAD + vm.length + 7) & ~7);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt8(vm.length, L.FRAME_VM_LENGTH);
  bytes.writeUInt32LE(vmHash(vm), 4);
  bytes.write(vm, L.FRAME_HEAD, 'latin1');
  return bytes;
}

interface Flush {
  readonly messages: readonly { readonly partition: number; readonly value: Buffer }[];
  acknowledge(appendedMs?: number): void;
  fail(reason: string): void;
}

/** Brokers that answer when the test says so. */
function brokers(options: Partial<KafkaWriterOptions> = {}) {
  const flushes: Flush[] = [];
  let arrived: () => void = () => undefined;
  let nowMs = 1_000;
  const writer = new KafkaWriter({
    partitions: 2,
    now: () => nowMs,
    lingerMs: 0,
    producing: {
      produce: (messages) =>
        new Promise<Acknowledged[]>((resolve, reject) => {
          flushes.push({
            messages,
            acknowledge: (appendedMs = nowMs) => {
              resolve(messages.map(({ partition }) => ({ partition, offset: 0, appendedMs })));
            },
            fail: (reason) => {
              reject(new Error(reason));
            },
          });
          arrived();
        }),
      close: () => Promise.resolve(),
    },
    ...options,
  });
  const next = async (): Promise<Flush> => {
    while (flushes.length === 0) await new Promise<void>((resolve) => (arrived = resolve));
    const flush = flushes.shift();
    if (flush === undefined) throw new Error('no flush');
    return flush;
  };
  const open = async (): Promise<void> => {
    const ticked = writer.appendToAll(() => tickRecord(0, []));
    (await next()).acknowledge();
    await ticked;
  };
  return { writer, next, open, flushes, pass: (ms: number) => (nowMs += ms) };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'appended',
    (error: unknown) => (error as { code?: string }).code,
  );

describe('appending to Kafka', () => {
  it('is refused until a tick has been acknowledged: there is no telling what time it is', async () => {
    const { writer, open } = brokers();
    expect(await codeOf(writer.appendSamples('a', frame('v')))).toBe('log_unavailable');
    await open();
    expect(writer.unavailable).toBeUndefined();
  });

  it('packs requests of the same moment into one message a partition, and answers each when it is acknowledged', async () => {
    const { writer, open, next } = brokers();
    await open();
    const appended = ['v1', 'v2', 'v3', 'v4'].map((vm) => writer.appendSamples('a', frame(vm)));
    let answered = 0;
    for (const each of appended) void each.then(() => answered++);
    const flush = await next();
    expect(flush.messages.map(({ partition }) => partition).sort()).toEqual([0, 1]);
    expect(flush.messages.reduce((sum, { value }) => sum + samplesInMessage(value, 0), 0)).toBe(4);
    expect(answered).toBe(0);
    flush.acknowledge();
    await Promise.all(appended);
    expect(writer.counts.samples).toBe(4);
    expect(writer.pendingBytes).toBe(0);
  });

  it('answers that the outcome is unknown when the brokers fail, and refuses at once until a tick goes through', async () => {
    const { writer, open, next } = brokers();
    await open();
    const lost = codeOf(writer.appendSamples('a', frame('v')));
    (await next()).fail('no leader');
    expect(await lost).toBe('log_failed');
    expect(await codeOf(writer.appendSamples('a', frame('v')))).toBe('log_unavailable');
    await open();
    const appended = codeOf(writer.appendSamples('a', frame('v')));
    (await next()).acknowledge();
    expect(await appended).toBe('appended');
  });

  it('answers that the outcome is unknown when no acknowledgement comes in time; one that comes later changes nothing', async () => {
    const { writer, open, next } = brokers({ deadlineMs: 30 });
    await open();
    const late = codeOf(writer.appendSamples('a', frame('v')));
    const flush = await next();
    expect(await late).toBe('log_failed');
    expect(writer.unavailable).toMatch(/30 ms/);
    flush.acknowledge();
  });

  it('refuses more than the bytes that may wait, but always takes one request', async () => {
    const { writer, open, next } = brokers({ pendingBytesMax: 10 });
    await open();
    const first = writer.appendSamples('a', frame('v'));
    expect(await codeOf(writer.appendSamples('a', frame('v')))).toBe('log_busy');
    (await next()).acknowledge();
    await first;
  });

  it('settles what was appended when it is closed, and takes nothing after that', async () => {
    const { writer, open, next } = brokers();
    await open();
    const appended = writer.appendSamples('a', frame('v'));
    const closed = writer.close();
    expect(await codeOf(writer.appendSamples('a', frame('v')))).toBe('log_closed');
    (await next()).acknowledge();
    await Promise.all([appended, closed]);
  });

  it("learns the brokers' clock", async () => {
    const { writer, next } = brokers();
    const ticked = writer.appendToAll(() => tickRecord(0, []));
    (await next()).acknowledge(3_601_000);
    await ticked;
    expect(writer.clockOffsetMs).toBe(3_600_000);
  });
});

describe("the offset of the brokers' clock", () => {
  it('is taken from the shortest trip of the last few', () => {
    const clock = new ClockOffset();
    expect(clock.offsetMs).toBeUndefined();
    clock.observe(0, 1_000, 900);
    expect(clock.offsetMs).toBe(400);
    clock.observe(2_000, 2_010, 2_105);
    clock.observe(3_000, 3_900, 3_000);
    expect(clock.offsetMs).toBe(100);
    for (let i = 0; i < 8; i++) clock.observe(10_000, 10_020, 9_010);
    expect(clock.offsetMs).toBe(-1_000);
  });
});
