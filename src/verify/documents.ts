/**
 * Invoices and credit notes of a running system, over the HTTP API alone: numbers without gaps, digests, sums, every line
 * computed again, what was credited and refunded, and whether the rows behind each are still those it was rated from.
 */
import { z } from 'zod';
import { Disagreed, type Disagreement } from './disagreement.ts';
import { type Checked, checkDocument, decimal, disagreedAbout, type DocumentText, nameOf, nanosOf } from './document.ts';
import { verifyLedgers } from './ledgers.ts';
import type { Reader } from './reader.ts';
import { type Restated, incidentsAnswer, restatedSince } from './restated.ts';

const money = z.string().regex(/^-?\d+(\.\d+)?$/);

const listed = z.looseObject({
  id: z.string(),
  type: z.enum(['invoice', 'credit_note']),
  number: z.int().nullable(),
  status: z.string(),
  account: z.string(),
  total: money,
});

type Listed = z.infer<typeof listed>;

const listAnswer = z.looseObject({ invoices: z.array(listed), next: z.string().nullable().optional() });

const stateAnswer = z.looseObject({
  status: z.string(),
  paid: money,
  credited: money,
  payments: z.array(z.looseObject({ kind: z.string(), at: z.string(), amount: money })),
  sha256: z.object({ content: z.string(), evidence: z.string() }).nullable(),
});

export interface DocumentsOptions {
  readonly onDocument: (done: number, of: number, name: string) => void;
  readonly onAccount: (done: number, of: number, name: string) => void;
}

export interface DocumentsReport {
  readonly disagreement: Disagreement | null;
  readonly invoices: number;
  readonly credit_notes: number;
  /** Accounts whose ledgers were derived again, and their entries. */
  readonly accounts: number;
  readonly entries: number;
  /** Lines computed again. */
  readonly lines: number;
  /** Documents of a version whose evidence is not enough to compute lines from. */
  readonly not_derived: number;
  /** Not damage: `uptally reconcile` corrects what differs. */
  readonly restated: readonly Restated[];
}

export async function verifyDocuments(reader: Reader, options: DocumentsOptions): Promise<DocumentsReport> {
  const tally = { invoices: 0, credit_notes: 0, accounts: 0, entries: 0, lines: 0, not_derived: 0 };
  const restated: Restated[] = [];
  try {
    const final = await numbered(reader);
    const { incidents } = await reader.get('v1/incidents', incidentsAnswer);
    const seen = new Map<string, Checked>();
    // Credit notes first: an invoice is held against the newest evidence there is of its period.
    const ordered = [...final.filter((each) => each.type === 'credit_note'), ...final.filter((each) => each.type === 'invoice')];
    for (const [i, each] of ordered.entries()) {
      options.onDocument(i, ordered.length, labelOf(each));
      const checked = await checkOne(reader, each);
      seen.set(each.id, checked);
      tally[each.type === 'invoice' ? 'invoices' : 'credit_notes'] += 1;
      if (checked.derived === null) tally.not_derived += 1;
      else tally.lines += checked.derived;
      if (each.type === 'credit_note' || checked.status === 'void') continue;
      const whats = await restatedSince(reader, each.id, checked, seen, incidents);
      restated.push(...whats.map((what) => ({ id: each.id, document: labelOf(each), what })));
    }
    checkCredited(seen);
    options.onDocument(final.length, final.length, '');
    Object.assign(tally, await verifyLedgers(reader, seen, options.onAccount));
  } catch (error) {
    if (!(error instanceof Disagreed)) throw error;
    return { disagreement: error.what, ...tally, restated };
  }
  return { disagreement: null, ...tally, restated };
}

/** Reads a document's very bytes. */
export async function readText(reader: Reader, id: string): Promise<{ text: DocumentText; state: z.infer<typeof stateAnswer> }> {
  const path = `v1/invoices/${encodeURIComponent(id)}`;
  const state = await reader.get(path, stateAnswer);
  const content = await reader.text(`${path}?part=content`);
  const evidence = await reader.text(`${path}?part=evidence`);
  return { text: { content, evidence, sha256: state.sha256 ?? { content: 'none', evidence: 'none' } }, state };
}

function labelOf({ type, number, account }: Listed): string {
  return nameOf({ type, number: number ?? 0, account });
}

async function checkOne(reader: Reader, each: Listed): Promise<Checked> {
  const name = labelOf(each);
  const { text, state } = await readText(reader, each.id);
  const checked = checkDocument(text);
  const { content } = checked;
  for (const [field, stored, issued] of [
    ['number', String(each.number), String(content.number)],
    ['account', each.account, content.account],
    ['total', decimal(nanosOf(each.total)), decimal(nanosOf(content.total))],
  ] as const)
    if (stored !== issued) throw disagreedAbout(name, { field: `${field} in the books` }, stored, issued);
  checkPayments(name, state);
  return { ...checked, status: state.status };
}

/** The documents that have a number. What looks like a gap may have been written between two pages: it is looked for once more. */
async function numbered(reader: Reader): Promise<Listed[]> {
  for (let looks = 1; ; looks += 1) {
    const final: Listed[] = [];
    for (let next: string | null = ''; next !== null;) {
      const path: string = next === '' ? 'v1/invoices' : `v1/invoices?cursor=${encodeURIComponent(next)}`;
      const page: z.infer<typeof listAnswer> = await reader.get(path, listAnswer);
      final.push(...page.invoices.filter((each) => each.number !== null));
      next = page.next ?? null;
    }
    try {
      checkNumbers(final);
      return final;
    } catch (error) {
      if (!(error instanceof Disagreed) || looks > 1) throw error;
    }
  }
}

/** Numbers run from 1 without a gap, each given once: invoices by themselves, credit notes by themselves. */
function checkNumbers(final: readonly Listed[]): void {
  for (const type of ['invoice', 'credit_note'] as const) {
    const label = type === 'invoice' ? 'invoice' : 'credit note';
    const byNumber = final.filter((each) => each.type === type).sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
    for (const [i, each] of byNumber.entries()) {
      const expected = i + 1;
      const before = byNumber[i - 1];
      if (before !== undefined && before.number === each.number) {
        const ids = `given twice: to ${before.id} of ${before.account} and ${each.id} of ${each.account}`;
        throw disagreedAbout(`${label} ${each.number ?? 0}`, { field: 'number' }, ids, 'given once');
      }
      if (each.number !== expected)
        throw disagreedAbout(
          `${label} ${expected}`,
          { field: 'number' },
          null,
          `a document between 1 and ${String(byNumber.at(-1)?.number)}`,
        );
    }
  }
}

/** At no time more was refunded than had been paid. */
function checkPayments(name: string, { payments }: z.infer<typeof stateAnswer>): void {
  let received = 0n;
  let refunded = 0n;
  for (const { kind, amount } of payments) {
    if (kind === 'payment') received += nanosOf(amount);
    if (kind === 'refund') refunded += nanosOf(amount);
    if (refunded > received)
      throw disagreedAbout(name, { field: 'refunded' }, decimal(refunded), `at most ${decimal(received)}, which was paid`);
  }
}

/** Credit notes name a final invoice and take back of each of its lines no more than it charged. */
function checkCredited(seen: ReadonlyMap<string, Checked>): void {
  const credited = new Map<string, bigint>();
  for (const { content } of seen.values()) {
    if (content.type !== 'credit_note') continue;
    const name = nameOf(content);
    const invoice = seen.get(content.corrects?.invoice ?? '')?.content;
    if (invoice === undefined)
      throw disagreedAbout(name, { field: 'invoice it corrects' }, content.corrects?.invoice ?? null, 'a final invoice');
    for (const [i, { amount, detail, vm }] of content.lines.entries()) {
      const index = Number(detail['line']);
      const line = invoice.lines[index];
      const field = `line ${i + 1}`;
      if (line === undefined)
        throw disagreedAbout(name, { vm, field }, `corrects line ${index + 1}`, `${invoice.lines.length} lines`);
      const key = `${invoice.id} ${index}`;
      const sum = (credited.get(key) ?? 0n) - nanosOf(amount);
      credited.set(key, sum);
      if (sum > nanosOf(line.amount)) {
        const most = `at most ${line.amount}, which line ${index + 1} of invoice ${invoice.number} charged`;
        throw disagreedAbout(name, { vm, field: `${field}, credited in all` }, decimal(sum), most);
      }
    }
  }
}
