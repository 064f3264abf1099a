import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEntries, type Reading } from '../../src/journal/read.ts';
import { insertEntries } from '../../src/journal/append.ts';
import { storedDatedPlans } from '../../src/domain/dated-plans.ts';
import { storedVm, vmBody } from '../../src/catalog/bodies.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

const VM = { account: 'a', plans: [{ plan: 'p', from: 5 }] };
const KEY = { role: 'agent', name: 'k', vms: ['*'], digest: 'a'.repeat(64), revoked: false };
const RECORDED: readonly (readonly [string, string, object])[] = [
  ['key', 'k', KEY],
  ['plan', 'p', { price: 1 }],
  ['account', 'a', { name: 'a' }],
  ['vm', 'v', VM],
  ['vm', 'w', { ...VM, plans: [] }],
  ['plan', 'p', { price: 2 }],
  ['invoice', 'i', { head: { total: 1 }, lines: [1, 2, 3] }],
  ['refund_check', 'r', { clauses: [] }],
  ['vm', 'v', { ...VM, plans: [{ plan: 'p', from: 6 }] }],
];

/** What a process that answers questions keeps, an aggregator, and a door. */
const READINGS = {
  view: {
    ...{ plan: 'whole', account: 'whole', vm: 'whole', key: 'whole', event: 'whole', incident: 'whole' },
    ...{ settlement: 'whole', balance: 'whole', invoice: { member: 'head' }, debit: { member: 'head' } },
  },
  prices: { plan: 'whole', vm: { member: 'plans' } },
  keys: { key: 'whole' },
  nothing: {},
} as const satisfies Record<string, Reading>;

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
  await insertEntries(
    test.store,
    RECORDED.map(([kind, id, body], i): Entry => ({
      kind,
      id,
      seq: BigInt(i + 1),
      recordedAtMs: i,
      recordedBy: 'by',
      body: JSON.stringify(body),
    })),
  );
});
afterAll(() => test.remove());

async function read(reading: Reading, after: bigint, upTo?: bigint, page?: number): Promise<Entry[]> {
  const read: Entry[] = [];
  for await (const entries of readEntries(test.store, reading, after, upTo, page)) read.push(...entries);
  return read;
}

const shown = (entries: readonly Entry[]): string[] => entries.map(({ kind, id, seq, body }) => `${seq} ${kind} ${id} ${body}`);

describe('what was recorded is read back', () => {
  it('in the order it was recorded, the latest of each, heads of documents, nothing of refund checks', async () => {
    expect(shown(await read(READINGS.view, 1n))).toEqual([
      '3 account a {"name":"a"}',
      '5 vm w {"account":"a","plans":[]}',
      '6 plan p {"price":2}',
      '7 invoice i {"total":1}',
      '8 refund_check  ',
      '9 vm v {"account":"a","plans":[{"plan":"p","from":6}]}',
    ]);
  });

  it('for prices: plans and dated plans up to a number, of the rest how far it goes', async () => {
    expect(shown(await read(READINGS.prices, 0n, 8n))).toEqual([
      '1 key  ',
      '3 account  ',
      '4 vm v [{"plan":"p","from":5}]',
      '5 vm w []',
      '6 plan p {"price":2}',
      '7 invoice  ',
      '8 refund_check  ',
    ]);
  });

  it.each(Object.entries(READINGS))('in pages of any size the same in the end (%s)', async (_, reading) => {
    const last = (entries: readonly Entry[]): Map<string, Entry> =>
      new Map(entries.map((each) => [`${each.kind} ${each.id}`, each]));
    const whole = last(await read(reading, 0n));
    for (const page of [1, 2, 4, 9, 10]) {
      const paged = await read(reading, 0n, undefined, page);
      expect(paged.map(({ seq }) => Number(seq))).toEqual(paged.map(({ seq }) => Number(seq)).sort((a, b) => a - b));
      expect(last(paged)).toEqual(whole);
    }
  });
});

it('a process that answers no questions knows the keys and how far the catalog goes, and can write nothing', async () => {
  const catalog = await openCatalogOf({
    store: test.store,
    now: () => 0,
    randomBytes: (size) => new Uint8Array(size),
    keysOnly: true,
  });
  expect(catalog.keys.all().map(({ id }) => id)).toEqual(['k']);
  expect([...catalog.vmIds()]).toEqual([]);
  expect(catalog.lastSeq).toBe(9n);
  expect(catalog.lastPricingSeq).toBe(9n);
  expect(() => catalog.incidents.withdraw('i', 'by')).toThrow(/nothing of the catalog but its keys/);
});

describe("a VM's stored body", () => {
  const whole = vmBody.parse({ ...VM, plans: [...VM.plans, { plan: 'q', from: 3 }], nics: ['eth0'], paid_amount: '1.50' });

  it.each([
    ['as this version records it', whole],
    ['without members, as an earlier one recorded it', VM],
    ['with dated plans in another order', { ...whole, plans: [...whole.plans].reverse() }],
    ['with instants as text', { ...VM, starts_at: '2026-03-01T00:00:00Z' }],
  ])('%s is read as the schema reads it', (_, body) => {
    expect(storedVm(JSON.stringify(body))).toEqual(vmBody.parse(body));
    expect(storedDatedPlans(JSON.stringify(body.plans))).toEqual(vmBody.parse(body).plans);
  });

  it.each([
    ['a member too much', { ...whole, colour: 'red' }],
    ['a plan that is none', { ...whole, plans: [null] }],
    ['no account', { ...whole, account: null }],
    ['an instant that is no number', { ...whole, paid_at: true }],
    ['no object', 1],
  ])('%s is refused', (_, body) => {
    expect(() => storedVm(JSON.stringify(body))).toThrow();
  });
});
