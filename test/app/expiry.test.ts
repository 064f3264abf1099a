import { beforeEach, describe, expect, it } from 'vitest';
import type { InvoiceState } from '../../src/books/invoices.ts';
import { holdsOf } from '../../src/app/expiry.ts';
import type { EventBody } from '../../src/catalog/events.ts';

const DAY = 86_400_000;
const FROM = Date.UTC(2026, 2, 1);

let events: Record<string, readonly EventBody['kind'][]>;
let invoices: readonly Partial<InvoiceState>[];
beforeEach(() => {
  events = {};
  invoices = [];
});

/** Account `a1` has the VMs v1 and v2, `a2` has v3; what is asked of them is what the test says. */
function holds(): { vm: string; fromMs: number }[] {
  const vms: Record<string, string[]> = { a1: ['v1', 'v2'], a2: ['v3'] };
  const catalog = {
    vmIds: () => ['v1', 'v2', 'v3'].values(),
    accountIds: () => ['a1', 'a2'],
    vmsOf: (account: string) => vms[account] ?? [],
    events: { of: (vm: string) => (events[vm] ?? []).map((kind) => ({ body: { kind } })) },
  };
  const books = { statesOf: (account: string) => (account === 'a1' ? invoices : []) };
  return holdsOf({ catalog, books } as unknown as Parameters<typeof holdsOf>[0]);
}

function invoice(changes: Partial<InvoiceState> = {}, head: object = {}): Partial<InvoiceState> {
  return {
    head: { type: 'invoice', from: FROM, ...head } as InvoiceState['head'],
    totalNanos: 100n,
    status: 'final',
    paidNanos: 0n,
    creditedNanos: 0n,
    chargedNanos: 0n,
    uncoveredNanos: 0n,
    outstandingNanos: 100n,
    ...changes,
  };
}

describe('raw samples are held', () => {
  it.each<[string, readonly EventBody['kind'][], boolean]>([
    ['of a VM with a dispute', ['ip_replaced', 'dispute'], true],
    ['until it is closed', ['dispute', 'dispute_closed'], false],
    ['again, when there is another', ['dispute', 'dispute_closed', 'dispute', 'refund'], true],
    ['not because of other events', ['abuse', 'refund'], false],
  ])('%s', (_, kinds, isHeld) => {
    events = { v2: kinds };
    expect(holds()).toEqual(isHeld ? [{ vm: 'v2', fromMs: 0 }] : []);
  });

  it.each<[string, Partial<InvoiceState>, boolean]>([
    ['of a final invoice that is owed', invoice(), true],
    ['of one that is owed in part', invoice({ paidNanos: 60n, creditedNanos: 39n, outstandingNanos: 1n }), true],
    [
      'of one whose prepaid balance did not cover it',
      invoice({ chargedNanos: 100n, uncoveredNanos: 1n, outstandingNanos: 0n }),
      true,
    ],
    ['not of one that is paid', invoice({ status: 'paid', paidNanos: 100n }), false],
    ['not of one that was credited in full', invoice({ creditedNanos: 100n, outstandingNanos: 0n }), false],
    ['not of a void one', invoice({ status: 'void' }), false],
    ['not of a draft', invoice({ status: 'draft' }), false],
    ['not of a credit note', invoice({}, { type: 'credit_note' }), false],
  ])('%s: all VMs of its account, from a day before it', (_, owed, isHeld) => {
    invoices = [owed];
    const fromMs = FROM - DAY;
    expect(holds()).toEqual(isHeld ? [{ vm: 'v1', fromMs }, { vm: 'v2', fromMs }] : []); // prettier-ignore
  });

  it('from the oldest of several on', () => {
    invoices = [
      invoice({}, { from: FROM + 31 * DAY }),
      invoice(),
      invoice({ status: 'paid', paidNanos: 100n }, { from: FROM - 31 * DAY }),
    ];
    expect(holds().map(({ fromMs }) => fromMs)).toEqual([FROM - DAY, FROM - DAY]);
  });
});
