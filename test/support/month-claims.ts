import type { MonthAccount, MonthEnd } from './month.ts';

const REMINDED = ['reminder 1', 'reminder 2'];
/** What follows for an account, by how it pays. */
const FOLLOWS: Readonly<Record<MonthAccount['pays'], readonly string[]>> = {
  'in time': [],
  'after two reminders': REMINDED,
  suspended: [...REMINDED, 'suspended', 'resumed'],
  never: [...REMINDED, 'suspended'],
  'in time, booked late': [...REMINDED, 'suspended', 'resumed, wrongly'],
  daily: ['suspended', 'resumed'],
};

/** Whose state is not `active`; of prepaid VMs the service has ended by then. */
const STATES: Readonly<Partial<Record<MonthAccount['pays'], string>>> = { never: 'suspended', daily: 'ended' };

/** What a month came to that is not as it should be, worked out from how each account behaved: nothing of it is the product's arithmetic. */
export function faultsOfMonth(end: MonthEnd): string[] {
  return [...end.accounts.flatMap((account) => ofAccount(end, account)), ...ofAll(end)];
}

function ofAccount(end: MonthEnd, { id, pays, isCorrected, isRefunded }: MonthAccount): string[] {
  const faults: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      faults.push(`${id} (${pays}): ${what} ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  };
  const follows = (end.consequences.get(id) ?? []).map(({ kind, level, wrong }) => `${kind}${level === null ? '' : ` ${level}`}${wrong ? ', wrongly' : ''}`); // prettier-ignore
  expect('what follows', follows, FOLLOWS[pays]);
  expect('state', end.states.get(id), isRefunded ? 'ended' : (STATES[pays] ?? 'active'));
  const refund = end.refunds.get(id);
  expect('refund', refund?.granted, refund?.again);
  // Paid and withdrawn at one instant: all of it is left.
  expect('refunded', refund?.found ?? null, isRefunded ? '31.00' : null);
  const own = end.invoices.filter(({ account }) => account === id);
  const invoices = own.filter(({ type }) => type === 'invoice');
  // 31.00 and 10 % tax, a month.
  if (pays !== 'daily') expect('totals', invoices.map(({ total }) => total), ['34.10', '34.10']); // prettier-ignore
  // 120 of the 1,440 minutes of a day of 1.00, and 10 % tax.
  const notes = own.filter(({ type }) => type === 'credit_note').map(({ total }) => total);
  expect('credit notes', notes, isCorrected ? ['-0.09'] : []);
  if (pays !== 'daily') return faults;
  const days = end.charged.get(id) ?? [];
  expect('days, each once and in order', days, [...new Set(days)].sort());
  if (days.length < 20) faults.push(`${id}: only ${days.length} days were charged`);
  return faults;
}

function ofAll({ accounts, invoices, runs, verified }: MonthEnd): string[] {
  const faults: string[] = [];
  const numbers = invoices
    .flatMap(({ type, number }) => (type === 'invoice' && number !== null ? [number] : []))
    .sort((a, b) => a - b);
  if (numbers.some((number, i) => number !== i + 1)) faults.push('numbers of invoices have a gap');
  for (const { job, slot, zone, outcome } of runs)
    if (outcome !== 'done' && outcome !== 'skipped') faults.push(`${job} ${slot} of ${zone} is ${outcome}`);
  for (const zone of new Set(accounts.map((account) => account.zone))) {
    const slots = new Set(runs.filter((run) => run.job === 'charge-days' && run.zone === zone).map(({ slot }) => slot));
    for (let ms = Date.parse('2026-03-04'); ms < Date.parse('2026-05-01'); ms += 86_400_000) {
      const day = new Date(ms).toISOString().slice(0, 10);
      if (!slots.has(day)) faults.push(`the ${day} of ${zone} has no turn`);
    }
  }
  if (verified.code !== 0) faults.push(`verify: ${verified.said}`);
  return faults;
}
