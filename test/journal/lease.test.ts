import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { followAlone } from '../../src/journal/hold.ts';
import { Journal } from '../../src/journal/journal.ts';
import { LeaseBook } from '../../src/journal/lease-book.ts';
import { Lease, LeaseLostError } from '../../src/journal/lease.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const STANDSTILL_MS = 30_000;

describe('a lease', () => {
  let test: TestStore;
  let monotonicMs = 0;
  interface Process {
    readonly journal: Journal;
    readonly lease: Lease;
  }
  /** A process of its own: it knows what it has read. */
  const opened = async (holder: string, shared = true): Promise<Process> => {
    const journal = new Journal({ store: test.store, now: () => 5, randomBytes, shared });
    const book = new LeaseBook();
    journal.project(book);
    await journal.refresh();
    return { journal, lease: new Lease({ journal, book, name: 'l', holder, standstillMs: STANDSTILL_MS, monotonicMs: () => monotonicMs }) }; // prettier-ignore
  };
  const notes = async (): Promise<string[]> =>
    (await test.store.rows<{ id: string }>(`SELECT id FROM catalog WHERE kind = 'note' ORDER BY seq`)).map(({ id }) => id);
  const note = (id: string) => (): { kind: string; id: string; body: string }[] => [{ kind: 'note', id, body: '{}' }];

  beforeAll(async () => {
    test = await openTestStore();
  });
  afterAll(() => test.remove());
  beforeEach(async () => {
    for (const table of ['catalog', 'followers', 'lease_beats']) await test.store.command(`TRUNCATE TABLE ${table}`);
    monotonicMs = 0;
  });

  it('is held by one of several who want it, also when they ask at once', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map((holder) => opened(holder)));
    const held = await Promise.all(all.map(({ lease }) => lease.keep()));
    expect(held.filter(Boolean)).toHaveLength(1);
    for (let n = 0; n < 3; n += 1) expect(await Promise.all(all.map(({ lease }) => lease.keep()))).toEqual(held);
  });

  it('stays with a holder who gives signs of life, however slowly, and goes to another a standstill after the last one', async () => {
    const [a, b] = [await opened('a'), await opened('b')];
    expect(await a.lease.keep()).toBe(true);
    for (let n = 0; n < 5; n += 1) {
      expect(await b.lease.keep()).toBe(false);
      monotonicMs += STANDSTILL_MS - 1;
      expect(await a.lease.keep()).toBe(true);
    }
    expect(await b.lease.keep()).toBe(false);
    monotonicMs += STANDSTILL_MS - 1;
    expect(await b.lease.keep()).toBe(false);
    monotonicMs += 1;
    expect(await b.lease.keep()).toBe(true);
    expect(await a.lease.keep()).toBe(false);
  });

  it('is a fence: what a holder does after his term, as far as he knows still in it, is not recorded', async () => {
    const [a, b] = [await opened('a'), await opened('b')];
    await a.lease.keep();
    await a.lease.write('a', note('a1'));
    await b.lease.keep();
    monotonicMs += STANDSTILL_MS;
    expect(await b.lease.keep()).toBe(true);
    // He slept: by all that he has read it is his.
    expect(a.lease.isHeld).toBe(true);
    await expect(a.lease.write('a', note('a2'))).rejects.toThrow(LeaseLostError);
    expect(a.lease.isHeld).toBe(false);
    await b.lease.write('b', note('b1'));
    expect(await notes()).toEqual(['a1', 'b1']);
  });

  it('that was given back is the next one’s at once; one who never had it, or has it no more, gives back nothing', async () => {
    const [a, b] = [await opened('a'), await opened('b')];
    await a.lease.keep();
    await b.lease.release();
    expect(await b.lease.keep()).toBe(false);
    await a.lease.release();
    expect(await b.lease.keep()).toBe(true);
    await a.lease.release();
    expect(await b.lease.keep()).toBe(true);
  });

  it('in a journal that one process alone writes to is his from the start, whoever had it before; of each term there is one entry', async () => {
    const before = await opened('before', false);
    expect(await before.lease.keep()).toBe(true);
    const after = await opened('after', false);
    for (let n = 0; n < 3; n += 1) expect(await after.lease.keep()).toBe(true);
    const [count] = await test.store.rows<{ n: string }>(`SELECT count() AS n FROM catalog WHERE kind = 'lease'`);
    expect(count?.n).toBe('2');
  });

  it('taken where it is not known whether the entry was written is taken again in a later term', async () => {
    const a = await opened('a');
    const failing = { ...test.store, claim: async (...args: Parameters<typeof test.store.claim>) => { await test.store.claim(...args); throw new Error('cut off'); } }; // prettier-ignore
    const journal = new Journal({ store: failing, now: () => 5, randomBytes, shared: true });
    const book = new LeaseBook();
    journal.project(book);
    const cut = new Lease({
      journal,
      book,
      name: 'l',
      holder: 'cut',
      standstillMs: STANDSTILL_MS,
      monotonicMs: () => monotonicMs,
    });
    await expect(cut.keep()).rejects.toThrow('cut off');
    expect(await cut.keep()).toBe(false);
    expect(await a.lease.keep()).toBe(false);
    monotonicMs += STANDSTILL_MS;
    expect(await a.lease.keep()).toBe(true);
  });

  it('lets of two followers under one name one deliver, and the other go on where that one stopped', async () => {
    const [a, b] = [await opened('a'), await opened('b')];
    await a.lease.keep();
    const told: string[] = [];
    let heard: () => void = () => undefined;
    const following = (who: string, { journal, lease }: Process): (() => Promise<void>) =>
      followAlone(journal, lease, {
        ...{ name: 'f', kinds: ['note'], pollMs: 1, keepWithinMs: 0, everyMs: 1 },
        onError: (error) => {
          throw error;
        },
        deliver: (entries: readonly Entry[]) => {
          told.push(...entries.map(({ id }) => `${who} ${id}`));
          heard();
          return Promise.resolve();
        },
      });
    const until = async (count: number): Promise<void> => {
      while (told.length < count) await new Promise<void>((resolve) => (heard = resolve));
    };
    const endA = following('a', a);
    const endB = following('b', b);
    const writer = await opened('w');
    await writer.journal.write('w', note('n1'));
    await until(1);
    await writer.journal.write('w', note('n2'));
    await until(2);
    await endA();
    await writer.journal.write('w', note('n3'));
    await until(3);
    await endB();
    expect(told).toEqual(['a n1', 'a n2', 'b n3']);
  });
});
