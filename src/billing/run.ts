import type { BooksEntry, Books } from '../books/books.ts';
import type { InvoiceState } from '../books/invoices.ts';
import type { BillingContext } from './context.ts';
import { entryBody, finalized } from '../books/stored-document.ts';
import { formatInstant } from '../domain/instant.ts';
import { formatAmount } from '../domain/money.ts';
import { ProblemError } from '../problems/problem.ts';
import { StoreError } from '../store/store.ts';
import { checkByHand } from '../books/charged-by-hand.ts';
import { checkDebits } from '../books/debit-lines.ts';
import { documentOf, type RatedDocument, refuseUnbilled } from './document.ts';
import { daysOf, factsOf, loadUsage } from './facts.ts';
import { voidInvoice } from '../books/ledger.ts';
import { type Calendar, periodOf } from './run-period.ts';

/**
 * The invoices of many accounts for one calendar period. A run has no state of its own: what it has done stands in the books,
 * so it can be cut off anywhere and run again, by anybody, and makes nothing twice.
 */
export interface RunRequest {
  readonly calendar: Calendar;
  /** Invoices become final at once; without it drafts are kept. */
  readonly finalize: boolean;
  /** Says what would be done; nothing is written. */
  readonly dryRun: boolean;
  /** Makes final also what has not been metered to the end of the period. */
  readonly allowIncomplete: boolean;
  /** Makes final also documents that name no seller. */
  readonly withoutIssuer: boolean;
  readonly by: string;
}

/**
 * What became of an account. `created` `updated` `unchanged`: its draft. `finalized`: its invoice got its number now. `kept`: it
 * has a final invoice of the period already. `nothing`: there is nothing to bill. `failed`: see `reason`.
 */
export type Outcome = 'created' | 'updated' | 'unchanged' | 'finalized' | 'kept' | 'nothing' | 'failed';

export interface AccountOutcome {
  readonly account: string;
  readonly outcome: Outcome;
  readonly invoice: string | null;
  readonly number: number | null;
  readonly currency: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly total: string | null;
  /** What its invoice says that whoever bills has to know. */
  readonly warnings: readonly string[];
  /** Of a failure: a code of the API's problems, and what is wrong in words. */
  readonly code: string | null;
  readonly reason: string | null;
}

interface Task {
  account: string;
  fromMs: number;
  toMs: number;
}

/** Entries of one insert at most, by the size of their bodies. */
const INSERT_BYTES_MAX = 16 * 1024 * 1024;

/** Throws `issuer_missing` for a run whose final invoices would name no seller. */
export function refuseUnfit({ issuer }: BillingContext, { finalize, withoutIssuer }: RunRequest): void {
  if (finalize && !withoutIssuer && issuer === undefined)
    throw new ProblemError(
      'issuer_missing',
      'the server has no issuer.json: the invoices would name no seller, tax id or bank, and can never be edited',
    );
}

/** Bills some accounts, in their order. Fails as a whole only when the store does; the same call again goes on where it was. */
export async function runAccounts(
  context: BillingContext,
  accounts: readonly string[],
  request: RunRequest,
): Promise<AccountOutcome[]> {
  const outcomes = new Map<string, AccountOutcome>();
  const groups = new Map<string, Task[]>();
  for (const account of accounts) {
    await attempt(context, account, undefined, outcomes, () => {
      const period = periodOf(context.catalog, account, request.calendar);
      const task = { account, ...period };
      const standing = invoicesOfPeriod(context.books, task);
      if (standing.final !== undefined) {
        outcomes.set(account, outcomeOf(task, 'kept', standing.final));
        return;
      }
      // Accounts whose days are the same are read together.
      const key = daysOf(context, account, period.fromMs, period.toMs).join(' ');
      groups.set(key, [...(groups.get(key) ?? []), task]);
    });
  }
  for (const tasks of groups.values()) await runGroup(context, tasks, request, outcomes);
  return accounts.flatMap((account) => outcomes.get(account) ?? []);
}

async function runGroup(
  context: BillingContext,
  tasks: readonly Task[],
  request: RunRequest,
  outcomes: Map<string, AccountOutcome>,
): Promise<void> {
  const [first] = tasks;
  if (first === undefined) return;
  const accounts = tasks.map((task) => task.account);
  const usage = await loadUsage(context, accounts, first.fromMs, first.toMs);
  let batch: { task: Task; document: RatedDocument }[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const writing = batch;
    batch = [];
    bytes = 0;
    await write(context, writing, request, outcomes);
  };
  for (const task of tasks) {
    await attempt(context, task.account, task, outcomes, async () => {
      const document = documentOf(context, task.account, factsOf(context, task.account, usage));
      if (document.lines.length === 0) {
        await dropDraft(context, task, request);
        outcomes.set(task.account, { ...blank(context, task.account, task), outcome: 'nothing' });
        return;
      }
      refuseUnbilled(document);
      if (request.finalize && !request.allowIncomplete && context.businessNow() < task.toMs)
        throw new ProblemError('period_not_over', `the period is over at ${formatInstant(task.toMs)}: run it again then`);
      if (request.finalize && !request.allowIncomplete && !document.complete)
        throw new ProblemError(
          'invoice_conflict',
          `not everything has been metered up to ${formatInstant(task.toMs)} yet: run it again later, or allow what is incomplete`,
        );
      batch.push({ task, document });
      bytes += document.rest.length + document.evidence.length;
    });
    if (bytes > INSERT_BYTES_MAX) await flush();
  }
  await flush();
}

/** Writes what was rated where the books still allow it, in one insert. */
async function write(
  context: BillingContext,
  batch: readonly { task: Task; document: RatedDocument }[],
  request: RunRequest,
  outcomes: Map<string, AccountOutcome>,
): Promise<void> {
  if (batch.length === 0) return;
  const { books } = context;
  const decide = (_: number, newId: () => string): BooksEntry[] => {
    const entries: BooksEntry[] = [];
    let number = books.nextNumber('invoice');
    for (const { task, document } of batch) {
      try {
        // Another run, or a person, may have been there since it was rated.
        const { final, draft } = invoicesOfPeriod(books, task);
        if (final !== undefined) {
          outcomes.set(task.account, outcomeOf(task, 'kept', final));
          continue;
        }
        const same = draft?.head.digest === document.head.digest;
        if (!request.finalize && draft !== undefined && same) {
          outcomes.set(task.account, { ...outcomeOf(task, 'unchanged', draft), warnings: document.warnings });
          continue;
        }
        if (request.finalize) {
          checkDebits(books, document.head);
          checkByHand(books, document.head);
        }
        const id = draft?.id ?? (request.dryRun ? 'none' : newId());
        const kept = request.finalize ? finalized(id, document, number, context.businessNow()) : document;
        if (request.finalize) number += 1;
        const outcome = request.finalize ? 'finalized' : draft === undefined ? 'created' : 'updated';
        const told = {
          ...outcomeOf(task, outcome, { id, head: kept.head, totalNanos: BigInt(kept.head.total_nanos) }),
          warnings: document.warnings,
        };
        outcomes.set(task.account, request.dryRun ? { ...told, invoice: draft?.id ?? null, number: null } : told);
        entries.push({ kind: 'invoice', id, body: entryBody(kept) });
      } catch (error) {
        outcomes.set(task.account, failure(context, task.account, task, error));
      }
    }
    return entries;
  };
  if (request.dryRun) decide(0, () => '');
  else await books.writeAll(decide, request.by);
}

/** The invoice of exactly this period, final or draft. Throws `invoice_conflict` if a final one covers a part of it otherwise. */
function invoicesOfPeriod(
  books: Books,
  { account, fromMs, toMs }: Task,
): { final: InvoiceState | undefined; draft: InvoiceState | undefined } {
  const live = books.statesOf(account).filter(({ head, status }) => head.type === 'invoice' && status !== 'void');
  const finals = live.filter(({ head }) => head.final && head.from < toMs && head.to > fromMs);
  const isSame = ({ head }: InvoiceState): boolean => head.from === fromMs && head.to === toMs;
  const final = finals.find(isSame);
  const other = finals.find((each) => !isSame(each));
  if (final === undefined && other !== undefined)
    throw new ProblemError('invoice_conflict', `invoice ${other.head.number ?? 0} covers the period or a part of it`);
  return { final, draft: live.find((each) => !each.head.final && isSame(each)) };
}

/** A draft of what has become nothing is made void: it would otherwise be finalized one day. */
async function dropDraft(context: BillingContext, task: Task, request: RunRequest): Promise<void> {
  const { draft } = invoicesOfPeriod(context.books, task);
  if (draft !== undefined && !request.dryRun)
    await voidInvoice(context.books, draft.id, { note: 'nothing to bill', by: request.by, nowMs: context.businessNow() });
}

/** Runs the part of one account: what is wrong with it is its outcome, what is wrong with the store stops everything. */
async function attempt(
  context: BillingContext,
  account: string,
  task: Task | undefined,
  outcomes: Map<string, AccountOutcome>,
  work: () => void | Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    outcomes.set(account, failure(context, account, task, error));
  }
}

function failure(context: BillingContext, account: string, task: Task | undefined, error: unknown): AccountOutcome {
  if (error instanceof StoreError) throw error;
  const told =
    error instanceof ProblemError ? { code: error.code, reason: error.detail } : { code: 'internal', reason: String(error) };
  return { ...blank(context, account, task), outcome: 'failed', ...told };
}

function blank(context: BillingContext, account: string, task: Task | undefined): AccountOutcome {
  return {
    account,
    outcome: 'failed',
    invoice: null,
    number: null,
    currency: context.catalog.account(account)?.body.currency ?? '',
    from: task === undefined ? null : formatInstant(task.fromMs),
    to: task === undefined ? null : formatInstant(task.toMs),
    total: null,
    warnings: [],
    code: null,
    reason: null,
  };
}

function outcomeOf(
  task: Task,
  outcome: Outcome,
  { id, head, totalNanos }: Pick<InvoiceState, 'id' | 'head' | 'totalNanos'>,
): AccountOutcome {
  return {
    account: task.account,
    outcome,
    invoice: id,
    number: head.number,
    currency: head.currency,
    from: formatInstant(task.fromMs),
    to: formatInstant(task.toMs),
    total: formatAmount(totalNanos, head.currency),
    warnings: [],
    code: null,
    reason: null,
  };
}
