import type { ShownInvoice, ShownLine, ShownVmDays } from '../../src/print/invoice-shape.ts';

/** An invoice as the API's JSON has it, of as many VMs as asked for: what the printed forms are made from. */
export const DATES = Array.from({ length: 31 }, (_, i) => `2026-03-${(i + 1).toString().padStart(2, '0')}`);

export function shownLine(change: Partial<ShownLine> = {}): ShownLine {
  return {
    kind: 'service',
    vm: 'vm-0',
    description: 'Service, plan small',
    quantity: '31',
    unit: 'day',
    unit_price: '9.677419355',
    amount: '300.00',
    formula: 'each local day costs D = P, the price per day; unit_price is the average',
    query: '/v1/vms/vm-0',
    samples: '/v1/vms/vm-0/samples?from=2026-02-28T16:00:00Z&to=2026-03-31T16:00:00Z',
    detail: {},
    ...change,
  };
}

export function shownDays(vm: string, change: Partial<ShownVmDays> = {}): ShownVmDays {
  return {
    vm,
    up_ms: DATES.map(() => 86_400_000),
    not_up_ms: {},
    rx_bytes: DATES.map((_, i) => i * 1e9),
    tx_bytes: DATES.map(() => 1e9),
    ...change,
  };
}

export function shownInvoice(change: Partial<ShownInvoice> = {}, vms = 1): ShownInvoice {
  const names = Array.from({ length: vms }, (_, i) => `vm-${i}`);
  return {
    id: 'abc123',
    type: 'invoice',
    number: 12,
    status: 'final',
    issued_at: '2026-04-01T02:00:00Z',
    account: 'acme',
    issuer: null,
    customer: { name: 'Acme Ltd', language: 'en' },
    currency: 'CNY',
    from: '2026-02-28T16:00:00Z',
    to: '2026-03-31T16:00:00Z',
    time_zone: 'Asia/Taipei',
    due_at: '2026-04-01T16:00:00Z',
    total: '300.00',
    paid: '0.00',
    credited: '0.00',
    outstanding: '300.00',
    credit_notes: [],
    sha256: { content: 'c'.repeat(64), evidence: 'e'.repeat(64) },
    lines: names.map((vm) => shownLine({ vm, query: `/v1/vms/${vm}` })),
    usage_days: { time_zone: 'Asia/Taipei', dates: DATES, vms: names.map((vm) => shownDays(vm)) },
    ...change,
  };
}
