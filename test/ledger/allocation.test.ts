import { describe, expect, it } from 'vitest';
import { allocate, type Claim, type Fund } from '../../src/ledger/allocation.ts';
import { below, pick, type Random, randomOf, shuffled } from '../support/random.ts';

/** Claims as `instant principal due [late fee]`, money as `instant amount [what it covers]`; amounts are whole nanos. */
type ClaimRow = readonly [atMs: number, principal: bigint, dueAtMs: number, fee?: bigint, more?: Partial<Claim>];
type FundRow = readonly [atMs: number, amount: bigint, covers?: Fund['covers']];
const claim = ([atMs, principalNanos, dueAtMs, feeNanos = 0n, more = {}]: ClaimRow, i: number): Claim => ({
  ...{ id: `c${i}`, atMs, dueAtMs, principalNanos, feeNanos, fromMs: 0, toMs: 100 },
  ...{ shares: undefined, isAutomatic: true, isDay: true },
  ...more,
});
const fund = ([atMs, amountNanos, covers = null]: FundRow): Fund => ({ atMs, amountNanos, covers });

interface Case {
  name: string;
  claims: readonly ClaimRow[];
  funds: readonly FundRow[];
  /** By due. */
  unpaid: readonly bigint[];
  payments?: readonly (readonly (readonly [number, bigint])[])[];
  free?: bigint;
  kept?: bigint;
}

const TERM = { vm: 'v', fromMs: 10, untilMs: 40 };
const ofV = (nanos: bigint, fromMs: number, toMs: number): Partial<Claim> => ({
  shares: new Map([['v', nanos]]),
  ...{ fromMs, toMs },
});

const CASES: readonly Case[] = [
  { name: 'nothing is owed', claims: [], funds: [[1, 5n]], unpaid: [], free: 5n },
  { name: 'money that is there pays at issue', claims: [[2, 7n, 9]], funds: [[1, 10n]], unpaid: [0n], payments: [[[2, 7n]]], free: 3n }, // prettier-ignore
  { name: 'money after it', claims: [[1, 7n, 9]], funds: [[3, 10n]], unpaid: [0n], payments: [[[3, 7n]]], free: 3n },
  { name: 'a part', claims: [[1, 7n, 9]], funds: [[3, 4n]], unpaid: [3n], payments: [[[3, 4n]]] },
  { name: 'two payments', claims: [[1, 7n, 9]], funds: [[3, 4n], [5, 4n]], unpaid: [0n], payments: [[[3, 4n], [5, 3n]]], free: 1n }, // prettier-ignore
  { name: 'the one due first', claims: [[1, 7n, 20], [2, 5n, 10]], funds: [[3, 6n]], unpaid: [0n, 6n], payments: [[[3, 5n]], [[3, 1n]]] }, // prettier-ignore
  { name: 'what paid a claim stays there when another comes that is due earlier', claims: [[1, 7n, 20], [4, 5n, 10]], funds: [[3, 7n]], unpaid: [5n, 0n], payments: [[], [[3, 7n]]] }, // prettier-ignore
  { name: 'the part that bears a late fee first', claims: [[1, 5n, 9, 2n]], funds: [[3, 5n]], unpaid: [2n], payments: [[[3, 5n]]] }, // prettier-ignore
  { name: 'its late fee afterwards, which is no principal', claims: [[1, 5n, 9, 2n]], funds: [[3, 6n]], unpaid: [1n], payments: [[[3, 5n]]] }, // prettier-ignore
  { name: 'money taken away again', claims: [[1, 7n, 9]], funds: [[2, 7n], [4, -3n]], unpaid: [3n], payments: [[[2, 7n], [4, -3n]]] }, // prettier-ignore
  { name: 'what leaves is taken from what falls due last', claims: [[1, 7n, 9], [1, 5n, 20]], funds: [[2, 12n], [4, -6n]], unpaid: [1n, 5n] }, // prettier-ignore
  { name: 'money that covers a claim pays it, the rest is free', claims: [[1, 7n, 9], [1, 5n, 20]], funds: [[2, 6n, { claim: 'c1' }]], unpaid: [6n, 0n] }, // prettier-ignore
  { name: 'money that covers a claim which is not there yet is kept', claims: [[1, 7n, 9]], funds: [[2, 6n, { claim: 'x' }]], unpaid: [7n], kept: 6n }, // prettier-ignore
  { name: 'money that covers it takes the place of free money', claims: [[1, 7n, 9]], funds: [[2, 7n], [3, 5n, { claim: 'c0' }]], unpaid: [0n], free: 5n, payments: [[[2, 7n]]] }, // prettier-ignore
  { name: 'only money that covers it, where the account asks for that', claims: [[1, 7n, 9, 0n, { isAutomatic: false }], [1, 4n, 20]], funds: [[2, 9n], [3, 5n, { claim: 'c0' }]], unpaid: [2n, 0n], free: 5n }, // prettier-ignore
  { name: 'a term is kept for what is charged of it', claims: [[5, 8n, 9, 0n, { shares: new Map() }], [20, 3n, 30, 0n, ofV(3n, 10, 20)]], funds: [[2, 9n, TERM]], unpaid: [8n, 0n], kept: 6n }, // prettier-ignore
  { name: 'a term that is charged to its end leaves its rest free', claims: [[20, 3n, 30, 0n, ofV(3n, 10, 20)], [41, 5n, 50, 0n, ofV(5n, 20, 40)]], funds: [[2, 9n, TERM]], unpaid: [0n, 0n], free: 1n }, // prettier-ignore
  { name: "a term pays its VM's share only", claims: [[20, 10n, 30, 0n, ofV(4n, 10, 20)]], funds: [[2, 9n, TERM]], unpaid: [6n], kept: 5n }, // prettier-ignore
  { name: 'a part of a term that is freed pays what is due', claims: [[5, 8n, 9, 0n, { shares: new Map() }]], funds: [[2, 9n, TERM], [6, -4n, TERM], [6, 4n]], unpaid: [4n], kept: 5n }, // prettier-ignore
  { name: 'what was paid by the rest of a term that a refund ended, which a later claim of it takes, is due first again', claims: [[12, 45n, 13, 0n, ofV(45n, 0, 10)], [20, 100n, 90, 0n, ofV(80n, 10, 20)]], funds: [[2, 82n, TERM], [3, -31n, { ...TERM, endsMs: 5 }], [3, 31n], [25, 13n]], unpaid: [1n, 49n] }, // prettier-ignore
];

describe('which money pays what', () => {
  it.each(CASES)('$name', ({ claims, funds, unpaid, payments, free = 0n, kept = 0n }) => {
    const found = allocate(claims.map(claim), funds.map(fund));
    expect(found.claims.map((each) => each.unpaidNanos)).toEqual(unpaid);
    if (payments !== undefined)
      expect(found.claims.map((each) => each.payments.map(({ atMs, amountNanos }) => [atMs, amountNanos]))).toEqual(payments);
    expect([found.freeNanos, found.keptNanos]).toEqual([free, kept]);
  });

  it('money that comes later than asked about covers nothing yet', () => {
    const [claims, funds] = [[claim([1, 7n, 9], 0)], [fund([5, 7n])]];
    expect(allocate(claims, funds, 4).claims.map((each) => each.unpaidNanos)).toEqual([7n]);
    expect(allocate(claims, funds, 5).claims.map((each) => each.unpaidNanos)).toEqual([0n]);
  });

  it('in whatever order all was recorded the answer is the same, and no money is made or lost', () => {
    for (let seed = 0; seed < 3000; seed += 1) {
      const random = randomOf(seed);
      const claims = Array.from({ length: below(random, 7) }, (_, i) => randomClaim(random, i));
      const funds = Array.from({ length: below(random, 9) }, () => randomFund(random));
      const found = allocate(claims, funds);
      const again = allocate(shuffled(random, claims), shuffled(random, funds));
      const told = (of: typeof found) => [of.claims.map(({ claim: { id }, ...rest }) => [id, rest]), of.freeNanos, of.keptNanos];
      expect(told(again), `seed ${seed}`).toEqual(told(found));
      const came = funds.reduce((sum, each) => sum + each.amountNanos, 0n);
      const paid = found.claims.reduce((sum, each) => sum + each.paidNanos, 0n);
      expect(paid + found.freeNanos + found.keptNanos, `seed ${seed}`).toBe(came);
      for (const { claim: each, paidNanos, payments } of found.claims) {
        expect(paidNanos >= 0n && paidNanos <= each.principalNanos + each.feeNanos, `seed ${seed}`).toBe(true);
        const covered = payments.reduce((sum, { amountNanos }) => sum + amountNanos, 0n);
        expect(covered, `seed ${seed}`).toBe(paidNanos < each.principalNanos ? paidNanos : each.principalNanos);
      }
    }
  });
});

function randomClaim(random: Random, i: number): Claim {
  const shares = random() < 0.5 ? {} : ofV(BigInt(below(random, 6)), below(random, 30), 30 + below(random, 30));
  const more = { isAutomatic: random() < 0.9, ...shares };
  return claim([below(random, 20), BigInt(1 + below(random, 9)), below(random, 40), BigInt(below(random, 3)), more], i);
}

function randomFund(random: Random): Fund {
  const covers = pick(random, [null, null, { claim: 'c0' }, { claim: 'c1' }, { claim: 'x' }, TERM]);
  return fund([below(random, 40), BigInt(below(random, 14)) - (covers === null ? 4n : 0n), covers]);
}
