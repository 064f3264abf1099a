import { finalInvoices, reconcileInvoice } from '../../billing/corrections/reconcile.ts';
import type { InvoiceState } from '../../books/invoices.ts';
import { DAY_MS } from '../../domain/zone.ts';
import { inBatches, readTogether } from '../../billing/together.ts';
import { attempt } from '../failure.ts';
import type { Job, JobContext, Part, Turn } from '../job.ts';

/** After the day was charged and its invoices were made. */
const DELAY_MS = 3 * 3_600_000;
/** Older usage is not restated: its raw samples have expired. An incident about it asks for a reconcile by hand. */
const LOOKBACK_MS = 100 * DAY_MS;

/** Final invoices held against what their periods rate to now. */
export const reconcileJob: Job = {
  name: 'reconcile',
  does: 'rates the periods of final invoices of the last hundred days again, and corrects what they charged',
  every: 'day',
  delayMs: DELAY_MS,
  isTogether: true,
  async *run(context, turn) {
    const since = turn.slot.toMs - LOOKBACK_MS;
    const invoicesOf = (account: string): InvoiceState[] =>
      finalInvoices(context.billing, account).filter(({ head }) => head.to > since);
    for (const accounts of inBatches(context.billing.catalog, turn.accounts)) {
      const invoiced = accounts.filter((account) => invoicesOf(account).length > 0);
      const together = { ...context, billing: readTogether(context.billing, invoiced) };
      for (const account of accounts) yield await attempt(account, () => part(together, turn, account, invoicesOf(account)));
    }
  },
};

async function part(
  { billing }: JobContext,
  { dryRun, by }: Turn,
  account: string,
  invoices: readonly InvoiceState[],
): Promise<Part> {
  const counts = { credit_notes: 0, debits: 0 };
  for (const invoice of invoices) {
    const found = await reconcileInvoice(billing, invoice, !dryRun, by);
    counts.credit_notes += dryRun ? Number(found.credits.length > 0) : found.creditNotes.length;
    counts.debits += dryRun ? Number(found.debits.length > 0) : Number(found.debit !== null) + found.lowered.length;
  }
  const changed = counts.credit_notes + counts.debits > 0;
  return changed ? { account, outcome: 'changed', counts } : { account, outcome: 'nothing' };
}
