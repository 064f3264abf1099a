import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finalize, keepDraft, readDocument } from '../../src/books/ledger.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { type Store, StoreError } from '../../src/store/store.ts';
import { ANYHOW, draftContent, draftOf } from '../support/draft.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { booksOf, openCatalogOf } from '../support/records.ts';

/** Numbers of invoices where the one insert that holds number and body fails, or happens and is not answered. */
describe('invoice numbers', () => {
  let test: TestStore;
  /** What the next insert does instead of succeeding. */
  let fault: 'lost' | 'unanswered' | undefined;
  let filler = 0;

  const open = (): Promise<Catalog> => {
    const { store } = test;
    const faulty: Store = {
      command: (sql, params) => store.command(sql, params),
      rows: (sql, params) => store.rows(sql, params),
      ndjson: (sql, params) => store.ndjson(sql, params),
      close: () => store.close(),
      claim: (...given) => store.claim(...given),
      async insertRowBinary(...given) {
        const now = fault;
        fault = undefined;
        if (now !== 'lost') await store.insertRowBinary(...given);
        if (now !== undefined) throw new StoreError('SOCKET_TIMEOUT', 'no answer', true);
      },
    };
    const randomBytes = (size: number): Uint8Array => new Uint8Array(size).fill((filler += 1));
    return openCatalogOf({ store: faulty, now: () => 0, randomBytes });
  };
  const numbers = (catalog: Catalog): (number | null)[] =>
    booksOf(catalog).statesOf(undefined).map(({ head }) => head.number).sort((a, b) => (a ?? 0) - (b ?? 0)); // prettier-ignore

  beforeAll(async () => {
    test = await openTestStore();
  });
  afterAll(() => test.remove());

  it('have no gap and no repetition, whatever became of an insert, in this process or the next', async () => {
    let catalog = await open();
    const drafts: string[] = [];
    for (let i = 0; i < 8; i += 1) drafts.push(await keepDraft(booksOf(catalog), draftOf(`a${i}`), 't'));
    const given: number[] = [];
    for (const [i, id] of drafts.entries()) {
      const outcome = ([undefined, 'lost', 'unanswered'] as const)[i % 3];
      fault = outcome;
      const attempt = finalize(booksOf(catalog), id, 't', ANYHOW);
      if (outcome === undefined) await attempt;
      else await expect(attempt).rejects.toThrow('no answer');
      // Half of the time the process ends there, and another one takes over.
      if (i % 2 === 1) catalog = await open();
      if (outcome === 'lost') {
        expect((await readDocument(booksOf(catalog), id)).head.number).toBeNull();
        expect((await readDocument(booksOf(catalog), id)).sha256).toBeNull();
      }
      await finalize(booksOf(catalog), id, 't', ANYHOW);
      const kept = await readDocument(booksOf(catalog), id);
      given.push(kept.head.number ?? 0);
      expect(kept.sha256?.content).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(given).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(numbers(await open())).toEqual(given);
  });

  it('are given once and in a row when many ask at once', async () => {
    const catalog = await open();
    const drafts: string[] = [];
    for (let i = 0; i < 20; i += 1) drafts.push(await keepDraft(booksOf(catalog), draftOf(`b${i}`), 't'));
    await Promise.all([...drafts, ...drafts].map((id) => finalize(booksOf(catalog), id, 't', ANYHOW)));
    expect(numbers(await open())).toEqual(Array.from({ length: 28 }, (_, i) => i + 1));
  });

  it('a draft rated again while it becomes final: what is final is one of the two, whole', async () => {
    const catalog = await open();
    const id = await keepDraft(booksOf(catalog), draftOf('c'), 't');
    const again = { ...draftOf('c'), rest: draftContent('c', 'again') };
    const [, second] = await Promise.allSettled([
      finalize(booksOf(catalog), id, 't', ANYHOW),
      keepDraft(booksOf(catalog), again, 't'),
    ]);
    const kept = await readDocument(booksOf(catalog), id);
    expect(kept.head.number).toBe(29);
    // Too late for the draft, or in time: then it is what became final.
    expect(second.status === 'rejected' || kept.rest === again.rest).toBe(true);
  });
});
