import { z } from 'zod';
import { ApiError } from '../../client/wire/api-error.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { csvLine } from '../../domain/csv-cell.ts';
import { toJson } from '../../domain/json.ts';
import { answerAs } from '../terminal/answer.ts';
import type { CliContext } from '../terminal/context.ts';
import { write } from './catalog-export.ts';
import { importRows, type Judgement, type Reading, REFUSED, RowFault } from './import-rows.ts';
import { isAboutRow, patient } from './row-calls.ts';
import type { FileRow, RowsFile } from './rows-of-file.ts';

/** Payments out of a bank statement, and back: each row once, by its reference. */

export const NEEDED = ['account', 'reference', 'amount', 'at'] as const;
/** What the money covers: an invoice, or the term of a VM. */
const COLUMNS = [...NEEDED, 'invoice', 'vm', 'from', 'until', 'note'] as const;
type Column = (typeof COLUMNS)[number];
type Payment = Readonly<Record<Column, string>>;

interface RowsOptions {
  readonly source: RowsFile;
  readonly isDryRun: boolean;
  readonly json: boolean;
}

export async function importPayments(client: ApiClient, context: CliContext, options: RowsOptions): Promise<void> {
  const earlier = new Map<string, { line: number; says: string }>();
  await importRows(context, {
    ...{
      source: options.source,
      json: options.json,
      what: 'payments',
      needed: NEEDED,
      columns: ['account', 'reference', 'amount'],
    },
    read: (row): Reading => {
      const payment = paymentOf(row);
      const { account, reference, amount } = payment;
      const key = JSON.stringify([account, reference]);
      const judge = async (): Promise<Judgement> => {
        const judgement = await verdictOn(client, context, payment, options.isDryRun);
        return options.isDryRun ? afterEarlier(earlier, key, row.line, payment, judgement) : judgement;
      };
      return { about: { account, reference, amount }, key, stage: '', judge };
    },
  });
}

function paymentOf(row: Exclude<FileRow, { fault: string }>): Payment {
  const given: Readonly<Record<string, unknown>> = 'cells' in row ? row.cells : row.members;
  const text = (name: Column): string => {
    const value = given[name] ?? '';
    if (typeof value === 'string') return value;
    // A number may have been rounded by who wrote it: amounts are texts. An invoice's number is whole.
    if (name === 'invoice' && typeof value === 'number' && Number.isSafeInteger(value)) return value.toString();
    throw new RowFault(`${name}: must be a text`);
  };
  return Object.fromEntries(COLUMNS.map((name) => [name, text(name)])) as Payment;
}

/** What the server makes of a row; what is wrong with it is its verdict, and what is wrong with the server is thrown. */
async function verdictOn(client: ApiClient, context: CliContext, payment: Payment, isDryRun: boolean): Promise<Judgement> {
  const { account, reference, amount, at, invoice, vm, from, until, note } = payment;
  if (account === '') return { verdict: REFUSED, why: 'no account' };
  if (invoice !== '' && vm !== '') return { verdict: REFUSED, why: 'it covers an invoice or the term of a VM, not both' };
  const covers =
    invoice !== ''
      ? { covers: { invoice: /^[1-9]\d{0,14}$/.test(invoice) ? Number(invoice) : invoice } }
      : vm === '' ? {} : { covers: { vm, from, until } }; // prettier-ignore
  const body = { reference, amount, at, ...covers, ...(note === '' ? {} : { note }) };
  const path = `/v1/accounts/${encodeURIComponent(account)}/payments${isDryRun ? '?dry_run=true' : ''}`;
  try {
    const { json } = await patient(context, () => client.call('POST', path, body));
    const { is_new: isNew } = answerAs(z.looseObject({ is_new: z.boolean() }), json);
    return { verdict: isNew ? (isDryRun ? 'would be recorded' : 'recorded') : 'already there' };
  } catch (error) {
    if (error instanceof ApiError && isAboutRow(error)) return { verdict: REFUSED, why: error.message };
    throw error;
  }
}

/** The verdict of a dry run on a row whose reference an earlier row of the file has. */
function afterEarlier(
  earlier: Map<string, { line: number; says: string }>,
  key: string,
  line: number,
  payment: Payment,
  judgement: Judgement,
): Judgement {
  if (judgement.verdict !== 'would be recorded') return judgement;
  const says = JSON.stringify({ ...payment, note: '' });
  const before = earlier.get(key);
  if (before === undefined) earlier.set(key, { line, says });
  if (before === undefined) return judgement;
  return before.says === says
    ? { verdict: 'already there', why: `as line ${before.line}` }
    : { verdict: REFUSED, why: `line ${before.line} has the same reference and says something else` };
}

const Entry = z.looseObject({
  kind: z.string(),
  at: z.string(),
  amount: z.string(),
  reference: z.string().nullable(),
  note: z.string(),
  belongs_to: z.looseObject({
    invoice: z.string().optional(),
    vm: z.string().optional(),
    from: z.string().optional(),
    until: z.string().optional(),
  }),
});
const Ledger = z.looseObject({ entries: z.array(Entry), next: z.string().nullable() });
const Accounts = z.looseObject({ rows: z.array(z.looseObject({ id: z.string() })), next: z.string().nullable() });

/** Writes the payments of an account, or of all, as rows that import reads. Throws `ApiError`, `CommandFailure`. */
export async function exportPayments(
  client: ApiClient,
  context: CliContext,
  { account, csv, ...bounds }: { account?: string | undefined; csv: boolean; from?: string | undefined; to?: string | undefined },
): Promise<void> {
  if (csv) await write(context, csvLine(COLUMNS));
  const of = async (id: string): Promise<void> => {
    const given = Object.entries(bounds).filter((each): each is [string, string] => each[1] !== undefined);
    for (let asked = new URLSearchParams(given); ;) {
      const path = `/v1/accounts/${encodeURIComponent(id)}/ledger?${asked.toString()}`;
      const { entries, next } = answerAs(Ledger, (await patient(context, () => client.call('GET', path))).json);
      for (const { kind, at, amount, reference, note, belongs_to: covers } of entries) {
        if (kind !== 'payment' || reference === null) continue;
        const row = { account: id, reference, amount, at, ...(covers.vm === undefined ? { invoice: covers.invoice } : { vm: covers.vm, from: covers.from, until: covers.until }), note }; // prettier-ignore
        await write(context, csv ? csvLine(COLUMNS.map((name) => (row as Partial<Payment>)[name] ?? '')) : `${toJson(row)}\n`);
      }
      if (next === null) return;
      asked = new URLSearchParams({ cursor: next });
    }
  };
  if (account !== undefined) {
    await of(account);
    return;
  }
  for (let query = ''; ;) {
    const { rows, next } = answerAs(Accounts, (await patient(context, () => client.call('GET', `/v1/accounts${query}`))).json);
    for (const { id } of rows) await of(id);
    if (next === null) return;
    query = `?${new URLSearchParams({ cursor: next }).toString()}`;
  }
}
