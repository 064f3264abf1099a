import { z } from 'zod';
import type { Books } from '../../books/books.ts';
import { refundEventIdOf } from '../../books/grants.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { instant } from '../../domain/shapes.ts';
import { formatAmount, parseAmount } from '../../domain/money.ts';
import { ProblemError } from '../../problems/problem.ts';

/** What a grant needs of a check's answer, as it was kept. */
const keptCheck = z.object({
  id: z.string(),
  vm: z.string(),
  at: instant,
  what_if: z.boolean(),
  decision: z.string(),
  amount: z.string().nullable(),
  currency: z.string(),
  destination: z.enum(['balance', 'original_payment']),
  calculation: z
    .object({ basis: z.enum(['full', 'remaining']), handling_fee: z.string(), refunded_before: z.string() })
    .nullable(),
  facts: z.object({ paid_at: instant.nullable(), paid_until: instant.nullable() }),
});

/** A refund that a check found due, and the time that it gives back. */
export interface Grantable {
  readonly check: string;
  readonly account: string;
  readonly vm: string;
  readonly currency: string;
  readonly basis: 'full' | 'remaining';
  readonly destination: 'balance' | 'original_payment';
  /** What is due; of it no more is granted than the account's book has of it. */
  readonly dueNanos: bigint;
  readonly handlingNanos: bigint;
  /** The instant of the check: there the service ends. */
  readonly atMs: number;
  readonly paidAtMs: number;
  /** The end of the time that was paid; of a full refund that of the service where no payment says. */
  readonly untilMs: number;
  /** Where the time begins that is given back. */
  readonly fromMs: number;
}

export function nothingToGrant(detail: string): ProblemError {
  return new ProblemError('nothing_to_grant', detail);
}

/** The account of a check's VM, and what the check found due. Throws `refund_check_unknown`, `nothing_to_grant`. */
export async function readGrantable({ books, catalog }: { books: Books; catalog: Catalog }, id: string): Promise<Grantable> {
  const check = keptCheck.parse(JSON.parse(await books.refundChecks.read(id)));
  const { vm, at: atMs, calculation, facts, destination, currency } = check;
  const account = catalog.vm(vm)?.body.account;
  if (account === undefined) throw nothingToGrant(`the catalog has no VM ${vm} any more`);
  if (check.what_if) throw nothingToGrant(`refund check ${id} asked what would be under other terms`);
  if (check.decision !== 'eligible' || calculation === null || facts.paid_at === null)
    throw nothingToGrant(`refund check ${id} says ${check.decision}`);
  const { basis } = calculation;
  return {
    ...{ check: id, account, vm, currency, basis, destination, atMs },
    dueNanos: nanosIn(check.amount),
    handlingNanos: nanosIn(calculation.handling_fee),
    paidAtMs: facts.paid_at,
    untilMs: Math.max(atMs, facts.paid_until ?? atMs),
    fromMs: basis === 'full' ? facts.paid_at : atMs,
  };
}

/** Throws `nothing_to_grant` where money was given back of the same payment since the check was made, or its time was. */
export async function refuseGivenBack({ books, catalog }: { books: Books; catalog: Catalog }, of: Grantable): Promise<void> {
  const { account, vm, check, paidAtMs, currency } = of;
  const again = 'check again what is left';
  const same = books.grants
    .ofVm(account, vm)
    .find(({ at, from, until }) => at >= paidAtMs && from < of.untilMs && until > of.fromMs);
  if (same !== undefined) throw nothingToGrant(`that time of ${vm} was refunded by refund check ${same.refund_check}: ${again}`);
  if (books.balanceOf(account).some((row) => row.refund_check === check))
    throw nothingToGrant(`refund check ${check} was booked on the balance of ${account} before it could be granted`);
  const { calculation } = keptCheck.parse(JSON.parse(await books.refundChecks.read(check)));
  const counted = nanosIn(calculation?.refunded_before ?? null);
  const recorded = catalog.events
    .of(vm)
    .filter(({ id, body }) => body.kind === 'refund' && body.at >= paidAtMs && id !== refundEventIdOf(check))
    .reduce((sum, { body }) => sum + nanosIn(body.amount), 0n);
  if (recorded > counted) {
    const more = `${formatAmount(recorded - counted, currency)} ${currency}`;
    throw nothingToGrant(`${more} of what was paid for ${vm} were refunded otherwise since refund check ${check}: ${again}`);
  }
}

function nanosIn(amount: string | null): bigint {
  return parseAmount(amount ?? '0') ?? 0n;
}
