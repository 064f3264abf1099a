import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountBody, vmBody } from '../../src/catalog/bodies.ts';
import { Catalog } from '../../src/catalog/catalog.ts';
import { EVENT_KINDS, eventRequest } from '../../src/catalog/events.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

describe('recorded events', () => {
  let test: TestStore;
  let catalog: Catalog;
  let filler = 0;
  const open = () =>
    Catalog.open({ store: test.store, now: () => 5000, randomBytes: (size) => new Uint8Array(size).fill((filler += 1)) });

  beforeAll(async () => {
    test = await openTestStore();
    catalog = await open();
    await catalog.putAccount('a1', accountBody.parse({ name: 'A', currency: 'JPY' }), 't');
    await catalog.putVm('v1', vmBody.parse({ account: 'a1' }), 't');
  });
  afterAll(() => test.remove());

  it('are kept with who, when and why, in order of their instants, also over a restart', async () => {
    const later = await catalog.recordEvent('v1', eventRequest.parse({ at: 2000, kind: 'abuse', note: 'ticket 7' }), 'ann');
    await catalog.recordEvent('v1', eventRequest.parse({ at: 1000, kind: 'refunded', amount: '300' }), 'bob');
    const shown = [
      [1000, 'refund', '300', '', 'bob', 5000],
      [2000, 'abuse', null, 'ticket 7', 'ann', 5000],
    ];
    for (const one of [catalog, await open()]) {
      expect(
        one
          .eventsOf('v1')
          .map(({ body, recordedBy, recordedAtMs }) => [body.at, body.kind, body.amount, body.note, recordedBy, recordedAtMs]),
      ).toEqual(shown);
    }
    await expect(catalog.withdrawEvent('v2', later.id, 'ann')).rejects.toMatchObject({ code: 'event_unknown' });
    await catalog.withdrawEvent('v1', later.id, 'ann');
    expect(catalog.eventsOf('v1').map((event) => event.body.kind)).toEqual(['refund']);
    expect(catalog.allEventsOf('v1').map((event) => event.body.withdrawn)).toEqual([false, true]);
    expect(await test.store.rows("SELECT count() AS n FROM catalog WHERE kind = 'event'")).toEqual([{ n: '3' }]);
  });

  it('take an amount with payment and refund only, in digits that the currency has', async () => {
    for (const kind of EVENT_KINDS) {
      const takes = kind === 'payment' || kind === 'refund';
      expect(eventRequest.safeParse({ at: 0, kind, amount: '1' }).success, kind).toBe(takes);
    }
    const tooFine = eventRequest.parse({ at: 0, kind: 'payment', amount: '1.5' });
    await expect(catalog.recordEvent('v1', tooFine, 't')).rejects.toMatchObject({ extra: { errors: [{ field: 'amount' }] } });
    await expect(catalog.recordEvent('nobody', tooFine, 't')).rejects.toMatchObject({ code: 'invalid_reference' });
  });

  it('refund checks are kept as they were answered, and not read into memory', async () => {
    const text = await catalog.recordRefundCheck((id, at) => JSON.stringify({ id, at, amount: '1.00' }), 'ann');
    const { id } = JSON.parse(text) as { id: string };
    expect(await catalog.refundCheck(id)).toBe(text);
    expect(await (await open()).refundCheck(id)).toBe(text);
    await expect(catalog.refundCheck('none')).rejects.toMatchObject({ code: 'refund_check_unknown' });
    expect((await open()).lastSeq).toBe(catalog.lastSeq);
  });
});
