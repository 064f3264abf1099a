/**
 * A month of many accounts, billed by the scheduler alone: the server as users run it, on a clock that samples move. Accounts pay in time, late, after
 * they were suspended, never, or in time and booked late; some were without service, as an incident says afterwards; some are prepaid by the day.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMIN_KEY, allRows, postLines, sendJson, startServer, type TestServer, untilStored } from './server.ts';
import { startCommand } from './command.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** February's turn was due before the scheduler is there. */
const START_MS = Date.parse('2026-03-03T12:00:00Z');
const ZONES = ['UTC', 'Asia/Taipei', 'Europe/Berlin', 'America/New_York'] as const;
/** How an account behaves, by its number. */
export const PAYS = ['in time', 'after two reminders', 'suspended', 'never', 'in time, booked late'] as const;
export type Pays = (typeof PAYS)[number];
const TOGETHER = 24;
const POLL_MS = 50;

const SHEET = {
  ...{ id: 'month', version: 1, effective_from: '2020-01-01T00:00:00Z', title: 'A month', document: 'month' },
  clauses: Object.fromEntries(
    ['credit', 'pay', 'remind', 'stop'].map((id) => [id, { says: `What is said of ${id}.`, place: id }]),
  ),
  credit: { kind: 'time', clause: 'credit' },
  refund: {
    ...{ destination: 'balance', destination_clause: 'credit', bars: [] },
    grounds: [{ id: 'withdrawn', clause: 'credit', when: [{ measure: 'events', kinds: ['withdrawn'], at_least: 1 }], amount: 'remaining' }],
  }, // prettier-ignore
  billing: {
    ...{ clause: 'pay', prepaid: false },
    reminders: [
      { level: 1, after: '5d', clause: 'remind' },
      { level: 2, after: '9d', clause: 'remind' },
    ],
    suspend_overdue: { after: '12d', clause: 'stop' },
  },
};

export interface MonthAccount {
  readonly id: string;
  readonly pays: Pays | 'daily';
  readonly zone: string;
  /** An hour in which it was without service is recorded after its invoice. */
  readonly isCorrected: boolean;
  /** May is paid in advance, withdrawn and refunded. */
  readonly isRefunded: boolean;
}

export interface MonthOptions {
  readonly dir: string;
  readonly accounts: number;
  readonly tell?: (done: number, of: number, what: string) => void;
}

export interface Consequence {
  readonly kind: string;
  readonly level: number | null;
  readonly wrong: boolean;
}
export interface MonthInvoice {
  readonly id: string;
  readonly type: string;
  readonly number: number | null;
  readonly status: string;
  readonly account: string;
  readonly total: string;
  readonly from: string;
  readonly to: string;
}

/** What the month came to. */
export interface MonthEnd {
  readonly accounts: readonly MonthAccount[];
  readonly invoices: readonly MonthInvoice[];
  readonly consequences: ReadonlyMap<string, readonly Consequence[]>;
  readonly states: ReadonlyMap<string, string>;
  /** Days that each prepaid account was charged. */
  readonly charged: ReadonlyMap<string, readonly string[]>;
  readonly runs: readonly { readonly job: string; readonly slot: string; readonly zone: string; readonly outcome: string }[];
  /** What each refund check found, what was granted of it, and when that was asked for again. */
  readonly refunds: ReadonlyMap<string, { readonly found: string | null; readonly granted: string; readonly again: string }>;
  readonly verified: { readonly code: number | null; readonly said: string };
}

function accountsOf(count: number): MonthAccount[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `m${String(i).padStart(4, '0')}`,
    pays: i % 10 === 9 ? ('daily' as const) : (PAYS[i % PAYS.length] ?? 'never'),
    zone: ZONES[Math.floor(i / 10) % ZONES.length] ?? 'UTC',
    isCorrected: i % 10 === 0 || i % 10 === 3,
    isRefunded: i % 10 === 5,
  }));
}

/** Does for all, some at a time. */
async function forAll<T>(all: readonly T[], work: (each: T) => Promise<unknown>, tell: (done: number) => void): Promise<void> {
  const waiting = [...all];
  let done = 0;
  await Promise.all(
    Array.from({ length: TOGETHER }, async () => {
      for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
        await work(each);
        tell((done += 1));
      }
    }),
  );
}

export async function simulateMonth({ dir, accounts: count, tell = () => undefined }: MonthOptions): Promise<MonthEnd> {
  await mkdir(join(dir, 'terms'), { recursive: true });
  await writeFile(join(dir, 'terms', 'month.json'), JSON.stringify(SHEET));
  await writeFile(join(dir, 'issuer.json'), JSON.stringify({ name: 'Example Hosting' }));
  const server = await startServer({
    dir,
    env: { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_SCHEDULER: 'on', UPTALLY_SCHEDULER_INVOICES: 'finals' },
  });
  try {
    return await new Month(server, dir, accountsOf(count), tell).run();
  } finally {
    await server.end('SIGTERM');
  }
}

class Month {
  readonly #server: TestServer;
  readonly #dir: string;
  readonly #accounts: readonly MonthAccount[];
  readonly #tell: NonNullable<MonthOptions['tell']>;
  #nowMs = 0;

  constructor(server: TestServer, dir: string, accounts: readonly MonthAccount[], tell: NonNullable<MonthOptions['tell']>) {
    this.#server = server;
    this.#dir = dir;
    this.#accounts = accounts;
    this.#tell = tell;
  }

  async run(): Promise<MonthEnd> {
    await this.#open();
    await this.#advance(START_MS);
    await this.#untilFirstLook();
    await this.#topUp('12.00');
    // Half the month at once, as after a standstill: each day is charged all the same.
    for (const day of ['2026-03-18', '2026-04-03']) await this.#advance(Date.parse(`${day}T18:00:00Z`));
    await this.#topUp('100.00');
    const march = await this.#invoicesOf('2026-03-15');
    const due = await this.#dueOf(march);
    const dueMs = Math.max(...due.values());
    const inTime = (account: string): number => Math.min(this.#nowMs, (due.get(account) ?? 0) - DAY_MS);
    await this.#advance(dueMs - DAY_MS);
    await this.#pay(march, 'in time', inTime);
    await this.#advance(dueMs + 6 * DAY_MS);
    await this.#advance(dueMs + 10 * DAY_MS);
    await this.#pay(march, 'after two reminders', () => this.#nowMs);
    await this.#advance(dueMs + 13 * DAY_MS);
    await this.#pay(march, 'suspended', () => this.#nowMs);
    await this.#pay(march, 'in time, booked late', inTime);
    await this.#advance(dueMs + 14 * DAY_MS);
    await this.#correct();
    await this.#advance(Math.max(dueMs + 16 * DAY_MS, Date.parse('2026-05-03T18:00:00Z')));
    return this.#end();
  }

  #send<T = Record<string, unknown>>(method: 'PUT' | 'POST', path: string, body: object): Promise<T> {
    return sendJson<T>(this.#server, method, path, body);
  }

  /** Plans of all zones, and the accounts with a VM each. */
  async #open(): Promise<void> {
    for (const [i, zone] of ZONES.entries()) {
      const plan = { currency: 'EUR', time_zone: zone };
      await this.#send('PUT', `/v1/plans/month-${i}`, { ...plan, price: { amount: '31.00', per: 'month' }, terms: 'month' });
      await this.#send('PUT', `/v1/plans/day-${i}`, {
        ...plan,
        price: { amount: '1.00', per: 'day' },
        terms: 'internet-service',
      });
    }
    await forAll(
      this.#accounts,
      async ({ id, pays, zone }) => {
        const plan = `${pays === 'daily' ? 'day' : 'month'}-${ZONES.findIndex((name) => name === zone)}`;
        await this.#send('PUT', `/v1/accounts/${id}`, { name: `Customer ${id}`, currency: 'EUR', tax_percent: '10' });
        const from = '2026-02-28T00:00:00Z';
        // In every zone the service begins with the month there.
        const service =
          pays === 'daily' ? { starts_at: '2026-03-03T12:00:00Z', ends_at: '2026-03-23T12:00:00Z' } : { starts_at: from };
        await this.#send('PUT', `/v1/vms/${id}-1`, { account: id, plans: [{ plan, from }], ...service });
      },
      (done) => {
        this.#tell(done, this.#accounts.length, 'accounts opened');
      },
    );
  }

  async #topUp(amount: string): Promise<void> {
    for (const { id, pays } of this.#accounts) {
      if (pays !== 'daily') continue;
      await this.#send('POST', `/v1/accounts/${id}/balance`, {
        kind: 'top_up',
        amount,
        at: this.#nowMs,
        reference: `top-up ${amount}`,
      });
    }
  }

  /** A sample of every VM a day, up to an instant; then all that is due by then is done. */
  async #advance(wantedMs: number): Promise<void> {
    // What is due at this very instant is not late yet: some minutes on it is, also after times that were half an hour on.
    const toMs = wantedMs + 7 * 60_000;
    if (toMs <= this.#nowMs) return;
    const days = this.#nowMs === 0 ? 2 : Math.max(1, Math.round((toMs - this.#nowMs) / DAY_MS));
    for (let day = days - 1; day >= 0; day -= 1) {
      const ts = toMs - day * DAY_MS;
      const lines = this.#accounts.map(({ id }) => JSON.stringify({ vm: `${id}-1`, ts }));
      const answer = await postLines(this.#server, ADMIN_KEY, lines);
      if (answer.status !== 202) throw new Error(`samples: ${answer.status} ${answer.text}`);
    }
    this.#nowMs = toMs;
    await untilStored(this.#server);
    await this.#untilDone();
  }

  /** Until nothing that is due by now is left. */
  async #untilDone(): Promise<void> {
    for (let looks = 0; ; looks += 1) {
      const { now, jobs } = await this.#server.ask<{ now: string; jobs: { name: string; late_ms: number }[] }>(
        '/v1/scheduler/jobs',
      );
      const late = jobs.filter(({ late_ms: lateMs }) => lateMs > 0).map(({ name }) => name);
      this.#tell(looks, looks + 1, `${now.slice(0, 16)}: ${late.length === 0 ? 'all is done' : late.join(', ')}`);
      if (late.length === 0 && Date.parse(now) >= this.#nowMs) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** What was due before the scheduler was there is passed over: that has to be behind it. */
  async #untilFirstLook(): Promise<void> {
    for (;;) {
      const { rows } = await this.#server.ask<{ rows: { job: string }[] }>('/v1/scheduler/runs?outcome=skipped');
      if (new Set(rows.map(({ job }) => job)).size === 4) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #invoices(): Promise<MonthInvoice[]> {
    const pages = async (): Promise<MonthInvoice[]> => {
      const found: MonthInvoice[] = [];
      for (let query = ''; ;) {
        const { invoices, next } = await this.#server.ask<{ invoices: MonthInvoice[]; next: string | null }>(
          `/v1/invoices${query}`,
        );
        found.push(...invoices);
        if (next === null) return found;
        query = `?cursor=${next}`;
      }
    };
    return pages();
  }

  /** Final invoices of the month that holds a day, by account. */
  async #invoicesOf(day: string): Promise<Map<string, string>> {
    const at = Date.parse(day);
    const own = (await this.#invoices()).filter(
      ({ type, from, to }) => type === 'invoice' && Date.parse(from) < at && Date.parse(to) > at,
    );
    return new Map(own.map(({ account, id }) => [account, id]));
  }

  async #dueOf(invoices: ReadonlyMap<string, string>): Promise<Map<string, number>> {
    const due = new Map<string, number>();
    const monthly = this.#accounts.filter(({ pays }) => pays !== 'daily');
    await forAll(
      monthly,
      async ({ id }) => {
        const { due_at: dueAt } = await this.#server.ask<{ due_at: string }>(`/v1/invoices/${invoices.get(id) ?? 'none'}`);
        due.set(id, Date.parse(dueAt));
      },
      () => undefined,
    );
    return due;
  }

  /** Those of a kind pay, as a list from a bank says; a list that comes twice pays once. */
  async #pay(invoices: ReadonlyMap<string, string>, pays: Pays, at: (account: string) => number): Promise<void> {
    const list = this.#accounts.filter((account) => account.pays === pays);
    this.#tell(0, list.length, `paid: ${pays}`);
    const totals = new Map((await this.#invoices()).map(({ id, total }) => [id, total]));
    const rows = list.map(({ id }) => {
      const invoice = invoices.get(id) ?? 'none';
      return [id, `march of ${id}`, totals.get(invoice), new Date(at(id)).toISOString(), invoice].join(',');
    });
    const file = join(this.#dir, 'bank.csv');
    await writeFile(file, ['account,reference,amount,at,invoice', ...rows, ''].join('\n'));
    for (let times = 0; times < 2; times += 1) {
      const { code, said } = await startCommand(
        ['payments', 'import', file, '--server', this.#server.url, '--key', ADMIN_KEY],
        {},
      ).ended;
      if (code !== 0) throw new Error(`the bank's list of those who pay ${pays}: ${said}`);
    }
  }

  /** Two hours of March were without service after all. */
  async #correct(): Promise<void> {
    const vms = this.#accounts.filter(({ isCorrected }) => isCorrected).map(({ id }) => `${id}-1`);
    const incident = { from: '2026-03-12T10:00:00Z', to: '2026-03-12T12:00:00Z', cause: 'provider', asserts_down: true };
    await this.#send('POST', '/v1/incidents', { scope: { vms }, ...incident });
  }

  /** May was paid in advance, the product is withdrawn, and what is left of the time goes back; asked for twice, it goes once. */
  async #refund(): Promise<MonthEnd['refunds']> {
    const list = this.#accounts.filter(({ isRefunded }) => isRefunded);
    const refunds = new Map<string, { found: string | null; granted: string; again: string }>();
    await forAll(
      list,
      async ({ id }) => {
        const [vm, at] = [`${id}-1`, this.#nowMs];
        const covers = { vm, from: '2026-05-01T12:00:00Z', until: '2026-06-01T12:00:00Z' };
        await this.#send('POST', `/v1/accounts/${id}/payments`, { reference: 'may', amount: '31.00', at, covers });
        await this.#send('POST', `/v1/vms/${vm}/events`, { kind: 'withdrawn', at });
        const check = await this.#send<{ id: string; amount: string | null }>('POST', '/v1/refund-checks', { vm, at });
        const grant = (): Promise<{ refund: { amount: string } }> => this.#send('POST', `/v1/refund-checks/${check.id}/grant`, {});
        refunds.set(id, { found: check.amount, granted: JSON.stringify((await grant()).refund), again: JSON.stringify((await grant()).refund) });
      },
      (done) => {
        this.#tell(done, list.length, 'refunded');
      },
    );
    return refunds;
  } // prettier-ignore

  async #end(): Promise<MonthEnd> {
    const refunds = await this.#refund();
    const consequences = new Map<string, Consequence[]>();
    const states = new Map<string, string>();
    const charged = new Map<string, string[]>();
    await forAll(
      this.#accounts,
      async ({ id, pays }) => {
        const { state, history } = await this.#server.ask<{ state: string; history: Consequence[] }>(
          `/v1/accounts/${id}/standing`,
        );
        consequences.set(id, history.toReversed());
        states.set(id, state);
        if (pays !== 'daily') return;
        const { entries } = await this.#server.ask<{ entries: { kind: string; day: { date: string } | null }[] }>(
          `/v1/accounts/${id}/balance`,
        );
        charged.set(id, entries.flatMap(({ kind, day }) => (kind === 'charge' && day !== null ? [day.date] : [])).toReversed());
      },
      (done) => {
        this.#tell(done, this.#accounts.length, 'accounts looked at');
      },
    );
    const runs = await allRows<MonthEnd['runs'][number]>(this.#server, '/v1/scheduler/runs');
    this.#tell(0, 1, 'verify');
    const verified = await startCommand(['verify', '--server', this.#server.url, '--key', ADMIN_KEY], {}).ended;
    return { accounts: this.#accounts, invoices: await this.#invoices(), consequences, states, charged, runs, refunds, verified };
  }
}
