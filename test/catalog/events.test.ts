import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountBody, vmBody } from '../../src/catalog/bodies.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { eventRequest } from '../../src/catalog/events.ts';
import { EVENT_KINDS } from '../../src/domain/event-kinds.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { booksOf, openCatalogOf } from '../support/records.ts';

describe('recorded events', () => {
  let test: TestStore;
  let catalog: Catalog;
  let filler = 0;
  const open = () =>
    openCatalogOf({ store: test.store, now: () => 5000, randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await open();
    await catalog.putAccount('a1', accountBody.parse({ name: 'A', currency: 'JPY' }), 't');
    await catalog.putVm('v1', vmBody.parse({ account: 'a1' }), 't');
  });
  afterAll(() => test.remove());

  it('are kept with who, when and why, in order of their instants, also over a restart', async () => {
    const later = await catalog.events.record('v1', eventRequest.parse({ at: 2000, kind: 'abuse', note: 'ticket 7' }), 'ann');
    await catalog.events.record('v1', eventRequest.parse({ at: 1000, kind: 'refunded', amount: '300' }), 'bob');
    const shown = [
      [1000, 'refund', '300', '', 'bob', 5000],
      [2000, 'abuse', null, 'ticket 7', 'ann', 5000],
    ];
    for (const one of [catalog, await open()]) {
      expect(
        one.events
          .of('v1')
          .map(({ body, recordedBy, recordedAtMs }) => [body.at, body.kind, body.amount, body.note, recordedBy, recordedAtMs]),
      ).toEqual(shown);
    }
    await expect(catalog.events.withdraw('v2', later.id, 'ann')).rejects.toMatchObject({ code: 'event_unknown' });
    await catalog.events.withdraw('v1', later.id, 'ann');
    expect(catalog.events.of('v1').map((event) => event.body.kind)).toEqual(['refund']);
    expect(catalog.events.allOf('v1').map((event) => event.body.withdrawn)).toEqual([false, true]);
    expect(await test.store.rows("SELECT count() AS n FROM catalog WHERE kind = 'event'")).toEqual([{ n: '3' }]);
  });

  it('take an amount with payment and refund only, in digits that the currency has', async () => {
    for (const kind of EVENT_KINDS) {
      const takes = kind === 'payment' || kind === 'refund';
      expect(eventRequest.safeParse({ at: 0, kind, amount: '1' }).success, kind).toBe(takes);
    }
    const tooFine = eventRequest.parse({ at: 0, kind: 'payment', amount: '1.5' });
    await expect(catalog.events.record('v1', tooFine, 't')).rejects.toMatchObject({ extra: { errors: [{ field: 'amount' }] } });
    await expect(catalog.events.record('nobody', tooFine, 't')).rejects.toMatchObject({ code: 'invalid_reference' });
  });

  it('refund checks are kept as they were answered, and not read into memory', async () => {
    const text = await booksOf(catalog).refundChecks.record((id, at) => JSON.stringify({ id, at, amount: '1.00' }), 'ann');
    const { id } = JSON.parse(text) as { id: string };
    expect(await booksOf(catalog).refundChecks.read(id)).toBe(text);
    expect(await booksOf(await open()).refundChecks.read(id)).toBe(text);
    await expect(booksOf(catalog).refundChecks.read('none')).rejects.toMatchObject({ code: 'refund_check_unknown' });
    expect((await open()).lastSeq).toBe(catalog.lastSeq);
  });
});
