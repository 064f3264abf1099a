import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Uptally } from '../../src/client/index.ts';
import { ADMIN, callOf, doneOf, openCatalog, serverOn } from '../support/api.ts';
import { runCli } from '../support/fake-cli.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

/** The price list: what a plan asks for and what its terms charge besides, in three languages and three forms. */
interface Line {
  item: string;
  price: string;
  notes: string[];
}
interface List {
  plans: { id: string; lines: Line[] }[];
  terms: { id: string; fees: { event: string | null; words: Line }[] }[];
}
const GB = 1_000_000_000;
const CNY = { currency: 'CNY', time_zone: 'Asia/Taipei' };
const PLANS = {
  large: {
    ...{ ...CNY, title: 'Large', price: { amount: '1310.00', per: 'month' }, terms: 'internet-service' },
    ...{ minimum: '100.00', maximum: '9000.00', flat: '5.00', setup: '50.00' },
    traffic: {
      ...{ counting: 'sum', included_bytes: 2500 * GB, round_up: true },
      tiers: [
        { up_to: 500, price: '0.10' },
        { up_to: 2000, price: '0.05' },
        { up_to: null, price: '0.02' },
      ],
      classes: [
        { name: 'private', nics: ['priv*', 'lo'], counting: 'sum', tiers: [{ up_to: null, price: '0' }] },
        { name: 'burst', nics: ['*-b'], counting: 'p95', price_per_mbps: '8.00' },
      ],
    },
  },
  small: {
    ...{ ...CNY, title: 'Small', price: { amount: '0.05', per: 'hour' }, terms: 'cstserver-2022', refund_handling_fee: '5.00' },
    traffic: {
      ...{ counting: 'out', unit_bytes: 2 ** 30, mode: 'volume' },
      tiers: [
        { up_to: 100, price: '0.20' },
        { up_to: null, price: '0.10' },
      ],
    },
  },
  yen: { currency: 'JPY', time_zone: 'Asia/Tokyo', price: { amount: '1200', per: 'day' } },
};

describe('the price list', () => {
  let test: TestStore;
  let app: FastifyInstance;
  const call = (...given: Parameters<ReturnType<typeof callOf>>) => callOf(app)(...given);
  const list = async (query = ''): Promise<List> => doneOf(() => app)<List>('GET', `/v1/price-list${query}`);
  const lines = (of: readonly Line[]): string[] => of.map(({ item, price, notes }) => [item, price, ...notes].join(' | '));

  beforeAll(async () => {
    test = await openTestStore();
    app = await serverOn(test.store, await openCatalog(test.store, () => Date.parse('2026-05-01T00:00:00Z')), {
      issuer: { name: 'Example Hosting Ltd', address: '1 Example Road\nTaipei', email: 'sales@hosting.example' },
      now: () => Date.parse('2026-05-01T00:00:00Z'),
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    for (const [id, plan] of Object.entries(PLANS)) await doneOf(() => app)('PUT', `/v1/plans/${id}`, plan);
  });
  afterAll(async () => {
    await app.close();
    await test.remove();
  });

  it('says all that each plan asks for', async () => {
    const { plans } = await list();
    expect(plans.map(({ id }) => id)).toEqual(['large', 'small', 'yen']);
    const [large, small, yen] = plans.map((plan) => lines(plan.lines));
    expect(large).toEqual([
      'Service | 1,310.00 / month',
      'Traffic (received + sent); up to 500 GB | 0.10 / GB | 2,500 GB included in each billing period | A unit that was begun counts as a whole one.',
      'Traffic (received + sent); from 500 to 2,000 GB | 0.05 / GB',
      'Traffic (received + sent); beyond 2,000 GB | 0.02 / GB',
      'Traffic “private” (received + sent) | free | Interfaces priv*, lo',
      'Bandwidth “burst”, 95th percentile of slots of five minutes | 8.00 / Mbit/s | Interfaces *-b',
      'Flat sum | 5.00 / period',
      'Minimum of service, traffic and flat sum | 100.00 / period',
      'Maximum of service, traffic and flat sum | 9,000.00 / period',
      'Set-up | 50.00 once',
    ]);
    expect(small).toEqual([
      'Service | 0.05 / hour',
      'Traffic (sent); all, if at most 100 GiB | 0.20 / GiB',
      'Traffic (sent); all, if more than 100 GiB | 0.10 / GiB',
      'Handling fee kept back from a refund, where the terms say so | 5.00',
    ]);
    expect(yen).toEqual(['Service | 1,200 / day']);
  });

  it('says what the terms of the plans charge, by which clause, in the language that is asked for', async () => {
    const feesIn = async (language: string): Promise<string[]> =>
      (await list(`?language=${language}`)).terms.flatMap(({ fees }) =>
        fees.map(({ words }) => [words.item, words.price].join(': ')),
      );
    expect(await feesIn('en')).toEqual(['IP address replaced: 15.00 CNY each', 'Late fee on what is overdue: 0.3 % / day']);
    expect(await feesIn('zh-TW')).toEqual(['更換 IP 位址: 每次 15.00 CNY', '逾期款項之滯納金: 每日 0.3 %']);
    expect((await feesIn('zh-CN'))[1]).toBe('逾期款项的滞纳金: 每日 0.3 %');
    const [terms] = (await list('?language=zh-CN')).terms;
    expect(terms?.fees[0]?.words.notes).toHaveLength(2);
  });

  it('is narrowed by plan and currency', async () => {
    expect((await list('?currency=JPY')).plans.map(({ id }) => id)).toEqual(['yen']);
    expect((await list('?plans=yen,large')).plans.map(({ id }) => id)).toEqual(['large', 'yen']);
    expect(await call('GET', '/v1/price-list?plans=nobody')).toMatchObject({ status: 400 });
    expect(await call('GET', '/v1/price-list?plans=,')).toMatchObject({ status: 400 });
    expect(await call('GET', '/v1/price-list?language=x%3Cy')).toMatchObject({ status: 400 });
  });

  it('is a page and a file, in each language', async () => {
    for (const [language, title] of [
      ['en', 'Price list'],
      ['zh-TW', '價目表'],
      ['zh-CN', '价目表'],
    ] as const) {
      const html = await app.inject({ url: `/v1/price-list?language=${language}`, headers: { accept: 'text/html', authorization: `Bearer ${ADMIN}` } }); // prettier-ignore
      expect(html.body).toContain(title);
      expect(html.headers['content-security-policy']).toContain("default-src 'none'");
      const pdf = await app.inject({ url: `/v1/price-list?language=${language}`, headers: { accept: 'application/pdf', authorization: `Bearer ${ADMIN}` } }); // prettier-ignore
      expect(pdf.rawPayload.subarray(0, 5).toString()).toBe('%PDF-');
    }
  });

  it('is what uptally price-list and the client say', async () => {
    const { port } = app.server.address() as AddressInfo;
    const server = `http://127.0.0.1:${port}`;
    const env = { UPTALLY_SERVER: server, UPTALLY_KEY: ADMIN };
    const table = await runCli(['price-list', '--plans', 'small,yen'], { env });
    expect(table.code, table.err).toBe(0);
    expect(table.out).toMatch(/^Small \(small\), CNY/);
    expect(table.out).toMatch(/^ {2}Service +1,200 \/ day$/m);
    expect((await runCli(['price-list', '--json', '--pdf', 'x.pdf'], { env })).code).toBe(2);
    const uptally = new Uptally({ server, key: ADMIN });
    const asked = { language: 'zh-TW', plans: ['yen'] };
    expect((await uptally.prices.list(asked)).plans[0]?.lines).toEqual([{ item: '服務費', price: '1,200 / 天', notes: [] }]);
    expect(
      Buffer.from(await uptally.prices.document('pdf', asked))
        .subarray(0, 5)
        .toString(),
    ).toBe('%PDF-');
    await uptally.close();
  });
});
