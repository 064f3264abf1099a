import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { ENTRY_KINDS, type LedgerEntry } from '../../ledger/entry.ts';
import { instantShape } from '../shared/shapes.ts';

/** An entry of an account's ledger as the API shows it. */
export const entryShape = z.looseObject({
  id: z.string(),
  kind: z.enum(ENTRY_KINDS),
  at: instantShape.describe('The instant from which it holds.'),
  recorded_at: instantShape,
  by: z.string(),
  amount: z.string().describe("Signed as the customer's credit: payments and credit notes count up, charges down."),
  balance: z.string().optional().describe('The sum of all entries up to this one.'),
  belongs_to: z.looseObject({
    invoice: z.string().optional(),
    number: z.int().optional(),
    credit_note: z.string().optional(),
    credit_note_number: z.int().optional(),
    day: z.string().optional(),
    vm: z.string().optional(),
    from: instantShape.optional(),
    until: instantShape.optional(),
    refund_check: z.string().optional(),
    account: z.string().optional(),
  }),
  reference: z.string().nullable(),
  note: z.string(),
});

export function entryJson(entry: LedgerEntry, currency: string, balanceNanos?: bigint): Record<string, unknown> {
  const { id, kind, atMs, recordedAtMs, by, amountNanos, belongsTo, reference, note } = entry;
  const { fromMs, untilMs, ...belongs } = belongsTo;
  return {
    ...{ id, kind, at: formatInstant(atMs), recorded_at: formatInstant(recordedAtMs), by },
    amount: formatAmount(amountNanos, currency),
    ...(balanceNanos === undefined ? {} : { balance: formatAmount(balanceNanos, currency) }),
    belongs_to: {
      ...belongs,
      ...(fromMs === undefined ? {} : { from: formatInstant(fromMs) }),
      ...(untilMs === undefined ? {} : { until: formatInstant(untilMs) }),
    },
    ...{ reference, note },
  };
}
