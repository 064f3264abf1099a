import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatInstant } from '../../../src/domain/instant.ts';
import { conditionCode } from '../../../src/domain/condition.ts';
import { type ApiAnswer, callOf, openCatalog, serverOn } from '../../support/api.ts';
import { openTestStore, type TestStore } from '../../support/store.ts';

const MIN = 60_000;
const H = 60 * MIN;
const DAY = 24 * H;
/** Paid on 2026-03-01 00:00 in Taipei. */
const PAID = Date.parse('2026-03-01T00:00:00+08:00');
const iso = (ms: number): string => formatInstant(ms);

interface Rule {
  id: string;
  outcome: string;
  measured: string;
  limit: string;
}

describe('refund checks over HTTP', () => {
  let test: TestStore;
  let app: FastifyInstance;

  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const check = async (vm: string, atMs: number, terms?: unknown): Promise<ApiAnswer['body']> => {
    const answer = await call('POST', '/v1/refund-checks', { vm, at: iso(atMs), ...(terms === undefined ? {} : { terms }) });
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  };
  const ruleOf = (body: ApiAnswer['body'], id: string) => (body['clauses'] as Rule[]).find((rule) => rule.id === id);
  const putVm = async (vm: string, terms: string | null, change: object = {}) => {
    const answer = await call('PUT', `/v1/vms/${vm}`, {
      account: 'a1',
      terms,
      plans: [{ plan: 'p1', from: iso(PAID) }],
      starts_at: iso(PAID),
      paid_at: iso(PAID),
      paid_until: '2026-04-01T00:00:00+08:00',
      paid_amount: '300.00',
      ...change,
    });
    expect(answer.status, answer.text).toBe(200);
  };
  /** Rows as the aggregator stores them: metered from PAID up to `toMs`, with outages and traffic. */
  const meter = async (
    vm: string,
    toMs: number,
    outages: readonly { from: number; to: number | null; cause?: Parameters<typeof conditionCode>[0] }[] = [],
    traffic: readonly [minuteMs: number, rx: bigint, tx: bigint][] = [],
  ) => {
    for (const minute of [PAID, toMs - MIN])
      await test.store.command(
        `INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', toDateTime(${minute / 1000}, 'UTC'), 60000, 1)`,
      );
    for (const { from, to, cause = 'provider' } of outages) {
      await test.store.command(
        `INSERT INTO outages (vm, start_at, end_at, condition, withdrawn, version) VALUES
         ('${vm}', fromUnixTimestamp64Milli(toInt64(${from})), fromUnixTimestamp64Milli(toInt64(${to ?? 0})), ${conditionCode(cause)}, 0, 1)`,
      );
    }
    for (const [minute, rx, tx] of traffic) {
      await test.store.command(
        `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', 'eth0', toDateTime(${minute / 1000}, 'UTC'), ${rx}, ${tx}, 1)`,
      );
    }
    for (const [i, ts] of [PAID, PAID + MIN, toMs - MIN].entries()) {
      await test.store.command(
        `INSERT INTO samples (vm, nic, ts, pos, condition, has_counters, epoch, rx_bytes, tx_bytes, agent)
         VALUES ('${vm}', 'eth0', fromUnixTimestamp64Milli(toInt64(${ts})), ${i}, 0, 1, 0, 0, 0, 'h1')`,
      );
    }
  };

  beforeAll(async () => {
    test = await openTestStore();
    const catalog = await openCatalog(test.store, () => PAID);
    app = await serverOn(test.store, catalog, {
      constants: { stalenessMs: 90_000, latenessMs: 120_000, linkLimitBps: 1n, retentionDays: 90, clock: 'event' },
      now: () => PAID + 2 * H,
    });
    const plan = { currency: 'CNY', time_zone: 'Asia/Taipei', price: { amount: '310.00', per: 'month' } };
    await call('PUT', '/v1/plans/p1', plan);
    await call('PUT', '/v1/plans/fee', { ...plan, refund_handling_fee: '12.50', terms: 'cstserver-2022' });
    await call('PUT', '/v1/accounts/a1', { name: 'A', currency: 'CNY' });
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('cstserver-2022: 10 GB less a byte, 10 GB, and a byte more', async () => {
    for (const [vm, tx, decision] of [
      ['g-', 4_999_999_999n, 'eligible'],
      ['g0', 5_000_000_000n, 'eligible'],
      ['g+', 5_000_000_001n, 'not_eligible'],
    ] as const) {
      const name = vm.replace('+', 'p');
      await putVm(name, 'cstserver-2022');
      await meter(
        name,
        PAID + 3 * H,
        [],
        [
          [PAID, 5_000_000_000n, 0n],
          [PAID + H, 0n, tx],
          [PAID + 3 * H, 10n ** 12n, 0n],
        ],
      );
      const answer = await check(name, PAID + 2 * H);
      const bytes = Number(5_000_000_000n + tx);
      expect(answer).toMatchObject({
        vm: name,
        at: iso(PAID + 2 * H),
        terms: 'cstserver-2022',
        terms_version: 1,
        what_if: false,
        decision,
        ...(decision === 'eligible' ? { ground: 'one-day', amount: '300.00' } : { ground: null, amount: null }),
        currency: 'CNY',
        destination: 'balance',
        evidence: { from: iso(PAID), to: iso(PAID + 2 * H), samples: 2, outages: [], traffic_bytes: bytes },
        recorded_by: 'admin#bootstrap',
      });
      expect(ruleOf(answer, 'traffic-10g')).toMatchObject({
        outcome: decision === 'eligible' ? 'pass' : 'fail',
        measured: `${bytes} bytes`,
        limit: 'more than 10000000000 bytes',
      });
    }
  });

  it("cstserver-2022 through the plan's terms, less the plan's handling fee", async () => {
    await putVm('fee', null, { plans: [{ plan: 'fee', from: iso(PAID) }] });
    await meter('fee', PAID + 3 * H);
    expect(await check('fee', PAID + H)).toMatchObject({
      decision: 'eligible',
      amount: '287.50',
      calculation: { basis: 'full', paid_amount: '300.00', handling_fee: '12.50' },
    });
  });

  it('cmivps-2019: 12 h less a minute and 12 h and a minute after payment', async () => {
    await putVm('c1', 'cmivps-2019');
    await meter('c1', PAID + DAY, [{ from: PAID + H, to: PAID + H + 30_000 }]);
    expect(await check('c1', PAID + 12 * H - MIN)).toMatchObject({
      decision: 'eligible',
      ground: 'failure-12h',
      amount: '300.00',
    });
    const late = await check('c1', PAID + 12 * H + MIN);
    expect(late).toMatchObject({ decision: 'not_eligible', amount: null });
    expect(ruleOf(late, 'after-12h')).toMatchObject({
      outcome: 'fail',
      measured: '12 h 1 min since the payment',
      only: ['failure-12h'],
    });
    expect(late['evidence']).toMatchObject({
      outages: [{ start: iso(PAID + H), end: iso(PAID + H + 30_000), cause: 'provider', duration_ms: 30_000 }],
    });
  });

  it.each([
    ['24 h less a millisecond', DAY - 1, 'not_eligible', null],
    ['24 h', DAY, 'not_eligible', null],
    ['24 h and a millisecond', DAY + 1, 'eligible', '101.61'],
    ['25 h', 25 * H, 'eligible', '101.61'],
  ])('ipcats: a failure of %s', async (_, ms, decision, amount) => {
    const vm = `i${ms}`;
    await putVm(vm, 'ipcats');
    await meter(vm, PAID + 21 * DAY, [{ from: PAID + H, to: PAID + H + ms }]);
    // 10 days and 12 hours of 31 days are left: 300 × 10.5 / 31 = 101.6129…
    expect(await check(vm, PAID + 20.5 * DAY)).toMatchObject({ decision, amount });
  });

  it('an event decides from its instant on, until it is withdrawn', async () => {
    await putVm('e1', 'ipcats');
    await meter('e1', PAID + 21 * DAY, [{ from: PAID, to: PAID + 25 * H }]);
    const dispute = await call('POST', '/v1/vms/e1/events', { at: iso(PAID + 2 * DAY), kind: 'dispute', note: 'chargeback 17' });
    expect(dispute).toMatchObject({
      status: 201,
      body: { vm: 'e1', kind: 'dispute', note: 'chargeback 17', amount: null, recorded_by: 'admin#bootstrap' },
    });
    expect(await check('e1', PAID + 2 * DAY - 1)).toMatchObject({ decision: 'eligible' });
    const barred = await check('e1', PAID + 2 * DAY);
    expect([barred['decision'], ruleOf(barred, 'dispute')?.outcome]).toEqual(['not_eligible', 'fail']);
    expect((await call('DELETE', `/v1/vms/e1/events/${String(dispute.body['id'])}`)).status).toBe(204);
    expect(await check('e1', PAID + 2 * DAY)).toMatchObject({ decision: 'eligible' });
    expect((await call('GET', '/v1/vms/e1/events')).body).toMatchObject({
      vm: 'e1',
      rows: [{ kind: 'dispute', withdrawn: true }],
    });
  });

  it('three refunds of a customer bar the fourth, whichever VMs they were for, and what was refunded before is no longer there', async () => {
    await call('PUT', '/v1/accounts/a3', { name: 'A', currency: 'CNY' });
    for (const vm of ['r1', 'r2']) await putVm(vm, 'ipcats', { account: 'a3' });
    await meter('r1', PAID + 21 * DAY, [{ from: PAID, to: PAID + 25 * H }]);
    const refund = (vm: string) => call('POST', `/v1/vms/${vm}/events`, { at: iso(PAID + DAY), kind: 'refund', amount: '70.00' });
    await refund('r1');
    // 29 days are left: 280.64…, of which 70 went back already.
    expect(await check('r1', PAID + 2 * DAY)).toMatchObject({ decision: 'eligible', amount: '210.65' });
    await refund('r2');
    await refund('r2');
    const barred = await check('r1', PAID + 2 * DAY);
    expect(barred).toMatchObject({
      decision: 'not_eligible',
      facts: { events: [{ kind: 'refund' }], account_events: [{ vm: 'r2' }, { vm: 'r2' }] },
    });
    expect(ruleOf(barred, 'three-refunds')).toMatchObject({ outcome: 'fail', measured: '3 refund recorded on the account' });
  });

  it('a force majeure incident turns a ground off, and on again once it is withdrawn', async () => {
    await putVm('f1', 'ipcats');
    await meter('f1', PAID + 21 * DAY, [{ from: PAID, to: PAID + 25 * H }]);
    const incident = await call('POST', '/v1/incidents', {
      scope: { vms: ['f1'] },
      from: iso(PAID),
      to: iso(PAID + 2 * DAY),
      cause: 'force_majeure',
      note: 'typhoon',
    });
    expect(incident.status, incident.text).toBeLessThan(300);
    const off = await check('f1', PAID + 3 * DAY);
    expect(off).toMatchObject({
      decision: 'not_eligible',
      evidence: { outages: [{ cause: 'force_majeure', duration_ms: 25 * H }] },
    });
    expect(ruleOf(off, 'failure-24h')?.measured).toBe('longest provider outage 0 s; longest of other causes 25 h');
    await call('DELETE', `/v1/incidents/${String(incident.body['id'])}`);
    expect(await check('f1', PAID + 3 * DAY)).toMatchObject({ decision: 'eligible', ground: 'failure-24h' });
  });

  it('internet-service and cloud-server-zh refund nothing, whatever failed', async () => {
    for (const terms of ['internet-service', 'cloud-server-zh']) {
      expect(await check('f1', PAID + 3 * DAY, terms)).toMatchObject({ decision: 'not_eligible', terms, what_if: true });
    }
  });

  it('what if: other terms by name, or a sheet given whole', async () => {
    const kept = await check('f1', PAID + H, 'cstserver-2022');
    expect(kept).toMatchObject({ decision: 'eligible', what_if: true });
    const sheet = JSON.parse(JSON.stringify(kept['sheet']).replaceAll('"24h"', '"30min"')) as object;
    expect(await check('f1', PAID + H, sheet)).toMatchObject({ decision: 'not_eligible', what_if: true });
    const wrong = await call('POST', '/v1/refund-checks', {
      vm: 'f1',
      terms: { ...sheet, credit: { kind: 'none', clause: 'zz' } },
    });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_body', errors: [{ field: 'terms.credit.clause' }, {}] } });
  });

  it('a VM that never reported needs a review, but not where that decides nothing', async () => {
    await putVm('u1', 'cstserver-2022');
    const open = await check('u1', PAID + H);
    expect(open).toMatchObject({ decision: 'needs_review', amount: null, evidence: { samples: 0, traffic_bytes: null } });
    expect(ruleOf(open, 'traffic-10g')?.outcome).toBe('unknown');
    expect(await check('u1', PAID + DAY + 1)).toMatchObject({ decision: 'not_eligible' });
  });

  it('before it was paid there is nothing to give back, whatever failed by then', async () => {
    await putVm('early', 'ipcats', { paid_at: iso(PAID + 40 * H) });
    await meter('early', PAID + 60 * H, [{ from: PAID + H, to: PAID + 50 * H }]);
    const before = await check('early', PAID + 30 * H);
    expect(before).toMatchObject({
      decision: 'not_eligible',
      amount: null,
      calculation: null,
      reason: 'failure-24h applies, but nothing had been paid by then',
      evidence: { from: iso(PAID + 30 * H), to: iso(PAID + 30 * H), samples: 0 },
    });
    expect(await check('early', PAID + 41 * H)).toMatchObject({ decision: 'eligible', ground: 'failure-24h' });
  });

  it('before its service began, and of a day long before anything is known, a check answers and gives nothing', async () => {
    const early = await check('g0', PAID - 7 * DAY);
    expect(early).toMatchObject({ decision: 'not_eligible', amount: null, evidence: { samples: 0, outages_total: 0 } });
    expect(ruleOf(early, 'one-day')).toMatchObject({ outcome: 'fail', measured: expect.stringContaining('before the payment') as unknown }); // prettier-ignore
  });

  it('nobody paid: a ground that hangs on the payment needs a person, one that a bar takes away does not', async () => {
    await putVm('n1', 'cstserver-2022', { paid_at: null, paid_until: null, paid_amount: null });
    await meter('n1', PAID + 3 * H);
    const open = await check('n1', PAID + H);
    expect(open).toMatchObject({ decision: 'needs_review', reason: 'whether one-day applies hangs on what is not known' });
    expect(ruleOf(open, 'one-day')).toMatchObject({ outcome: 'unknown', measured: 'unknown: no payment is recorded' });
    await call('POST', '/v1/vms/n1/events', { at: iso(PAID), kind: 'harm' });
    expect(await check('n1', PAID + H)).toMatchObject({ decision: 'not_eligible' });
    // Paid, but nobody said how much: the ground holds, its worth is not known.
    await putVm('n2', 'cstserver-2022', { paid_amount: null });
    await meter('n2', PAID + 3 * H);
    expect(await check('n2', PAID + H)).toMatchObject({ decision: 'needs_review', reason: expect.stringContaining("can't be computed") as unknown }); // prettier-ignore
  });

  it('every rule says what was measured, the limit, the clause and the outcome', async () => {
    for (const terms of ['ipcats', 'cmivps-2019', 'cstserver-2022', 'internet-service', 'cloud-server-zh']) {
      const answer = await check('g0', PAID + H, terms);
      const sheet = answer['sheet'] as { refund: { grounds: unknown[]; bars: unknown[]; otherwise?: string } };
      const { grounds, bars, otherwise } = sheet.refund;
      const rules = answer['clauses'] as (Rule & { clause: string })[];
      expect(rules).toHaveLength(grounds.length + bars.length + (otherwise === undefined ? 0 : 1));
      for (const rule of rules) {
        expect(['pass', 'fail', 'unknown']).toContain(rule.outcome);
        for (const text of [rule.measured, rule.limit, rule.clause]) expect(text).not.toBe('');
      }
    }
  });

  it('a payment event stands in for what the entry does not say', async () => {
    await putVm('p1', 'cstserver-2022', { paid_at: null, paid_amount: null });
    await meter('p1', PAID + 3 * H);
    expect(await check('p1', PAID + H)).toMatchObject({ decision: 'needs_review' });
    await call('POST', '/v1/vms/p1/events', { at: iso(PAID), kind: 'payment', amount: '88.00' });
    expect(await check('p1', PAID + H)).toMatchObject({ decision: 'eligible', amount: '88.00' });
  });

  it('what was answered is kept to the letter, whatever changes afterwards', async () => {
    const answer = await call('POST', '/v1/refund-checks', { vm: 'g0' });
    expect(answer.body).toMatchObject({ at: iso(PAID + 2 * H), facts: { paid_at: iso(PAID), paid_nanos: 300_000_000_000 } });
    await call('POST', '/v1/vms/g0/events', { at: iso(PAID), kind: 'harm' });
    expect((await call('GET', `/v1/refund-checks/${String(answer.body['id'])}`)).text).toBe(answer.text);
    expect((await call('POST', '/v1/refund-checks', { vm: 'g0' })).body).toMatchObject({ decision: 'not_eligible' });
  });

  it.each([
    ['POST', '/v1/refund-checks', { vm: 'nobody' }, 404, 'vm_unknown'],
    ['POST', '/v1/refund-checks', { vm: 'g0', terms: 'zz' }, 404, 'terms_unknown'],
    ['POST', '/v1/refund-checks', { vm: 'g0', at: 'yesterday' }, 400, 'invalid_body'],
    ['GET', '/v1/refund-checks/zz', undefined, 404, 'refund_check_unknown'],
    ['POST', '/v1/vms/nobody/events', { at: 0, kind: 'abuse' }, 404, 'vm_unknown'],
    ['POST', '/v1/vms/g0/events', { at: 0, kind: 'party' }, 400, 'invalid_body'],
    ['POST', '/v1/vms/g0/events', { at: 0, kind: 'refund', amount: '1.001' }, 422, 'invalid_reference'],
    ['DELETE', '/v1/vms/g0/events/zz', undefined, 404, 'event_unknown'],
  ] as const)('%s %s with %j is a %i %s', async (method, url, body, status, code) => {
    expect(await call(method, url, body)).toMatchObject({ status, body: { code } });
  });

  it('terms are listed and shown, and a plan or VM may name no others', async () => {
    const { rows } = (await call('GET', '/v1/terms')).body as { rows: { id: string }[] };
    expect(rows.map((row) => row.id)).toEqual(['cloud-server-zh', 'cmivps-2019', 'cstserver-2022', 'internet-service', 'ipcats']);
    expect((await call('GET', '/v1/terms/ipcats')).body).toMatchObject({ id: 'ipcats', versions: [{ version: 1, refund: {} }] });
    expect(await call('GET', '/v1/terms/zz')).toMatchObject({ status: 404, body: { code: 'terms_unknown' } });
    const plan = { currency: 'CNY', time_zone: 'UTC', price: { amount: '1', per: 'day' }, terms: 'zz' };
    for (const [url, body] of [
      ['/v1/plans/zz', plan],
      ['/v1/vms/zz', { account: 'a1', terms: 'zz' }],
    ] as const)
      expect(await call('PUT', url, body)).toMatchObject({
        status: 422,
        body: { code: 'invalid_reference', errors: [{ field: 'terms' }] },
      });
  });

  it('a VM without terms is asked to name some', async () => {
    await putVm('t1', null);
    expect(await call('POST', '/v1/refund-checks', { vm: 't1' })).toMatchObject({
      status: 422,
      body: { errors: [{ field: 'terms' }] },
    });
  });

  it('the calls are described', async () => {
    const paths = (await call('GET', '/openapi.json')).body['paths'] as Record<string, object>;
    expect(
      [paths['/v1/refund-checks'], paths['/v1/refund-checks/{id}'], paths['/v1/vms/{vm}/events']].map((each) =>
        Object.keys(each ?? {}),
      ),
    ).toEqual([['post', 'get'], ['get'], ['post', 'get']]);
  });
});
