import type { StoredDocument } from '../../src/books/stored-document.ts';
import { ANYHOW } from '../support/draft.ts';
import { describe, expect, it } from 'vitest';
import { checkDebits, pendingDebits } from '../../src/books/debit-lines.ts';
import { correctTo } from '../../src/billing/corrections/correct.ts';
import { finalize, keepDraft, readDocument, voidInvoice } from '../../src/books/ledger.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { formatAmount } from '../../src/domain/money.ts';
import { toJson } from '../../src/domain/json.ts';
import { readContent } from '../../src/print/invoice-shape.ts';
import { contentWords } from '../../src/print/words/content.ts';
import { exact } from '../../src/rating/exact.ts';
import type { LineKind, RatedLine } from '../../src/rating/line.ts';
import type { Store } from '../../src/store/store.ts';
import { memoryCatalog, memoryStore } from '../support/memory-catalog.ts';
import { below, pick, type Random, randomOf } from '../support/random.ts';
import { booksOf } from '../support/records.ts';

/** Corrections of final invoices as a whole: what stands at last is what the periods rate to, and every entry is counted once. */
const FEN = 10_000_000n;
const DAY = 86_400_000;

function line(kind: LineKind, vm: string | null, fen: number, plan = 'p', minutes = 0): RatedLine {
  const rated = {
    kind,
    vm,
    say: { about: { code: 'as_written', text: kind }, formula: [], unit: { code: 'event' } },
    quantity: minutes.toString(),
    unitPrice: '0.00',
    exactNanos: exact(BigInt(fen) * FEN),
    amountNanos: BigInt(fen) * FEN,
    detail: { ...(kind === 'traffic' ? { plan } : {}), ...(kind === 'tax' ? { percent: '6' } : {}), days: [] },
  };
  return rated as unknown as RatedLine;
}

/** Lines as a period may rate to: a line may be there at one time and not at another. */
function randomLines(random: Random): RatedLine[] {
  const lines: RatedLine[] = [];
  for (const vm of ['v1', 'v2']) {
    if (random() < 0.8) {
      const service = below(random, 1000);
      lines.push(line('service', vm, service));
      if (random() < 0.5) lines.push(line('credit', vm, -below(random, service + 1), 'p', below(random, 100)));
    }
    for (const plan of ['p', 'q']) if (random() < 0.5) lines.push(line('traffic', vm, below(random, 500), plan));
  }
  if (random() < 0.7) lines.push(line('tax', null, below(random, 100)));
  return lines;
}

const totalOf = (lines: readonly Pick<RatedLine, 'amountNanos'>[]): bigint =>
  lines.reduce((sum, each) => sum + each.amountNanos, 0n);

/** The kept part of an invoice of these lines. */
function contentOfLines(lines: readonly RatedLine[]): string {
  const at = new Date(0).toISOString();
  return toJson({
    account: 'a',
    customer: { name: 'a', language: 'en' },
    currency: 'CNY',
    from: at,
    to: at,
    due_at: at,
    total: formatAmount(totalOf(lines), 'CNY'),
    lines: lines.map(({ kind, vm, quantity, unitPrice, amountNanos, detail, say }) => ({
      kind,
      vm,
      ...contentWords(say),
      quantity,
      unit_price: unitPrice,
      amount: formatAmount(amountNanos, 'CNY'),
      query: null,
      detail,
      say,
    })),
  });
}

/** A draft of the k-th day, with what is lacking of earlier ones, as `rateDocument` makes it. */
async function draftOf(catalog: Catalog, day: number, own: readonly RatedLine[]): Promise<string> {
  const debits = pendingDebits(booksOf(catalog), 'a');
  const lines = [...own, ...debits.map((each) => each.line)];
  const document: StoredDocument = {
    head: {
      type: 'invoice',
      account: 'a',
      currency: 'CNY',
      from: day * DAY,
      to: (day + 1) * DAY,
      final: false,
      number: null,
      issued_at: null,
      due_at: (day + 1) * DAY,
      total_nanos: totalOf(lines).toString(),
      principal_nanos: totalOf(lines).toString(),
      corrects: null,
      debits: debits.map(({ id, part, line: { amountNanos } }, i) => ({
        id,
        part,
        line: own.length + i,
        nanos: amountNanos.toString(),
      })),
    },
    rest: contentOfLines(lines),
    evidence: '{}',
    sha256: null,
  };
  return keepDraft(booksOf(catalog), document, 't');
}

async function correct(catalog: Catalog, id: string, rated: readonly RatedLine[]) {
  const { lines } = readContent((await readDocument(booksOf(catalog), id)).rest);
  return correctTo(booksOf(catalog), {
    id,
    issued: lines,
    rated: { lines: rated, evidence: '{}' },
    reasonsFor: () => [{ code: 'restated' }],
    write: true,
    by: 't',
    nowMs: 0,
  });
}

/** What all that was issued comes to: final invoices less their credit notes, and debits that wait. */
function position(catalog: Catalog): bigint {
  let sum = totalOf(pendingDebits(booksOf(catalog), 'a').map((each) => each.line));
  for (const { head, status, totalNanos, creditedNanos } of booksOf(catalog).statesOf('a'))
    if (head.type === 'invoice' && head.final && status !== 'void') sum += totalNanos - creditedNanos;
  return sum;
}

async function nothingOverCredited(catalog: Catalog): Promise<void> {
  for (const { id, head } of booksOf(catalog).statesOf('a')) {
    if (head.type !== 'invoice' || !head.final) continue;
    const { lines } = readContent((await readDocument(booksOf(catalog), id)).rest);
    for (const [i, nanos] of booksOf(catalog).creditedByLine(id)) {
      const amount = BigInt((lines[i]?.amount ?? '0').replace('.', '')) * FEN;
      expect(nanos <= amount && nanos > 0n, `${nanos} credited on ${amount}`).toBe(true);
    }
  }
}

describe('corrections of final invoices', () => {
  it('in 25 histories: what stands is what the periods rate to, whatever was drafted, voided, repeated or done at once', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = randomOf(seed);
      const store: Store = memoryStore();
      let catalog = await memoryCatalog(store);
      const targets = new Map<string, RatedLine[]>();
      let day = 0;
      for (let step = 0; step < 12; step += 1) {
        const own = randomLines(random);
        const draft = await draftOf(catalog, day, own);
        // Something may be corrected between draft and finality: then the draft is made again.
        if (random() < 0.4 && targets.size > 0) {
          const [id] = pick(random, [...targets]);
          targets.set(id, randomLines(random));
          await correct(catalog, id, targets.get(id) ?? []);
        }
        if (random() < 0.8) {
          await finalize(booksOf(catalog), draft, 't', ANYHOW).catch(async (error: unknown) => {
            expect(String(error)).toContain('make the draft again');
            await finalize(booksOf(catalog), await draftOf(catalog, day, own), 't', ANYHOW);
          });
          targets.set(draft, own);
          day += 1;
        }
        if (random() < 0.2) {
          const [id] = pick(random, [...targets, ['', []] as [string, RatedLine[]]]);
          // Void where that is allowed: its debits are for the next invoice again, and debits of it are gone.
          if (id !== '' && (await voidInvoice(booksOf(catalog), id, { note: '', by: 't', nowMs: 0 }).then(() => true).catch(() => false))) targets.delete(id); // prettier-ignore
        }
        // Another process takes over.
        if (random() < 0.2) catalog = await memoryCatalog(store);
        for (const [id] of targets) {
          if (random() < 0.5) targets.set(id, randomLines(random));
          const lines = targets.get(id) ?? [];
          await Promise.all(Array.from({ length: pick(random, [1, 1, 3]) }, () => correct(catalog, id, lines)));
          expect((await correct(catalog, id, lines)).found).toEqual([]);
        }
        const due = [...targets.values()].reduce((sum, lines) => sum + totalOf(lines), 0n);
        expect(position(catalog), `seed ${seed}, step ${step}`).toBe(due);
        await nothingOverCredited(catalog);
      }
    }
  }, 120_000);

  it('a debit is charged by one of two drafts that hold it, and waits again when that one is void', async () => {
    const catalog = await memoryCatalog();
    const first = await draftOf(catalog, 0, [line('service', 'v1', 100)]);
    await finalize(booksOf(catalog), first, 't', ANYHOW);
    await correct(catalog, first, [line('service', 'v1', 150)]);
    const [second, third] = [await draftOf(catalog, 1, []), await draftOf(catalog, 2, [])];
    const both = await Promise.allSettled([
      finalize(booksOf(catalog), second, 't', ANYHOW),
      finalize(booksOf(catalog), third, 't', ANYHOW),
    ]);
    expect(both.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(pendingDebits(booksOf(catalog), 'a')).toEqual([]);
    await expect(voidInvoice(booksOf(catalog), first, { note: '', by: 't', nowMs: 0 })).rejects.toThrow('charges what');
    const holder = booksOf(catalog).debitsOf('a')[0]?.on?.invoice ?? '';
    await voidInvoice(booksOf(catalog), holder, { note: '', by: 't', nowMs: 0 });
    expect(pendingDebits(booksOf(catalog), 'a').map((each) => each.line.amountNanos)).toEqual([50n * FEN]);
    const other = holder === second ? third : second;
    const head = (await readDocument(booksOf(catalog), other)).head;
    expect(() => {
      checkDebits(booksOf(catalog), head);
    }).not.toThrow();
    await finalize(booksOf(catalog), other, 't', ANYHOW);
    expect(booksOf(catalog).debitsOf('a')[0]).toMatchObject({ status: 'charged', on: { invoice: other } });
  });
});
