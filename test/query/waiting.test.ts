import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Waiting } from '../../src/aggregate/backlog.ts';
import { readWaiting, waitingAmong, writeDone, writeWaiting } from '../../src/aggregate/waiting-table.ts';
import { refuseWaiting } from '../../src/billing/waiting.ts';
import type { QueryContext } from '../../src/query/context.ts';
import { isRightUntil, loadSpans } from '../../src/query/span.ts';
import { emptyStore } from '../support/product.ts';
import { insertUptime, ms } from '../support/rows.ts';
import { type TestStore, openTestStore } from '../support/store.ts';

let test: TestStore;
let context: QueryContext;
beforeAll(async () => {
  test = await openTestStore();
  const catalog = { endsAtMs: () => null, vmsOf: () => ['v1', 'v2'] } as unknown as QueryContext['catalog'];
  context = { store: test.store, catalog, watermarkMs: () => ms('05:00'), stalenessMs: 0 };
});
afterAll(() => test.remove());
beforeEach(async () => {
  await emptyStore(test.store);
  for (const vm of ['v1', 'v2']) await insertUptime(test.store, vm, '01:00', 60_000, 1);
});

const waiting: Waiting = {
  ...{ vm: 'v1', slot: 0, agent: 'h1', lateMs: Infinity, latePos: undefined, fromMs: ms('00:30'), readMs: undefined },
  ...{ newestMs: ms('02:00'), nics: new Set(['eth0', '']), samples: 3 },
};
const wait = (version: bigint, change: Partial<Waiting> = {}): Promise<void> =>
  writeWaiting(test.store, 0, [{ ...waiting, ...change }], version, () => ms('00:10') + 1234);

describe('a VM that waits for repair', () => {
  it('is known by name, from the minute on that its rows are not right', async () => {
    await wait(5n);
    expect(await waitingAmong(test.store, ['v1', 'v2'])).toEqual(
      new Map([['v1', { vm: 'v1', fromMs: ms('00:30'), newestMs: ms('02:00') }]]),
    );
    const { slot, ...written } = waiting;
    expect(await readWaiting(test.store)).toEqual([written]);
    expect(slot).toBe(0);
  });

  it('waits from its beginning as long as nobody has looked where its repair begins', async () => {
    await wait(5n, { lateMs: ms('01:30'), fromMs: Infinity });
    expect((await waitingAmong(test.store, ['v1'])).get('v1')?.fromMs).toBe(ms('00:10'));
  });

  it('waits no longer once a later word says so, and again after a still later one', async () => {
    await wait(5n);
    await writeDone(test.store, 0, ['v1'], 6n);
    expect(await waitingAmong(test.store, ['v1'])).toEqual(new Map());
    await wait(4n);
    expect(await waitingAmong(test.store, ['v1'])).toEqual(new Map());
    await wait(7n);
    expect((await waitingAmong(test.store, ['v1'])).size).toBe(1);
  });

  it('is not called silent up to the watermark, since its samples wait; the others are answered as ever', async () => {
    await wait(5n);
    const spans = await loadSpans(context, ['v1', 'v2']);
    expect(spans.get('v1')).toEqual({ firstMs: ms('01:00'), horizonMs: ms('01:01'), waitsFromMs: ms('00:30') });
    expect(spans.get('v2')).toEqual({ firstMs: ms('01:00'), horizonMs: ms('05:00') });
  });

  it('is complete up to where its repair begins, and no further', () => {
    const span = { firstMs: 0, horizonMs: 100, waitsFromMs: 50 };
    expect([40, 50, 60].map((until) => isRightUntil(span, until))).toEqual([true, true, false]);
    expect([100, 101].map((until) => isRightUntil({ firstMs: 0, horizonMs: 100 }, until))).toEqual([true, false]);
  });

  it('lets no invoice of its account become final whose period reaches beyond there', async () => {
    await wait(5n);
    await expect(refuseWaiting(context, 'a', ms('01:00'))).rejects.toThrow(
      /not everything has been metered.*v1 waits for repair/,
    );
    await refuseWaiting(context, 'a', ms('00:30'));
    await writeDone(test.store, 0, ['v1'], 6n);
    await refuseWaiting(context, 'a', ms('01:00'));
  });
});
