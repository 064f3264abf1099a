import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDocument, sha256 } from '../../src/verify/document.ts';
import { callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** Traffic classes (SPEC §6a): interfaces by pattern, each class with its own counting, allowance and price, a line each. Figures worked by hand. */
const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };
const GB = 1_000_000_000;
const tiers = (price: string) => [{ up_to: null, price }];
const TRAFFIC = {
  counting: 'sum',
  tiers: tiers('0.10'),
  classes: [
    { name: 'private', nics: ['priv*', 'lo'], counting: 'sum', tiers: tiers('0') },
    { name: 'peering', nics: ['ix*', 'priv-ix'], counting: 'out', included_bytes: 5 * GB, tiers: tiers('0.02') },
    { name: 'burst', nics: ['*-burst'], counting: 'p95', price_per_mbps: '8.00' },
  ],
};

interface Line {
  kind: string;
  description: string;
  amount: string;
  detail: { class?: string; counted_bytes?: number };
}

describe('traffic by class of interface', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const done = doneOf(() => app);
  const plan = (traffic: object) => ({ currency: 'CNY', time_zone: 'UTC', price: { amount: '31.00', per: 'month' }, traffic });
  const moved = (vm: string, nic: string, minute: string, rx: number, tx: number): Promise<void> =>
    test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version) VALUES ('${vm}', '${nic}', '${minute}', ${rx}, ${tx}, 1)`,
    );
  const preview = async (account: string): Promise<string[]> =>
    (await done<{ lines: Line[] }>('POST', '/v1/invoices', { account, ...MARCH, mode: 'preview' })).lines
      .filter(({ kind }) => kind === 'traffic')
      .map(({ description, amount }) => `${description}: ${amount}`);

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => Date.parse('2026-05-01T00:00:00Z')), {
      issuer: { name: 'Example Hosting' },
    });
    await done('PUT', '/v1/plans/p', plan(TRAFFIC));
    await done('PUT', '/v1/plans/q', plan({ ...TRAFFIC, classes: TRAFFIC.classes.slice(1, 2) }));
    for (const id of ['a', 'b']) await done('PUT', `/v1/accounts/${id}`, { name: id, currency: 'CNY' });
    await done('PUT', '/v1/vms/v1', { account: 'a', starts_at: MARCH.from, plans: [{ plan: 'p', from: MARCH.from }] });
    await done('PUT', '/v1/vms/v2', {
      ...{ account: 'b', starts_at: MARCH.from, nics: ['eth0', 'ix0'] },
      plans: [{ plan: 'p', from: MARCH.from }, { plan: 'q', from: '2026-03-11T00:00:00Z' }],
    }); // prettier-ignore
    for (const vm of ['v1', 'v2'])
      for (const minute of ['2026-03-01 00:00:00', '2026-03-31 23:59:00'])
        await test.store.command(`INSERT INTO uptime (vm, minute, up_ms, version) VALUES ('${vm}', '${minute}', 60000, 1)`);
    for (const [nic, rx, tx] of [['eth0', 4, 6], ['priv0', 50, 50], ['lo', 1, 1], ['ix0', 7, 20], ['priv-ix', 3, 3], ['eth9-burst', 9, 9]] as const)
      await moved('v1', nic, '2026-03-05 00:00:00', rx * GB, tx * GB); // prettier-ignore
    // a megabit a second for a slot of five minutes, in 500 of the 8,928 slots: the one of rank 8,482 holds it
    await test.store.command(
      `INSERT INTO traffic (vm, nic, minute, rx_bytes, tx_bytes, version)
       SELECT 'v1', 'eth1-burst', toDateTime('2026-03-10 00:00:00', 'UTC') + number * 300, 37500000, 0, 1 FROM numbers(500)`,
    );
    for (const [nic, minute, tx] of [['eth0', '2026-03-05 00:00:00', 10], ['ix0', '2026-03-05 00:00:00', 31], ['ix0', '2026-03-20 00:00:00', 62], ['priv0', '2026-03-20 00:00:00', 99]] as const)
      await moved('v2', nic, minute, 0, tx * GB); // prettier-ignore
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('an interface belongs to the first class that names it, and what none names costs as the plan says', async () => {
    expect(await preview('a')).toEqual([
      'Traffic (received + sent), plan p: 1.00',
      'Traffic (received + sent), plan p, class private: 0.00',
      // 20 GB sent, of which 5 are included; priv-ix is private, which stands before
      'Traffic (sent), plan p, class peering: 0.30',
      '95th percentile (received + sent), plan p, class burst: 8.00',
    ]);
  });

  it('where the plan changes each class of each has its share of what is included', async () => {
    // p was on for 10 of 31 days, q for 21: 5/31 GB included a day
    expect((await preview('b')).filter((line) => line.includes('peering'))).toEqual([
      'Traffic (sent), plan p, class peering: 0.59',
      'Traffic (sent), plan q, class peering: 1.17',
    ]);
    expect((await preview('b')).filter((line) => line.startsWith('Traffic (received + sent), plan p:'))).toEqual([
      'Traffic (received + sent), plan p: 1.00',
    ]);
  });

  it('a final invoice has its classes in its evidence, from which its lines come out again', async () => {
    for (const account of ['a', 'b']) {
      const draft = await done<{ id: string }>('POST', '/v1/invoices', { account, ...MARCH, mode: 'draft' });
      await done('POST', `/v1/invoices/${draft.id}/finalize`);
      const text = async (part: string): Promise<string> =>
        (await callOf(app)('GET', `/v1/invoices/${draft.id}?part=${part}`)).text;
      const [content, evidence] = [await text('content'), await text('evidence')];
      const checked = checkDocument({ content, evidence, sha256: { content: sha256(content), evidence: sha256(evidence) } });
      expect(checked.derived).toBe(checked.content.lines.length);
    }
  });

  it.each([
    ['two of one name', [TRAFFIC.classes[0], TRAFFIC.classes[0]], /two of the same name/],
    ['a pattern of other characters', [{ ...TRAFFIC.classes[0], nics: ['eth[0-9]'] }], /1 to 64 characters/],
    ['no pattern', [{ ...TRAFFIC.classes[0], nics: [] }], /nics/],
    ['a class within a class', [{ ...TRAFFIC.classes[0], classes: TRAFFIC.classes }], /classes/],
  ])('%s is refused', async (_, classes, message) => {
    const answer = await callOf(app)('PUT', '/v1/plans/x', plan({ ...TRAFFIC, classes }));
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(message);
  });
});
