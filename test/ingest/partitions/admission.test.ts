import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Sender } from '../../../src/http/keys.ts';
import { PartitionAdmission } from '../../../src/ingest/partitions/admission.ts';
import { PartitionGrants } from '../../../src/ingest/partitions/grants.ts';
import { type Named, namesIn, nicKey } from '../../../src/ingest/partitions/named.ts';
import { Decoder } from '../../../src/kernel/decoder.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

const NOW = 1_800_000_000_000;
const PARTITIONS = 2;
const decoder = new Decoder();
let posted = 0;

/** Frames of a request that names these VMs, with one interface each. */
function framesOf(vms: readonly string[]): Uint8Array {
  const lines = vms.map((vm) => JSON.stringify({ vm, nic: 'e', ts: NOW - ++posted, rx_bytes: 0, tx_bytes: 0 }));
  const decoded = decoder.decode([Buffer.from(lines.join('\n'))], 'ndjson', { nowMs: NOW, oldestMs: 0, patterns: null });
  if (decoded.outcome !== 'decoded' || decoded.accepted !== vms.length) throw new Error('the names were not taken');
  return new Uint8Array(decoded.frames);
}

/** `n` names of VMs that belong to a partition. */
function vmsOf(prefix: string, partition: number, n: number): string[] {
  const vms: string[] = [];
  for (let i = 0; vms.length < n; i++)
    if (namesIn(framesOf([`${prefix}-${i}`]), PARTITIONS).has(partition)) vms.push(`${prefix}-${i}`);
  return vms;
}

/** Partitions with their messages, and aggregators that take them in when they are told. */
class Log {
  readonly messages: Named[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly names = Array.from({ length: PARTITIONS }, () => new Set<string>());
  readonly stored = Array.from({ length: PARTITIONS }, () => -1);
  catalogSeq = 0n;

  append(frames: Uint8Array): void {
    for (const [partition, named] of namesIn(frames, PARTITIONS)) this.messages[partition]?.push(named);
  }

  vms(partition: number): number {
    return [...(this.names[partition] ?? [])].filter((key) => !key.includes(' ')).length;
  }

  has(key: string): boolean {
    return this.names.some((names) => names.has(key));
  }

  aggregate(): void {
    for (const [partition, messages] of this.messages.entries()) {
      for (const named of messages.slice((this.stored[partition] ?? -1) + 1))
        for (const [vm, nics] of named)
          for (const key of [vm, ...[...nics].map((nic) => nicKey(vm, nic))]) this.names[partition]?.add(key);
      this.stored[partition] = messages.length - 1;
    }
  }
}

const agent = (id: string): Sender => ({ id, name: id, role: 'agent' });
const ADMIN: Sender = { id: 'admin', name: 'admin', role: 'admin' };

describe('the door before Kafka, where names may not fit', () => {
  let test: TestStore;
  let log: Log;
  beforeAll(async () => {
    test = await openTestStore();
  });
  afterAll(() => test.remove());
  beforeEach(async () => {
    await test.store.command('TRUNCATE TABLE names_brought');
    log = new Log();
  });

  /** A door, of several. Reads what is on record when it is told, or while a request waits for it. */
  function newDoor({ vmsMax = 40, keyVmsMax = 40, doors = 1, reads = true, silent = false } = {}) {
    const grants = new PartitionGrants(test.store, randomUUID(), () => NOW, 0n);
    const found = new Set<string>();
    const asked: string[][] = [];
    let failing = false;
    // a request waits as long as the machine takes, or is refused at once
    let patienceMs = 60_000;
    let nowMs = 0;
    const admission = new PartitionAdmission({
      log: { acknowledged: () => log.messages.map((messages) => ({ next: messages.length })) },
      stored: {
        has: (key) => found.has(key),
        clear: () => {
          found.clear();
        },
        ask: (named) => {
          if (silent) return new Promise(() => undefined);
          asked.push([...named.keys()]);
          for (const [vm, nics] of named)
            for (const key of [vm, ...[...nics].map((nic) => nicKey(vm, nic))]) if (log.has(key)) found.add(key);
          return Promise.resolve();
        },
      },
      ...{ grants, forgettingSeq: 0n, vmsMax, nicsMax: 2 * vmsMax, keyVmsMax, monotonicMs: () => nowMs },
      get patienceMs() {
        return patienceMs;
      },
    });
    const read = async (): Promise<void> => {
      await grants.read();
      const partitions = log.names.map((names, p) => ({
        ...{ storedSeq: log.stored[p] ?? -1, catalogSeq: log.catalogSeq },
        taken: { vms: log.vms(p), nics: names.size - log.vms(p) },
      }));
      admission.read({ partitions, clockMs: undefined, doors });
    };
    const post = async (sender: Sender, vms: readonly string[]): Promise<string> => {
      let over = false;
      const isOver = (): boolean => over;
      const outcome = admission
        .admit(framesOf(vms), sender, (frames) => {
          if (failing) return Promise.reject(new Error('the brokers say no'));
          log.append(frames);
          return Promise.resolve();
        })
        .then(() => 'in')
        .catch((error: unknown) => (error as { code?: string; message: string }).code ?? (error as Error).message)
        .finally(() => {
          over = true;
        });
      while (reads && !isOver()) await read().then(() => new Promise((resolve) => setImmediate(resolve)));
      return outcome;
    };
    return {
      post,
      read,
      asked,
      admission,
      fail: (fails: boolean) => (failing = fails),
      later: (ms: number) => (nowMs += ms),
      impatient: (is: boolean) => (patienceMs = is ? 20 : 60_000),
    };
  }

  it('lets in what surely fits without a question, and what does not fit not at all', async () => {
    const { post, read, asked } = newDoor();
    await read();
    const vms = vmsOf('a', 0, 41);
    expect(await post(ADMIN, vms.slice(0, 20))).toBe('in');
    expect(asked).toEqual([]);
    log.aggregate();
    expect(await post(ADMIN, vms.slice(0, 40))).toBe('in');
    log.aggregate();
    expect(log.vms(0)).toBe(40);
    expect(await post(ADMIN, vms)).toBe('capacity_full');
    expect(await post(ADMIN, vms.slice(40))).toBe('capacity_full');
    // who has a place goes on, and the other partition has room of its own
    expect(await post(ADMIN, vms.slice(3, 40))).toBe('in');
    expect(await post(ADMIN, vmsOf('a', 1, 20))).toBe('in');
    log.aggregate();
    expect([log.vms(0), log.vms(1)]).toEqual([40, 20]);
  });

  it('a request that names too many for one of its partitions goes into none', async () => {
    const { post, read } = newDoor();
    await read();
    expect(await post(ADMIN, [...vmsOf('b', 0, 41), ...vmsOf('b', 1, 1)])).toBe('capacity_full');
    expect(log.messages).toEqual([[], []]);
  });

  it('counts what it has let in and nobody has taken in yet', async () => {
    const { post, read, impatient } = newDoor();
    await read();
    const vms = vmsOf('c', 0, 60);
    for (let at = 0; at < 40; at += 10) expect(await post(ADMIN, vms.slice(at, at + 10))).toBe('in');
    // the aggregator is away: what has been let in is known, and goes on
    expect(await post(ADMIN, vms.slice(0, 10))).toBe('in');
    impatient(true);
    expect(await post(ADMIN, vms.slice(40, 41))).toBe('store_unavailable');
    impatient(false);
    log.aggregate();
    expect(log.vms(0)).toBe(40);
    expect(await post(ADMIN, vms.slice(40, 41))).toBe('capacity_full');
  });

  it('of the second half a key has its share of each partition, also by another door and after a restart', async () => {
    const first = newDoor({ keyVmsMax: 3 });
    await first.read();
    const vms = vmsOf('d', 0, 40);
    expect(await first.post(agent('x'), vms.slice(0, 20))).toBe('in');
    log.aggregate();
    expect(await first.post(agent('x'), vms.slice(20, 23))).toBe('in');
    log.aggregate();
    expect(await first.post(agent('x'), vms.slice(23, 24))).toBe('capacity_full');
    const second = newDoor({ keyVmsMax: 3 });
    expect(await second.post(agent('x'), vms.slice(23, 24))).toBe('capacity_full');
    expect(await second.post(agent('x'), vms.slice(0, 23))).toBe('in');
    expect(await second.post(agent('y'), vms.slice(23, 26))).toBe('in');
    expect(await second.post(agent('x'), vmsOf('d', 1, 20))).toBe('in');
    log.aggregate();
    expect(await second.post(agent('x'), vmsOf('d', 1, 23))).toBe('in');
    expect(await second.post(ADMIN, vms.slice(26, 36))).toBe('in');
  });

  it('two doors that let names in at once stay within the room together', async () => {
    const doors = [newDoor({ doors: 2 }), newDoor({ doors: 2 })];
    for (const door of doors) await door.read();
    const vms = vmsOf('e', 0, 80);
    for (const door of doors) door.impatient(true);
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => doors[i % 2]?.post(ADMIN, vms.slice(2 * i, 2 * i + 2)) ?? Promise.reject(new Error())),
    );
    log.aggregate();
    expect(log.vms(0)).toBe(2 * outcomes.filter((outcome) => outcome === 'in').length);
    expect(log.vms(0)).toBeGreaterThanOrEqual(20);
    expect(log.vms(0)).toBeLessThanOrEqual(40);
  });

  it('what another door let in beyond the open half a moment ago has its places already', async () => {
    const [first, second] = [newDoor({ doors: 2 }), newDoor({ doors: 2 })];
    const vms = vmsOf('e2', 0, 50);
    log.append(framesOf(vms.slice(0, 20)));
    log.aggregate();
    expect(await first.post(ADMIN, vms.slice(20, 35))).toBe('in');
    second.impatient(true);
    expect(await second.post(ADMIN, vms.slice(35, 41))).toBe('store_unavailable');
    second.impatient(false);
    expect(await second.post(ADMIN, vms.slice(35, 40))).toBe('in');
    log.aggregate();
    expect(log.vms(0)).toBe(40);
    expect(await first.post(ADMIN, vms.slice(40, 41))).toBe('capacity_full');
  });

  it('what the brokers did not take is granted again and counted once', async () => {
    const { post, read, fail, later } = newDoor({ keyVmsMax: 4 });
    await read();
    const vms = vmsOf('f', 0, 30);
    expect(await post(ADMIN, vms.slice(0, 20))).toBe('in');
    log.aggregate();
    fail(true);
    for (let i = 0; i < 3; i++) expect(await post(agent('z'), vms.slice(20, 24))).toBe('the brokers say no');
    fail(false);
    expect(await post(agent('z'), vms.slice(20, 24))).toBe('in');
    log.aggregate();
    expect(await post(agent('z'), vms.slice(24, 25))).toBe('capacity_full');
    // perhaps they were taken after all: their places are free again when that can't be any more
    later(31_000);
    await read();
    later(31_000);
    expect(await post(ADMIN, vmsOf('f2', 0, 16))).toBe('in');
  });

  it('while ClickHouse does not answer what is known or surely fits goes in, all else is refused with nothing appended', async () => {
    const { post, read, impatient } = newDoor({ reads: false, silent: true });
    impatient(true);
    const vms = vmsOf('g', 0, 21);
    expect(await post(ADMIN, vms.slice(0, 1))).toBe('store_unavailable');
    await read();
    expect(await post(ADMIN, vms.slice(0, 20))).toBe('in');
    expect(await post(ADMIN, vms.slice(20))).toBe('store_unavailable');
    expect(await post(ADMIN, vms.slice(0, 20))).toBe('in');
    expect(log.messages[0]).toHaveLength(2);
  });

  it('a forgetting gives every key all of its share again, once the aggregators have come to it', async () => {
    const { post, read, admission, impatient } = newDoor({ keyVmsMax: 3 });
    await read();
    const vms = vmsOf('h', 0, 40);
    expect(await post(agent('k'), vms.slice(0, 20))).toBe('in');
    log.aggregate();
    expect(await post(agent('k'), vms.slice(20, 23))).toBe('in');
    log.aggregate();
    expect(await post(agent('k'), vms.slice(23, 24))).toBe('capacity_full');
    admission.forget(7n);
    // what it names may be forgotten by now
    impatient(true);
    expect(await post(agent('k'), vms.slice(20, 23))).toBe('store_unavailable');
    impatient(false);
    log.catalogSeq = 7n;
    for (const vm of vms.slice(20, 23)) for (const key of [vm, nicKey(vm, 'e')]) log.names[0]?.delete(key);
    expect(await post(agent('k'), vms.slice(23, 26))).toBe('in');
    log.aggregate();
    expect(await post(agent('k'), vms.slice(26, 27))).toBe('capacity_full');
  });
});
