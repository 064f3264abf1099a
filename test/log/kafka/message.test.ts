import { describe, expect, it } from 'vitest';
import { LAYOUT as L } from '../../../src/kernel/layout.ts';
import { partitionOf, vmHash } from '../../../src/samples/vm-hash.ts';
import { Batches, Waiter } from '../../../src/log/kafka/batches.ts';
import {
  checkOrigin,
  HEAD_BYTES,
  MESSAGE_BYTES_MAX,
  MESSAGE_SAMPLES_MAX,
  MessageBuilder,
  recordsOf,
  samplesInMessage,
} from '../../../src/log/kafka/message.ts';
import { catalogRecord, tickRecord } from '../../../src/log/record.ts';
import { LOG_ID, sealed as sealedMessage, withoutId } from '../../support/kafka-messages.ts';

/** A frame as assembly/layout.ts draws it, of one VM and no interface. */
function frame(vm: string, tsMs = 0): Buffer {
  const bytes = Buffer.alloc((L.FRAME_HEAD + vm.length + 7) & ~7);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt8(vm.length, L.FRAME_VM_LENGTH);
  bytes.writeUInt32LE(vmHash(vm), 4);
  bytes.writeBigInt64LE(BigInt(tsMs), L.FRAME_TS);
  bytes.write(vm, L.FRAME_HEAD, 'latin1');
  return bytes;
}

/** What the kernel would read: for each sample its VM, its agent and its index. */
function samplesOf(message: Uint8Array): { vm: string; agent: string; index: number }[] {
  return recordsOf(message, 7).flatMap(({ seq, payload }) => {
    expect(seq).toBe(7);
    if (payload[0] !== 1) return [];
    const view = Buffer.from(payload);
    const agentLength = view.readUInt8(1);
    const agent = view.toString('utf8', L.RECORD_HEAD, L.RECORD_HEAD + agentLength);
    let index = view.readUInt32LE(L.RECORD_FIRST);
    const found: { vm: string; agent: string; index: number }[] = [];
    for (let at = L.RECORD_HEAD + ((agentLength + 7) & ~7); at < view.length; at += view.readUInt16LE(at)) {
      const names = at + L.FRAME_HEAD;
      const vm = view.toString('latin1', names, names + view.readUInt8(at + L.FRAME_VM_LENGTH));
      found.push({ vm, agent, index: index++ });
    }
    expect(found).toHaveLength(view.readUInt32LE(L.RECORD_COUNT));
    return found;
  });
}

function sealed(batches: Batches): { partition: number; value: Buffer }[] {
  return batches.takeAll().map(({ partition, builder }) => ({ partition, value: sealedMessage(builder, { partition }) }));
}

describe('messages of packed requests', () => {
  it('take every sample to the partition of its VM, with its agent, under an index that runs through the message', () => {
    const batches = new Batches(5);
    const vms = Array.from({ length: 200 }, (_, i) => `vm-${i}`);
    batches.addFrames('agent-a', Buffer.concat(vms.map((vm) => frame(vm))), new Waiter());
    batches.addFrames('b', Buffer.concat(vms.slice(0, 50).map((vm) => frame(vm))), new Waiter());
    const seen: string[] = [];
    for (const { partition, value } of sealed(batches)) {
      const samples = samplesOf(value);
      expect(samples.map(({ index }) => index)).toEqual(samples.map((_, i) => i));
      expect(samplesInMessage(value, 0)).toBe(samples.length);
      for (const { vm, agent } of samples) {
        expect(partitionOf(vmHash(vm), 5)).toBe(partition);
        seen.push(`${agent} ${vm}`);
      }
    }
    expect(seen.sort()).toEqual([...vms.map((vm) => `agent-a ${vm}`), ...vms.slice(0, 50).map((vm) => `b ${vm}`)].sort());
  });

  it('are cut where they would be larger than a broker takes, or hold more samples than there are indexes', () => {
    const small = frame('v');
    for (const [count, name] of [
      [MESSAGE_SAMPLES_MAX + 10, 'v'],
      [20_000, 'a-rather-long-name-that-takes-its-place-in-every-single-frame'],
    ] as const) {
      const batches = new Batches(1);
      const frames =
        name === 'v'
          ? Buffer.concat(Array.from({ length: count }, () => small))
          : Buffer.concat(Array.from({ length: count }, () => frame(name)));
      batches.addFrames('agent', frames, new Waiter());
      const messages = sealed(batches);
      expect(messages.length).toBeGreaterThan(1);
      for (const { value } of messages) {
        expect(value.length).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
        expect(samplesInMessage(value, 0)).toBeLessThanOrEqual(MESSAGE_SAMPLES_MAX);
      }
      expect(messages.reduce((sum, { value }) => sum + samplesOf(value).length, 0)).toBe(count);
    }
  });

  it('hold ticks and marks beside samples, in the order in which they came', () => {
    const batches = new Batches(1);
    batches.addRecord(0, tickRecord(5, []), new Waiter());
    batches.addFrames('a', frame('v'), new Waiter());
    batches.addRecord(0, catalogRecord(9n), new Waiter());
    const [message] = sealed(batches);
    expect(recordsOf(message?.value ?? new Uint8Array(0), 0).map(({ payload }) => payload[0])).toEqual([2, 1, 3]);
  });

  it('count the bytes that wait, and none when all was taken', () => {
    const batches = new Batches(3);
    batches.addFrames('a', Buffer.concat([frame('x'), frame('y'), frame('z')]), new Waiter());
    batches.addRecord(1, tickRecord(0, []), new Waiter());
    expect(batches.bytes).toBeGreaterThan(3 * 48);
    while (!batches.isEmpty) batches.take();
    expect(batches.bytes).toBe(0);
  });
});

describe('a message that is not whole is refused', () => {
  const good = (): Buffer => {
    const batches = new Batches(1);
    batches.addFrames('a', Buffer.concat([frame('v1'), frame('v2')]), new Waiter());
    return Buffer.from(sealed(batches)[0]?.value ?? []);
  };
  it.each<[string, (message: Buffer) => Buffer]>([
    ['nothing at all', () => Buffer.alloc(0)],
    ["someone else's", () => Buffer.from('{"hello":"world"} and more of it')],
    ['one with a bit turned', (message) => ((message[60] = (message[60] ?? 0) ^ 1), message)],
    ['one whose log was changed', (message) => ((message[20] = (message[20] ?? 0) ^ 1), message)],
    ['one that is cut off', (message) => message.subarray(0, message.length - 8)],
    ['one that counts other samples', (message) => (message.writeUInt32LE(3, 8), message)],
    ['one that counts other records', (message) => (message.writeUInt32LE(2, 4), message)],
  ])('%s', (_, damage) => {
    expect(() => recordsOf(damage(good()), 12)).toThrow(/message 12 of the log's topic/);
  });
});

describe('a message says which log, partition and place it was written for', () => {
  const written = (known = 0): Buffer => {
    const builder = new MessageBuilder();
    builder.add(tickRecord(1, []));
    return sealedMessage(builder, { partition: 3 }, known);
  };
  const own = { logId: LOG_ID, partition: 3, adopted: false };
  const read = (message: Buffer, expected: typeof own, seq = 12) => {
    recordsOf(message, seq);
    checkOrigin(message, seq, expected);
  };

  it('and is taken there, also at a later place than its writer knew of', () => {
    read(written(), own);
    read(written(12), own);
  });
  it.each<[string, () => void, RegExp]>([
    [
      "another deployment's",
      () => {
        read(written(), { ...own, logId: 'f'.repeat(32) });
      },
      /belongs to log 0123456789abcdef/,
    ],
    [
      'of another partition',
      () => {
        read(written(), { ...own, partition: 2 });
      },
      /was written for partition 3/,
    ],
    [
      'of a topic that has lost its end since',
      () => {
        read(written(13), own);
      },
      /when 13 messages were there/,
    ],
    [
      'from before logs had ids, where none was',
      () => {
        read(withoutId(written()), own);
      },
      /before the log had an id/,
    ],
  ])('and is refused as %s', (_, reading, reason) => {
    expect(reading).toThrow(reason);
    expect(reading).toThrow(expect.objectContaining({ code: 'log_mismatch' }));
  });

  it('except in a log that is older than its id: there messages without one go on being read', () => {
    const builder = new MessageBuilder();
    builder.add(tickRecord(5, []));
    builder.add(catalogRecord(9n));
    const older = withoutId(sealedMessage(builder));
    checkOrigin(older, 0, { ...own, partition: 0, adopted: true });
    expect(recordsOf(older, 0).map(({ payload }) => payload[0])).toEqual([2, 3]);
    expect(samplesInMessage(older, 0)).toBe(0);
  });
});

describe('a smaller limit of the brokers', () => {
  const frames = Buffer.concat(['v1', 'v2', 'v3'].map((vm) => frame(vm)));
  const one = HEAD_BYTES + 8 + L.RECORD_HEAD + 8 + frame('v1').length;

  it('is kept by messages of one sample if need be', () => {
    const batches = new Batches(1);
    batches.bytesMax = one;
    batches.addFrames('agent', frames, new Waiter());
    const messages = sealed(batches);
    expect(messages.map(({ value }) => value.length)).toEqual([one, one, one]);
    expect(messages.flatMap(({ value }) => samplesOf(value).map(({ vm }) => vm))).toEqual(['v1', 'v2', 'v3']);
  });
  it('that no sample fits is said, and nothing is half written', () => {
    const batches = new Batches(1);
    batches.bytesMax = one - 1;
    expect(() => {
      batches.addFrames('agent', frames, new Waiter());
    }).toThrow(new RegExp(`a sample needs a message of ${one} bytes.*raise max.message.bytes`));
    expect(batches.isEmpty).toBe(true);
  });
});
