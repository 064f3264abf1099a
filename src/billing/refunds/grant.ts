import type { BooksEntry } from '../../books/books.ts';
import type { BooksContext } from '../../books/context.ts';
import { type Grant, type GrantBody, grantIdOf, refundEventIdOf } from '../../books/grants.ts';
import type { HandChargeBody } from '../../books/hand-charges.ts';
import { stableId } from '../../books/stable-id.ts';
import { balanceOfAccount } from '../../books/standing.ts';
import { entryBody, finalized } from '../../books/stored-document.ts';
import type { EventBody } from '../../catalog/events.ts';
import type { VmBody } from '../../catalog/bodies.ts';
import { formatAmount, parseAmount } from '../../domain/money.ts';
import { ProblemError } from '../../problems/problem.ts';
import { exact, roundedToMinor } from '../../rating/exact.ts';
import type { BillingContext } from '../context.ts';
import { taxPercentOn } from '../taxes.ts';
import { grantMoney } from './grant-money.ts';
import { type Ending, type GrantNote, grantNotes } from './grant-notes.ts';
import { type Grantable, nothingToGrant, readGrantable, refuseGivenBack } from './grantable.ts';

const ATTEMPTS_MAX = 20;

/** Who grants, and when by the clock of business. */
interface Granting {
  readonly by: string;
  readonly nowMs: number;
}

/**
 * Grants the refund that a check found due, once (SPEC §6b): the event of the VM, the end of its service, credit notes on what was invoiced of the time,
 * what is kept for handling, and last the grant, in one insert. Each has an id that is the same whenever it is made, so whoever asks again after it was
 * cut off anywhere finishes it, and asked again it is the same grant. Throws `refund_check_unknown`, `nothing_to_grant`.
 */
export function grantRefund(
  context: BillingContext,
  check: string,
  granting: Granting,
): Promise<{ grant: Grant; isNew: boolean }> {
  return grantOnce(context, check, granting, (of, ending) => grantNotes(context, of, ending));
}

/** What invoices charged of the time that a grant gives back, as credit notes. */
export type NotesOf = (of: Grantable, ending: Ending) => Promise<GrantNote[]>;

/** The same with credit notes that are made otherwise: no row of a metered minute is read for anything else. */
export async function grantOnce(
  context: BooksContext,
  check: string,
  granting: Granting,
  notesOf: NotesOf,
): Promise<{ grant: Grant; isNew: boolean }> {
  const { books, catalog } = context;
  const of = await readGrantable(context, check);
  const { account, vm } = of;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const before = books.grants.ofCheck(account, check);
    if (before !== undefined) return { grant: before, isNew: false };
    const seen = [books.accountSeq(account), catalog.vm(vm)?.seq, catalog.events.allOf(vm).length];
    const isMoved = (): boolean =>
      [books.accountSeq(account), catalog.vm(vm)?.seq, catalog.events.allOf(vm).length].some((each, i) => each !== seen[i]);
    await refuseGivenBack(context, of);
    const entriesOf = await plan(context, of, granting, notesOf);
    const ids = await books.writeAll(() => (isMoved() ? [] : entriesOf()), granting.by);
    const grant = books.grants.ofCheck(account, check);
    if (grant !== undefined) return { grant, isNew: ids.length > 0 };
    // Moved by another process, it may be.
    await books.refresh();
  }
  throw new ProblemError('invoice_conflict', `the books of ${account} were changed again and again while a refund was granted`);
}

/** What a grant writes, in its order: what is there already is left out. */
async function plan(
  context: BooksContext,
  of: Grantable,
  { by, nowMs }: Granting,
  notesOf: NotesOf,
): Promise<() => BooksEntry[]> {
  const { books, catalog } = context;
  const { account, vm, check, currency, destination, basis } = of;
  const body = catalog.vm(vm)?.body;
  if (body === undefined) throw nothingToGrant(`the catalog has no VM ${vm} any more`);
  const eventId = refundEventIdOf(check);
  const begun = catalog.events.allOf(vm).find(({ id }) => id === eventId)?.body;
  const ending = endingOf(of, body, eventId);
  const notes = await notesOf(of, ending);
  const { amountNanos, freed } = grantMoney(books, of, notes, begun === undefined ? undefined : parseAmount(begun.amount ?? '0'));
  const event: EventBody = { ...ending.event.body, amount: formatAmount(amountNanos, currency) };
  const fee = feeOf(context, of, { by, nowMs });
  return () => {
    const drafted = notes.filter((note): note is GrantNote & { draft: NonNullable<GrantNote['draft']> } => note.draft !== null);
    const number = books.nextNumber('credit_note');
    const left = destination === 'balance' ? 0n : amountNanos;
    const balance = balanceOfAccount(context, account) + drafted.reduce((sum, { nanos }) => sum + nanos, -left);
    const grant: GrantBody = {
      ...{ account, currency, vm, refund_check: check, at: nowMs, from: of.fromMs, until: of.untilMs, basis, destination },
      ends_at: ending.vm.ends_at ?? of.atMs,
      amount_nanos: amountNanos.toString(),
      notes: notes.map(({ id }) => id),
      charge: fee?.id ?? null,
      freed,
      balance_nanos: balance.toString(),
      by,
    };
    const isCharged = fee === null || books.chargesOf(account).some(({ id }) => id === fee.id);
    return [
      ...(begun === undefined ? [{ kind: 'event', id: eventId, body: JSON.stringify(event) } as const] : []),
      ...(ending.vm.ends_at === body.ends_at ? [] : [{ kind: 'vm', id: vm, body: JSON.stringify(ending.vm) } as const]),
      ...drafted.map(({ id, draft }, i): BooksEntry => ({
        ...{ kind: 'invoice', id, body: entryBody(finalized(id, draft, number + i, nowMs)) },
      })),
      ...(isCharged ? [] : [{ kind: 'charge', id: fee.id, body: JSON.stringify(fee.body) } as const]),
      { kind: 'grant', id: grantIdOf(check), body: JSON.stringify(grant) },
    ];
  };
}

/** The VM as its service has ended, and the event that says so; with the time that is not charged at all. */
function endingOf({ atMs, fromMs, basis, vm, check }: Grantable, body: VmBody, eventId: string): Ending {
  // Something has to be left of a service: what ends before it began is not charged for what is.
  const first = body.starts_at === null ? atMs : Math.max(atMs, body.starts_at + 1);
  const endsAt = Math.min(first, body.ends_at ?? Infinity);
  const isWaived = basis === 'full' || endsAt > atMs;
  const waived = isWaived && fromMs < endsAt ? { from: Math.min(fromMs, body.starts_at ?? fromMs), to: endsAt } : {};
  const note = `granted by refund check ${check}`;
  const event: EventBody = { vm, at: atMs, kind: 'refund', note, amount: null, withdrawn: false, ...waived };
  return { vm: { ...body, ends_at: endsAt }, event: { id: eventId, body: event } };
}

/** What is kept for handling, as a charge by hand: net, since what was paid held the tax. */
function feeOf(
  { catalog }: BooksContext,
  { account, vm, check, currency, handlingNanos }: Grantable,
  { by, nowMs }: Granting,
): { id: string; body: HandChargeBody } | null {
  if (handlingNanos === 0n) return null;
  const body = catalog.account(account)?.body;
  const percent = parseAmount(body === undefined ? '0' : taxPercentOn(body, 'charge')) ?? 0n;
  const whole = 100n * 1_000_000_000n;
  const net = roundedToMinor(exact(handlingNanos * whole, whole + percent), currency);
  const charge: HandChargeBody = {
    ...{ account, currency, reference: `refund ${check}`, kind: 'handling', description: 'Handling fee of a refund' },
    ...{ amount_nanos: net.toString(), tax_percent: null, reason: `kept by refund check ${check}`, clause: null, vm, at: nowMs },
    ...{ foreign: null, refund_check: check, withdrawn: null, by },
  };
  return { id: stableId('refund-charge', check), body: charge };
}
