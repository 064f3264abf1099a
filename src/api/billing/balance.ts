import { z } from 'zod';
import { instant } from '../../domain/shapes.ts';
import type { BillingContext } from '../../billing/context.ts';
import { post } from '../../books/post.ts';
import { type Standing, standingOf } from '../../books/standing.ts';
import { BALANCE_KINDS, BALANCE_STATES, type BalanceEntry } from '../../books/balances.ts';
import type { Books } from '../../books/books.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, instantShape } from '../shared/shapes.ts';

const ROLES = ['billing', 'admin'] as const;
export const WRITING = [
  'bad_request',
  'invalid_parameter',
  'invalid_body',
  'account_unknown',
  'balance_conflict',
  'body_too_large',
  'unsupported_media_type',
  'store_unavailable',
] as const;
const ENTRIES_MAX = 1000;

export const entryShape = z.looseObject({
  id: z.string(),
  kind: z.enum([...BALANCE_KINDS, 'credit_note']),
  at: instantShape,
  amount: z.string(),
  balance: z.string().describe('After this entry, in the order in which entries were recorded.'),
  source: z.string(),
  by: z.string(),
  recorded_at: instantShape,
});
const balanceShape = z.looseObject({
  account: z.string(),
  currency: z.string(),
  balance: z.string(),
  low_balance: z.string(),
  state: z.enum(BALANCE_STATES),
  since: instantShape.nullable().describe('null: it has always been so.'),
  began: z
    .partialRecord(z.enum(BALANCE_STATES), instantShape)
    .describe('Each state that holds now; the worst of them is `state`.'),
  clause: z.string().nullable().describe('By which it is suspended.'),
  unpaid: z.array(z.object({ entry: z.string(), due_at: instantShape, amount: z.string() })),
  entries: z.array(entryShape).describe('The newest first.'),
  before: z.string().nullable().describe('Give it as `before` for older entries; null: there are none.'),
});

const posting = z
  .strictObject({
    kind: z.enum(['top_up', 'refund', 'adjustment', 'withdrawal', 'transfer']),
    amount: z
      .string()
      .regex(/^-?(0|[1-9][0-9]{0,14})([.][0-9]{1,9})?$/, 'must be a decimal string')
      .describe('Above 0; of an adjustment it may be below 0.'),
    at: instant.optional().describe('When it counts; now if left out.'),
    reference: z
      .string()
      .min(1)
      .max(200)
      .nullable()
      .default(null)
      .describe('Of a payment: booked once more under it, it is the same entry.'),
    note: z.string().max(2000).default(''),
    to: identifier.nullable().default(null).describe('Of a transfer: the account it goes to.'),
    refund_check: identifier.nullable().default(null).describe('Of a refund: the check that found it due; booked once.'),
    expires_at: instant.nullable().default(null).describe('What is unused then lapses.'),
  })
  .refine((body) => body.kind === 'adjustment' || !body.amount.startsWith('-'), { path: ['amount'], message: 'must be above 0' })
  .meta({
    if: { properties: { kind: { const: 'adjustment' } } },
    then: { properties: { amount: { pattern: '[1-9]' } } },
    else: { properties: { amount: { pattern: '^[0-9.]*[1-9]' } } },
  });

/** Prepaid balances: topped up and shown with where every entry comes from. */
export function balanceRoutes(api: Api, context: ApiContext): void {
  const { catalog, businessNow: now } = context;
  const known = (account: string): void => {
    if (catalog.account(account) === undefined)
      throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
  };

  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/balance',
      tag: 'billing',
      summary: "An account's prepaid balance: its state, since when, and the entries it is the sum of",
      roles: ROLES,
      customer: { by: 'account', whole: true },
      params: accountParams,
      query: z.strictObject({
        before: z
          .string()
          .regex(/^\d{1,19}$/, 'must be one that an answer gave')
          .optional(),
      }),
      answers: { 200: { description: 'The balance', schema: balanceShape } },
      problems: ['invalid_parameter', 'account_unknown', 'store_unavailable'],
    },
    ({ params: { account }, query }) => {
      known(account);
      return Promise.resolve(balanceJson(context, account, now(), query.before));
    },
  );
  api.route(
    {
      method: 'POST',
      path: '/v1/accounts/{account}/balance',
      once: true,
      tag: 'billing',
      summary: 'Book a payment, a refund or an adjustment; pay out or move what the terms let go',
      roles: ROLES,
      params: accountParams,
      body: { 'application/json': posting },
      answers: { 201: { description: 'The balance', schema: balanceShape } },
      problems: [...WRITING, 'balance_bound', 'refund_check_unknown'],
    },
    async ({ params: { account }, body, request }) => {
      known(account);
      const { at, refund_check: refundCheck, expires_at: expiresAtMs, ...rest } = body;
      await post(context, account, { ...rest, atMs: at ?? now(), refundCheck, expiresAtMs, by: recorderOf(request) }, now());
      return balanceJson(context, account, now());
    },
  );
}

function balanceJson(context: BillingContext, account: string, nowMs: number, before?: string): Record<string, unknown> {
  const currency = context.catalog.account(account)?.body.currency ?? '';
  const standing = standingOf(context, account, nowMs);
  const amount = (nanos: bigint): string => formatAmount(nanos, currency);
  const older = entriesJson(context, account).filter(
    (entry) => before === undefined || (entry['seq'] as bigint) < BigInt(before),
  );
  const shown = older.slice(0, ENTRIES_MAX);
  return {
    account,
    currency,
    balance: amount(standing.balanceNanos),
    low_balance: amount(standing.thresholdNanos),
    state: standing.state,
    since: standing.sinceMs === null ? null : formatInstant(standing.sinceMs),
    began: beganJson(standing),
    clause: standing.clause,
    unpaid: standing.unpaid.map((debt) => ({
      entry: debt.claim.id,
      due_at: formatInstant(debt.claim.dueAtMs),
      amount: amount(debt.unpaidNanos),
    })),
    entries: shown,
    before: older.length > shown.length ? String(shown.at(-1)?.['seq']) : null,
  };
}

function beganJson({ began }: Standing): Record<string, string> {
  return Object.fromEntries(Object.entries(began).map(([state, ms]) => [state, formatInstant(ms)]));
}

/** The entries of an account, the newest first, each with the balance after it: rows of money as they are, documents by what they came to. */
export function entriesJson({ books }: BillingContext, account: string): Record<string, unknown>[] {
  const { entries } = books.ledgerOf(account);
  const rows = new Map(books.balanceOf(account).map((row) => [row.seq, row]));
  const sums = new Map<bigint, { entry: LedgerEntry; nanos: bigint }>();
  for (const entry of entries) sums.set(entry.seq, { entry, nanos: (sums.get(entry.seq)?.nanos ?? 0n) + entry.amountNanos });
  const seqs = [...new Set([...rows.keys(), ...sums.keys()])].sort((a, b) => (a < b ? -1 : 1));
  let balance = 0n;
  return seqs
    .flatMap((seq) => {
      const row = rows.get(seq);
      const sum = sums.get(seq);
      balance += sum?.nanos ?? 0n;
      if (row !== undefined) return row.kind === 'invoice' ? [] : [rowJson(row, balance)];
      return sum === undefined ? [] : [documentJson(sum.entry, sum.nanos, balance, currencyOf(books, account))];
    })
    .reverse();
}

function currencyOf(books: Books, account: string): string {
  return books.statesOf(account)[0]?.head.currency ?? '';
}

/** What a document, or a payment that versions of before kept beside its invoice, came to. */
function documentJson(entry: LedgerEntry, nanos: bigint, balance: bigint, currency: string): Record<string, unknown> {
  const { kind, belongsTo } = entry;
  const kinds = { payment: 'payment', refund: 'repayment', credit_note: 'credit_note' } as const;
  return {
    ...{ seq: entry.seq, id: entry.id.replace('.late_fee', ''), at: formatInstant(entry.atMs) },
    kind: kind === 'payment' || kind === 'refund' || kind === 'credit_note' ? kinds[kind] : 'invoice',
    amount: formatAmount(nanos, currency),
    balance: formatAmount(balance, currency),
    ...{ due_at: null, day: null, invoice: belongsTo.invoice ?? null, vm: null, refund_check: null, other_account: null },
    ...{ expires_at: null, lapsed: null, state: null, source: entry.note, by: entry.by },
    recorded_at: formatInstant(entry.recordedAtMs),
  };
}

function rowJson(entry: BalanceEntry, balance: bigint): Record<string, unknown> {
  const amount = (nanos: bigint): string => formatAmount(nanos, entry.currency);
  const instantOf = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  const { day, state } = entry;
  return {
    seq: entry.seq,
    id: entry.id,
    kind: entry.kind,
    at: formatInstant(entry.at),
    amount: amount(BigInt(entry.amount_nanos)),
    balance: amount(balance),
    due_at: instantOf(entry.due_at),
    day:
      day === null
        ? null
        : {
            date: day.date,
            from: formatInstant(day.from),
            to: formatInstant(day.to),
            parts: day.parts.map(({ vm, kind, nanos }) => ({ vm, kind, amount: amount(BigInt(nanos)) })),
          },
    invoice: entry.invoice,
    vm: entry.vm,
    refund_check: entry.refund_check,
    other_account: entry.other,
    expires_at: instantOf(entry.expires_at),
    lapsed: entry.lapsed,
    state: state === null ? null : { is: state.is, since: formatInstant(state.since), clause: state.clause },
    source: entry.source,
    by: entry.by,
    recorded_at: formatInstant(entry.recordedAtMs),
  };
}
