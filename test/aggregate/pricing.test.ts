import { beforeEach, describe, expect, it } from 'vitest';
import { Pricing } from '../../src/aggregate/pricing.ts';
import type { Store } from '../../src/store/store.ts';

/** Minute rows are priced again only where a minute is worth something else. */
const PLAN = { currency: 'CNY', time_zone: 'UTC', price: { amount: '30.00', per: 'month' }, creditable: ['provider', 'silent'] };

describe('what a change of the catalog prices again', () => {
  let rows: object[] = [];
  let seq = 0;
  const pricing = new Pricing({ rows: () => Promise.resolve(rows.splice(0)) } as unknown as Store);
  const recorded = (kind: 'plan' | 'vm', name: string, body: object): void => {
    rows.push({ kind, name, n: '1', last: String((seq += 1)), at: '0', by: 'test', latest: JSON.stringify(body) });
  };
  const repriced = async (kind: 'plan' | 'vm', name: string, body: object): Promise<string[]> => {
    recorded(kind, name, body);
    const { vms, changed, seq: reached } = await pricing.refresh();
    expect([changed, reached]).toEqual([vms.size > 0, BigInt(seq)]);
    return [...vms];
  };

  beforeEach(async () => {
    rows = [];
    recorded('plan', 'p', PLAN);
    recorded('plan', 'q', PLAN);
    recorded('vm', 'v', [{ plan: 'p', from: 0 }]);
    await pricing.refresh();
  });

  it.each([
    ['its terms', { terms: 'internet-service' }],
    ['its traffic', { traffic: { counting: 'sum', tiers: [{ up_to: null, price: '1' }] } }],
    ['what is kept back of a refund', { refund_handling_fee: '1.00' }],
    ['the order of its causes', { creditable: ['silent', 'provider'] }],
    ['how its price is written', { price: { amount: '30', per: 'month' } }],
  ])('is nothing where %s alone is another', async (_, change) => {
    expect(await repriced('plan', 'p', { ...PLAN, ...change })).toEqual([]);
  });

  it.each([
    ['its price', { price: { amount: '30.01', per: 'month' } }],
    ['what that is per', { price: { amount: '30.00', per: 'day' } }],
    ['its zone', { time_zone: 'Asia/Tokyo' }],
    ['its causes', { creditable: ['provider'] }],
  ])('is the VMs on a plan where %s is another', async (_, change) => {
    expect(await repriced('plan', 'p', { ...PLAN, ...change })).toEqual(['v']);
    expect(await repriced('plan', 'p', PLAN)).toEqual(['v']);
  });

  it('is a VM where its plans are others, and not where anything else of it is', async () => {
    expect(await repriced('vm', 'v', [{ plan: 'p', from: 0 }])).toEqual([]);
    expect(await repriced('vm', 'v', [{ plan: 'q', from: 0 }])).toEqual(['v']);
    expect(await repriced('vm', 'v', [{ plan: 'q', from: 1 }])).toEqual(['v']);
  });
});
