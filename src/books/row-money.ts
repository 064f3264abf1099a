import type { Fund } from '../ledger/allocation.ts';
import type { BelongsTo, EntryKind, LedgerEntry } from '../ledger/entry.ts';
import type { Lot } from '../ledger/lots.ts';
import type { BalanceBody, BalanceEntry, Covers } from './balances.ts';
import type { Settlement } from './invoices.ts';

/** A payment on an invoice, its refund, or that the invoice is void, as versions before the ledger recorded payments. */
export type SettlementRow = Settlement & { id: string; seq: bigint; recordedAtMs: number };

/** What a row comes to in the ledger; none of it for rows that say what follows from others. */
export interface RowMoney {
  readonly entry?: LedgerEntry;
  readonly fund?: Fund;
  readonly lot?: Lot;
}

type Numbers = ReadonlyMap<string, number | null>;

/** How kinds of rows are called in the ledger; those that are left out are no money. */
const KINDS: Partial<Record<BalanceBody['kind'], EntryKind>> = {
  top_up: 'payment',
  payment: 'payment',
  // A refund of these rows went to the balance: nothing left the account.
  refund: 'adjustment',
  adjustment: 'adjustment',
  transfer: 'adjustment',
  expiry: 'adjustment',
  repayment: 'refund',
  withdrawal: 'payout',
  payout: 'payout',
};

/** What a row of money comes to. Days are seen to by themselves, since they belong together. */
export function balanceMoney(row: BalanceEntry, numbers: Numbers): RowMoney {
  const { id, seq, at: atMs } = row;
  const amountNanos = BigInt(row.amount_nanos);
  const lot = { id, seq, atMs, amountNanos, expiresAtMs: row.expires_at, lapsedId: row.lapsed };
  // What settled the rest of an invoice is in the invoice; what of it lapses is on record under its id.
  if (row.kind === 'invoice') return amountNanos > 0n && row.expires_at !== null ? { lot } : {};
  const kind = KINDS[row.kind];
  if (kind === undefined || amountNanos === 0n) return {};
  const covers = row.covers ?? null;
  return {
    entry: {
      ...{ id, kind, atMs, seq, amountNanos },
      recordedAtMs: row.recordedAtMs,
      by: row.by,
      belongsTo: belongsTo(row, covers, numbers),
      reference: row.reference ?? (row.kind === 'top_up' && row.source !== '' ? row.source : null),
      note: row.source,
    },
    fund: { atMs, amountNanos, covers: fundCovers(covers) },
    lot,
  };
}

function fundCovers(covers: Covers | null): Fund['covers'] {
  if (covers === null) return null;
  if ('invoice' in covers) return { claim: covers.invoice };
  return { vm: covers.vm, fromMs: covers.from, untilMs: covers.until };
}

function belongsTo(
  { vm, refund_check: check, other, invoice }: BalanceEntry,
  covers: Covers | null,
  numbers: Numbers,
): BelongsTo {
  const of = covers !== null && 'invoice' in covers ? covers.invoice : invoice;
  return {
    ...(of === null ? {} : invoiceNamed(of, numbers)),
    ...(vm === null ? {} : { vm }),
    ...(covers !== null && 'vm' in covers ? { vm: covers.vm, fromMs: covers.from, untilMs: covers.until } : {}),
    ...(check === null ? {} : { refund_check: check }),
    ...(other === null ? {} : { account: other }),
  };
}

export function invoiceNamed(invoice: string, numbers: Numbers): BelongsTo {
  const number = numbers.get(invoice) ?? null;
  return number === null ? { invoice } : { invoice, number };
}

/** What a payment of before comes to; that an invoice is void is in the invoice. */
export function settlementMoney({ id, seq, recordedAtMs, ...row }: SettlementRow, numbers: Numbers): RowMoney {
  const atMs = row.at;
  const amountNanos = row.action === 'refund' ? -BigInt(row.amount_nanos) : BigInt(row.amount_nanos);
  if (row.action === 'void' || amountNanos === 0n) return {};
  const { by, note } = row;
  return {
    entry: {
      ...{ id, kind: row.action, atMs, seq, recordedAtMs, by, amountNanos, note },
      belongsTo: invoiceNamed(row.invoice, numbers),
      reference: null,
    },
    fund: { atMs, amountNanos, covers: { claim: row.invoice } },
    lot: { id, seq, atMs, amountNanos, expiresAtMs: null, lapsedId: null },
  };
}
