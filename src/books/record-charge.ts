import { formatAmount, minorDigits, parseAmount } from '../domain/money.ts';
import { oneFieldProblem } from '../problems/field-problems.ts';
import { ProblemError } from '../problems/problem.ts';
import { exact, roundedToMinor } from '../rating/exact.ts';
import type { BooksContext } from './context.ts';
import { type HandCharge, handChargeBody, type HandChargeBody, type HandChargeKind } from './hand-charges.ts';
import { referenced, referenceTaken, refuseFuture } from './payments.ts';

/** What somebody charges an account by hand. */
export interface ChargeRequest {
  /** Unique in its account. */
  readonly reference: string;
  readonly kind: Exclude<HandChargeKind, 'handling'>;
  readonly description: string;
  /** Net, above 0, in `currency`. */
  readonly amount: string;
  /** null: the account's. */
  readonly currency: string | null;
  /** What one unit of another currency is in the account's. */
  readonly rate: string | null;
  readonly taxPercent: string | null;
  readonly reason: string;
  readonly clause: string | null;
  readonly vm: string | null;
  readonly atMs: number;
  readonly by: string;
  /** Business time. */
  readonly nowMs: number;
}

/**
 * Charges an account by hand: a line of its next invoice. The same again under its reference is the same charge: `isNew` says which it was. Throws
 * `reference_taken`, `exchange_rate_missing` for another currency without a rate, `invalid_reference` for another account's VM, `invalid_body`.
 */
export async function recordCharge(
  context: BooksContext,
  account: string,
  request: ChargeRequest,
): Promise<{ id: string; isNew: boolean }> {
  const { books, catalog } = context;
  const body = chargeBody(context, account, request);
  let same: string | undefined;
  const id = await books.write((_, newId) => {
    same = sameCharge(context, account, body);
    if (same !== undefined) return undefined;
    if (request.vm !== null && catalog.vm(request.vm)?.body.account !== account)
      throw oneFieldProblem('invalid_reference', 'vm', `${account} has no VM ${request.vm}`);
    return { kind: 'charge', id: newId(), body: JSON.stringify(body) };
  }, request.by);
  return { id: id ?? same ?? '', isNew: id !== undefined };
}

function chargeBody({ catalog }: BooksContext, account: string, request: ChargeRequest): HandChargeBody {
  const { reference, kind, description, reason, clause, vm, atMs, by } = request;
  refuseFuture(atMs, request.nowMs);
  const currency = catalog.account(account)?.body.currency ?? '';
  const { nanos, foreign } = amountIn(currency, request);
  return {
    ...{ account, currency, reference, kind, description, reason, clause, vm, foreign, by, at: atMs },
    amount_nanos: nanos.toString(),
    tax_percent: request.taxPercent,
    refund_check: null,
    withdrawn: null,
  };
}

/** What is charged in the account's currency, and what that was agreed as. */
function amountIn(
  currency: string,
  { amount, rate, ...request }: ChargeRequest,
): { nanos: bigint; foreign: HandChargeBody['foreign'] } {
  const of = request.currency ?? currency;
  const asked = parseAmount(amount, minorDigits(of));
  if (asked === undefined || asked === 0n)
    throw oneFieldProblem(
      'invalid_body',
      'amount',
      `must be an amount of ${of} above 0, with its ${minorDigits(of)} digits at most`,
    );
  if (of === currency) {
    if (rate !== null) throw oneFieldProblem('invalid_body', 'rate', `goes with another currency than ${currency} only`);
    return { nanos: asked, foreign: null };
  }
  if (rate === null)
    throw new ProblemError('exchange_rate_missing', `the account is in ${currency}: say what one ${of} is in it, as \`rate\``);
  const nanos = roundedToMinor(exact(asked * (parseAmount(rate) ?? 0n), 1_000_000_000n), currency);
  if (nanos === 0n) throw oneFieldProblem('invalid_body', 'rate', `leaves nothing of ${amount} ${of} in ${currency}`);
  return { nanos, foreign: { amount: formatAmount(asked, of), currency: of, rate } };
}

/** The id of a charge of the same content under its reference; undefined: there is none. Throws `reference_taken`. */
function sameCharge({ books }: BooksContext, account: string, body: HandChargeBody): string | undefined {
  const { reference } = body;
  const before = books.chargesOf(account).find((each) => each.reference === reference);
  const said = ({ amount_nanos, kind, description, reason, clause, vm, at, tax_percent, foreign }: HandChargeBody): string =>
    JSON.stringify([amount_nanos, kind, description, reason, clause, vm, at, tax_percent, foreign]);
  if (before !== undefined && said(before) === said(body)) return before.id;
  const other = before?.id ?? referenced(books, account, reference)?.id ?? books.noteUnder(account, reference);
  if (other !== undefined) throw referenceTaken(account, reference, other);
  return undefined;
}

/** Withdraws a charge that no final invoice has. Throws `charge_unknown`, `invoice_conflict` for one that was billed. */
export async function withdrawCharge(
  { books }: Pick<BooksContext, 'books'>,
  account: string,
  id: string,
  { by, nowMs }: { by: string; nowMs: number },
): Promise<void> {
  await books.write(() => {
    const { on, ...charge } = chargeNamed({ books }, account, id);
    if (charge.withdrawn !== null) return undefined;
    if (on !== null) {
      const way = `give it back by a credit note on its line ${on.line}`;
      throw new ProblemError('invoice_conflict', `invoice ${on.number ?? 0} has it: ${way}`);
    }
    const body = handChargeBody.strip().parse({ ...charge, withdrawn: { at: nowMs, by } });
    return { kind: 'charge', id, body: JSON.stringify(body) };
  }, by);
}

/** A charge by hand of an account, with the invoice that has it. Throws `charge_unknown`. */
export function chargeNamed(
  { books }: Pick<BooksContext, 'books'>,
  account: string,
  id: string,
): HandCharge & { on: { invoice: string; number: number | null; line: number } | null } {
  const charge = books.chargesOf(account).find((each) => each.id === id);
  if (charge === undefined) throw new ProblemError('charge_unknown', `${account} has no charge by hand ${id}`);
  return charge;
}
