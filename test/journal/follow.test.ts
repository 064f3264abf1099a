import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { insertEntries } from '../../src/journal/append.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { Journal } from '../../src/journal/journal.ts';
import { readPosition } from '../../src/journal/positions.ts';
import { follow } from '../support/follow.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Positions are kept at once, and what failed is tried again at once. */
const AT_ONCE = { keepWithinMs: 0, retryMs: 0, pollMs: 1 };

describe('who follows the journal', () => {
  let test: TestStore;
  let journal: Journal;
  let told: Entry[] = [];
  const deliver = (entries: readonly Entry[]): Promise<void> => {
    told.push(...entries);
    return Promise.resolve();
  };
  const seqs = (): number[] => told.map(({ seq }) => Number(seq));
  const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => from + i);
  const opened = async (shared = false): Promise<Journal> => {
    const made = new Journal({ store: test.store, now: () => 5, randomBytes, shared });
    await made.refresh();
    return made;
  };
  const write = (ids: readonly string[], kind = 'note', body = '{}') =>
    journal.write('ann', () => ids.map((id) => ({ kind, id, body })));

  beforeAll(async () => {
    test = await openTestStore();
  });
  afterAll(() => test.remove());
  beforeEach(async () => {
    for (const table of ['catalog', 'followers']) await test.store.command(`TRUNCATE TABLE ${table}`);
    told = [];
    journal = await opened();
  });

  it('is given what was there before it, every version of it, and what is written then', async () => {
    await write(['a', 'b', 'a']);
    const { reached, close } = await follow(journal, { name: 'f', deliver, ...AT_ONCE });
    await reached(3n);
    await write(['c'], 'other', '{"x":1}');
    await reached(4n);
    await close();
    expect(told.map(({ kind, id, seq }) => `${seq} ${kind} ${id}`)).toEqual(['1 note a', '2 note b', '3 note a', '4 other c']);
    expect(told[3]).toEqual({ kind: 'other', id: 'c', seq: 4n, recordedAtMs: 5, recordedBy: 'ann', body: '{"x":1}' });
  });

  it('goes on under its name, in another life of the process; another name begins where it says', async () => {
    await write(['a', 'b']);
    const first = await follow(journal, { name: 'f', deliver, ...AT_ONCE });
    await first.reached(2n);
    await first.close();
    await write(['c']);
    const second = await follow(await opened(), { name: 'f', from: 0n, deliver, ...AT_ONCE });
    await second.reached(3n);
    await second.close();
    expect(seqs()).toEqual([1, 2, 3]);
    const other = await follow(await opened(), { name: 'g', from: 2n, deliver, ...AT_ONCE });
    await other.reached(3n);
    await other.close();
    expect(seqs()).toEqual([1, 2, 3, 3]);
  });

  it('is given again what it did not acknowledge, and nothing after it before', async () => {
    await write(['a', 'b']);
    let refused = 2;
    const errors: unknown[] = [];
    const { reached, close } = await follow(journal, {
      ...{ name: 'f', ...AT_ONCE, onError: (error: unknown) => errors.push(error) },
      deliver: async (entries) => {
        await deliver(entries);
        if (refused-- > 0) throw new Error('not now');
      },
    });
    await reached(2n);
    await close();
    expect(seqs()).toEqual([1, 2, 1, 2, 1, 2]);
    expect(errors).toHaveLength(2);
  });

  it('that has acknowledged nothing yet is given in its next life what came after it began', async () => {
    await write(['a']);
    const first = await follow(journal, {
      ...{ name: 'f', from: journal.lastSeq, ...AT_ONCE, retryMs: 60_000 },
      deliver: () => Promise.reject(new Error('never')),
    });
    await write(['b']);
    await first.close();
    const second = await follow(await opened(), { name: 'f', from: 2n, deliver, ...AT_ONCE });
    await second.reached(2n);
    await second.close();
    expect(seqs()).toEqual([2]);
  });

  it('asks for kinds, and its position goes past the others', async () => {
    await write(['a'], 'note');
    await write(['k'], 'key');
    await write(['b'], 'note');
    await write(['l'], 'key');
    const { follower, reached, close } = await follow(journal, { name: 'f', kinds: ['key'], deliver, ...AT_ONCE });
    await reached(4n);
    await write(['c'], 'note');
    await expect.poll(() => follower.position).toBe(5n);
    await close();
    expect(seqs()).toEqual([2, 4]);
    expect((await readPosition(test.store, 'f'))?.seq).toBe(5n);
  });

  it('waits for an entry that cannot be seen yet, though later ones can', async () => {
    const entry = (seq: bigint): Entry => ({ kind: 'note', id: `n${seq}`, seq, recordedAtMs: 0, recordedBy: 't', body: '{}' });
    await insertEntries(test.store, [entry(1n), entry(2n), entry(4n)]);
    const errors: string[] = [];
    const onError = (error: unknown): void => void errors.push(String(error));
    const { reached, close } = await follow(await opened(true), { name: 'f', deliver, ...AT_ONCE, onError });
    await expect.poll(() => errors[0]).toMatch(/entry 3 .* cannot be read/);
    expect(seqs()).toEqual([1, 2]);
    await insertEntries(test.store, [entry(3n)]);
    await reached(4n);
    await close();
    expect(seqs()).toEqual([1, 2, 3, 4]);
  });

  it('sees what other processes write, without a write of its own', async () => {
    const { reached, close } = await follow(await opened(true), { name: 'f', deliver, ...AT_ONCE });
    await write(['a', 'b']);
    await reached(2n);
    await close();
    expect(seqs()).toEqual([1, 2]);
  });

  it('of a folder restored from before goes on where the journal ends, and says so', async () => {
    await write(['a', 'b', 'c']);
    const first = await follow(journal, { name: 'f', deliver, ...AT_ONCE });
    await first.reached(3n);
    await first.close();
    await test.store.command('TRUNCATE TABLE catalog');
    journal = await opened();
    await write(['a']);
    const errors: string[] = [];
    const onError = (error: unknown): void => void errors.push(String(error));
    const second = await follow(journal, { name: 'f', deliver, ...AT_ONCE, onError });
    await write(['d']);
    await second.reached(2n);
    await second.close();
    expect(seqs()).toEqual([1, 2, 3, 2]);
    expect(errors).toEqual([expect.stringContaining('had come to entry 3, and the journal ends with 1')]);
    const third = await follow(await opened(), { name: 'f', deliver, ...AT_ONCE });
    expect(third.follower.position).toBe(2n);
    await third.close();
  });

  it('over a large journal holds a page of it: so many entries, and of bodies so many bytes', async () => {
    const large = `"${'x'.repeat(200_000)}"`;
    await write(upTo(12_000).map(String));
    await write(upTo(100).map(String), 'document', large);
    const pages: { n: number; bytes: number }[] = [];
    const { reached, close } = await follow(journal, {
      ...{ name: 'f', ...AT_ONCE },
      deliver: (entries) => {
        pages.push({ n: entries.length, bytes: entries.reduce((sum, { body }) => sum + body.length, 0) });
        return Promise.resolve();
      },
    });
    await reached(12_100n);
    await close();
    expect(pages.reduce((sum, { n }) => sum + n, 0)).toBe(12_100);
    expect(Math.max(...pages.map(({ n }) => n))).toBe(10_000);
    expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(pages.length).toBeGreaterThanOrEqual(4);
  });
});
