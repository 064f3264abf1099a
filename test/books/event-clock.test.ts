import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Days are charged when they are over by the clock that samples are metered by, some a call. */
const START = Date.parse('2026-03-01T00:00:00Z');
const DAY_MS = 86_400_000;

interface Answer {
  accounts: { account: string; more: boolean; waiting: string | null; entries: { day: { date: string } | null }[] }[];
  left: number;
  next: string | null;
}

describe('with the event clock charge-days', () => {
  let test: TestStore;
  let app: FastifyInstance;
  /** What a sample says is the newest instant; and the clock of the machine, which is months later. */
  let event: number | null = null;
  let wall = Date.parse('2026-11-30T00:00:00Z');
  let stepMs = 0;
  const done = doneOf(() => app);
  const charge = (body: object = {}): Promise<Answer> => done('POST', '/v1/charge-days', body);
  const datesOf = ({ accounts }: Answer): string[] =>
    accounts.flatMap(({ account, entries }) =>
      entries.flatMap(({ day }) => (day === null ? [] : `${account} ${day.date.slice(5)}`)),
    );

  beforeAll(async () => {
    test = await openTestStore();
    const constants = { stalenessMs: 90_000, latenessMs: 120_000, linkLimitBps: 1n, retentionDays: 0, clock: 'event' } as const;
    app = await serverOn(test.store, await openCatalog(test.store, () => wall), {
      constants,
      now: () => (wall += stepMs),
      eventClockMs: () => event,
      watermarkMs: () => (event === null ? null : event - 120_000),
    });
    await done('PUT', '/v1/plans/p', { currency: 'CNY', time_zone: 'UTC', price: { amount: '1.00', per: 'day' }, terms: 'internet-service' }); // prettier-ignore
    for (const id of ['a', 'b', 'c']) {
      await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
      await done('PUT', `/v1/vms/${id}-1`, { account: id, plans: [{ plan: 'p', from: START }], starts_at: START });
      for (const minute of ['2026-03-01 00:00:00', '2026-03-20 00:00:00'])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${id}-1', '${minute}', 60000, 1)`);
    }
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('charges nothing before there is a sample', async () => {
    expect(datesOf(await charge())).toEqual([]);
  });

  it('charges the days that the newest sample has passed, and none of the months since', async () => {
    event = START + 3 * DAY_MS - 1;
    expect(datesOf(await charge({ account: 'a' }))).toEqual(['a 03-01', 'a 03-02']);
    event = START + 3 * DAY_MS;
    expect(datesOf(await charge({ account: 'a' }))).toEqual(['a 03-03']);
    expect(await done('GET', '/v1/accounts/a/balance')).toMatchObject({ balance: '-3.00' });
  });

  it('is answered when its time is over, a day at least done, and goes on within the account', async () => {
    event = START + 4 * DAY_MS;
    // Each look at the clock is three seconds later.
    stepMs = 3_000;
    const calls: string[][] = [];
    const nexts: (string | null)[] = [];
    for (let next: string | null | undefined = undefined; next !== null;) {
      const answer: Answer = await charge(next === undefined ? {} : { after: next });
      calls.push(datesOf(answer));
      next = answer.next;
      nexts.push(next);
      expect(answer.left > 0).toBe(next !== null);
    }
    stepMs = 0;
    expect(calls.length).toBeGreaterThan(3);
    expect(nexts).toContain('~b');
    expect(calls.flat()).toEqual(['a 03-04', ...['b', 'c'].flatMap((id) => [1, 2, 3, 4].map((day) => `${id} 03-0${day}`))]);
    expect(datesOf(await charge())).toEqual([]);
  });

  it('goes on with one account, too', async () => {
    event = START + 8 * DAY_MS;
    stepMs = 3_000;
    const first = await charge({ account: 'b' });
    expect(first).toMatchObject({ left: 1, next: '~b', accounts: [{ more: true }] });
    stepMs = 0;
    const second = await charge({ account: 'b', after: first.next });
    expect(second).toMatchObject({ left: 0, next: null, accounts: [{ more: false }] });
    expect([...datesOf(first), ...datesOf(second)]).toEqual([5, 6, 7, 8].map((day) => `b 03-0${day}`));
  });
});
