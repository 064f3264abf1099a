import { describe, expect, it } from 'vitest';
import { LAYOUT as L } from '../../../src/kernel/layout.ts';
import { vmHash } from '../../../src/samples/vm-hash.ts';
import { ClockOffset } from '../../../src/log/kafka/clock-offset.ts';
import { originOf, samplesInMessage } from '../../../src/log/kafka/message.ts';
import { type Acknowledged, MessageTooLarge } from '../../../src/log/kafka/producing.ts';
import { KafkaWriter, type KafkaWriterOptions } from '../../../src/log/kafka/writer.ts';
import { LogError } from '../../../src/log/log.ts';
import { tickRecord } from '../../../src/log/record.ts';
import { LOG_ID } from '../../support/kafka-messages.ts';

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
  /** @param offset of all its messages; left out: the next ones */
  acknowledge(appendedMs?: number, offset?: number): void;
  fail(reason: string | Error): void;
}

/** Brokers that answer when the test says so. */
function brokers(options: Partial<KafkaWriterOptions> = {}) {
  const flushes: Flush[] = [];
  let arrived: () => void = () => undefined;
  let nowMs = 1_000;
  const heads = [0, 0];
  const writer = new KafkaWriter({
    logId: LOG_ID,
    partitions: 2,
    base: 0,
    known: [0, 0],
    confirm: () => Promise.resolve(),
    messageBytesMax: () => Promise.resolve(100_000),
    now: () => nowMs,
    lingerMs: 0,
    producing: {
      produce: (messages) =>
        new Promise<Acknowledged[]>((resolve, reject) => {
          flushes.push({
            messages,
            acknowledge: (appendedMs = nowMs, offset) => {
              resolve(
                messages.map(({ partition }) => {
                  const next = offset ?? heads[partition] ?? 0;
                  heads[partition] = next + 1;
                  return { partition, offset: next, appendedMs };
                }),
              );
            },
            fail: (reason) => {
              reject(typeof reason === 'string' ? new Error(reason) : reason);
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
    expect(writer.unavailable?.message).toMatch(/30 ms/);
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

describe('a topic that is not the log any more', () => {
  /** After this nothing is taken, whatever the brokers say. */
  const staysShut = async ({ writer }: ReturnType<typeof brokers>): Promise<void> => {
    expect(writer.unavailable?.code).toBe('log_mismatch');
    expect(await codeOf(writer.appendSamples('a', frame('v')))).toBe('log_mismatch');
    expect(await codeOf(writer.appendToAll(() => tickRecord(0, [])))).toBe('log_mismatch');
  };

  it('shows by a place that was taken before: what was put there is not answered, and nothing is from then on', async () => {
    const test = brokers({ known: [7, 7] });
    const ticked = codeOf(test.writer.appendToAll(() => tickRecord(0, [])));
    (await test.next()).acknowledge(1_000, 6);
    expect(await ticked).toBe('log_mismatch');
    await staysShut(test);
  });

  it('shows by what others have found stored meanwhile', async () => {
    const test = brokers();
    await test.open();
    test.writer.knows(1, 50);
    test.writer.knows(0, 50);
    const appended = codeOf(test.writer.appendSamples('a', frame('v')));
    (await test.next()).acknowledge();
    expect(await appended).toBe('log_mismatch');
    await staysShut(test);
  });

  it('shows by its id, asked after the acknowledgement and before the answer', async () => {
    let fault: LogError | undefined;
    const confirm = (): Promise<void> => (fault === undefined ? Promise.resolve() : Promise.reject(fault));
    const test = brokers({ confirm });
    await test.open();
    const appended = codeOf(test.writer.appendSamples('a', frame('v')));
    const flush = await test.next();
    fault = new LogError('log_mismatch', 'another topic');
    flush.acknowledge();
    expect(await appended).toBe('log_mismatch');
    fault = undefined;
    await staysShut(test);
  });

  it('is not taken for one when the brokers only do not say: that is over when they do', async () => {
    let fault: LogError | undefined;
    const confirm = (): Promise<void> => (fault === undefined ? Promise.resolve() : Promise.reject(fault));
    const { writer, open, next } = brokers({ confirm });
    await open();
    const appended = codeOf(writer.appendSamples('a', frame('v')));
    fault = new LogError('log_unavailable', 'nobody there');
    (await next()).acknowledge();
    expect(await appended).toBe('log_failed');
    expect(writer.unavailable?.code).toBe('log_unavailable');
    fault = undefined;
    await open();
    expect(writer.unavailable).toBeUndefined();
  });

  it('is not taken for one when flushes that were under way together are acknowledged in another order', async () => {
    const { writer, open, next } = brokers();
    await open();
    const first = writer.appendSamples('a', frame('v'));
    const one = await next();
    const second = writer.appendSamples('a', frame('v'));
    const two = await next();
    two.acknowledge(1_000, 9);
    await second;
    one.acknowledge(1_000, 8);
    await first;
    expect(Math.max(...writer.acknowledged().map((each) => each.next))).toBe(10);
    expect(writer.acknowledged().reduce((sum, { samples }) => sum + samples, 0)).toBe(2);
  });

  it('is told to readers by what the writer knew, in every message', async () => {
    const { writer, next } = brokers({ known: [7, 9], base: 4 });
    const ticked = writer.appendToAll(() => tickRecord(0, []));
    const flush = await next();
    const told = flush.messages.map(({ value }) => originOf(value, 0));
    expect(told).toEqual([0, 1].map((partition) => ({ logId: LOG_ID, partition, known: partition === 0 ? 7 : 9 })));
    flush.acknowledge(1_000, 5);
    await ticked;
    expect(writer.acknowledged().map((each) => each.next)).toEqual([10, 10]);
  });
});

describe('messages that the brokers find too large', () => {
  it('fail once, and the same samples pass in smaller ones', async () => {
    const { writer, open, next } = brokers({ messageBytesMax: () => Promise.resolve(160) });
    await open();
    const frames = Buffer.concat(Array.from({ length: 6 }, () => frame('v')));
    const first = codeOf(writer.appendSamples('a', frames));
    (await next()).fail(new MessageTooLarge('too large'));
    expect(await first).toBe('log_failed');
    expect(writer.unavailable).toBeUndefined();
    const again = writer.appendSamples('a', frames);
    let samples = 0;
    while (samples < 6) {
      const flush = await next();
      for (const { value } of flush.messages) {
        expect(value.length).toBeLessThanOrEqual(160);
        samples += samplesInMessage(value, 0);
      }
      flush.acknowledge();
    }
    await again;
  });

  it('are said to be in vain where even a tick is too large, until one goes through', async () => {
    const { writer, open, next } = brokers();
    await open();
    const ticked = codeOf(writer.appendToAll(() => tickRecord(0, [])));
    (await next()).fail(new MessageTooLarge('too large'));
    expect(await ticked).toBe('log_failed');
    expect(writer.unavailable?.message).toMatch(/raise max.message.bytes of the topic/);
    await open();
    expect(writer.unavailable).toBeUndefined();
  });

  it('are refused with the reason where not one sample fits', async () => {
    const { writer, open } = brokers();
    await open();
    writer.limitMessages(100);
    await expect(writer.appendSamples('a', frame('v'))).rejects.toThrow(/raise max.message.bytes of the topic/);
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
