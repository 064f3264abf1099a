import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Office } from '../../src/notices/delivery/office.ts';
import { Deliveries, type Delivery } from '../../src/notices/delivery/deliveries.ts';
import { draftOf, type NoticeDraft } from '../../src/notices/record/notice.ts';
import { Outbox } from '../../src/notices/record/outbox.ts';
import type { WebhookBody, WebhookRequest } from '../../src/notices/subscriptions/subscription.ts';
import type { SubscriptionBook } from '../../src/notices/subscriptions/subscription-book.ts';
import { Reachable } from '../../src/notices/webhook/addresses.ts';
import { webhookChannel } from '../../src/notices/webhook/webhook-channel.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Versioned } from '../../src/catalog/versioned.ts';
import { openCatalog } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { until } from '../support/until.ts';
import { answer, webhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const PAUSES = Array.from({ length: 9 }, () => 40);
const ALL: Omit<WebhookRequest, 'url'> = { account: null, types: null, description: '', active: true };

let test: TestStore;
let catalog: Catalog;
let book: SubscriptionBook;
let receivers: WebhookReceiver[] = [];
let offices: Office[] = [];
let made = 0;

beforeAll(async () => {
  test = await openTestStore();
  catalog = await openCatalog(test.store, Date.now);
  book = recordsOf(catalog).subscriptions;
});
afterEach(async () => {
  for (const office of offices) await office.close();
  for (const receiver of receivers) await receiver.close();
  for (const { id } of book.all()) await book.remove(id, 'webhook', 'test');
  [offices, receivers] = [[], []];
});
afterAll(() => test.remove());

function officeNow(deadlineMs = 2_000): Office {
  const channel = webhookChannel({ reachable: new Reachable(['127.0.0.0/8']), version: '0.0.0', deadlineMs });
  const office = new Office({
    ...{ store: test.store, book, channels: { webhook: channel, mail: undefined }, now: Date.now, pausesMs: PAUSES },
    chance: () => 0,
    disable: async (id, why) => {
      await recordsOf(catalog).journal.write('notices', (nowMs) => book.disabling(id, why, nowMs));
    },
    onError: (error) => {
      throw error;
    },
  });
  offices.push(office);
  return office;
}

async function receiverNow(change: Partial<WebhookRequest> = {}): Promise<[WebhookReceiver, Versioned<WebhookBody>]> {
  const receiver = await webhookReceiver();
  receivers.push(receiver);
  const webhook = await book.addWebhook({ ...ALL, url: receiver.url, ...change }, 'test');
  receiver.secret = webhook.body.secrets[0]?.secret;
  return [receiver, webhook];
}

function some(count: number, account = 'a'): NoticeDraft[] {
  return Array.from({ length: count }, () => {
    made += 1;
    const data = { vm: `v${made}`, cause: 'provider', from: '2026-03-01T00:00:00Z' } as const;
    return draftOf('outage.begun', [made], { account, atMs: Date.parse('2026-03-01T00:00:00Z'), data });
  });
}

const deliveries = (filter: { subscription: string; state?: Delivery['state'] }): Promise<Delivery[]> =>
  new Deliveries(test.store).list(filter, 1_000);
const ids = (list: readonly { id: string }[]): string[] => list.map(({ id }) => id);
const arrived = (receiver: WebhookReceiver, count: number): Promise<void> =>
  until(`${count} events`, () => receiver.events.length >= count);

describe('webhooks', () => {
  it('carry each event once and in order, and any library of Standard Webhooks knows them', async () => {
    const [receiver, { id: subscription }] = await receiverNow();
    const drafts = some(20);
    const office = officeNow();
    await office.tell(drafts);
    await office.tell(drafts);
    await arrived(receiver, 20);
    await until('all are on record', async () => (await deliveries({ subscription, state: 'delivered' })).length === 20);
    expect(ids(receiver.events)).toEqual(ids(drafts));
    expect(receiver.faults).toEqual([]);
    expect(receiver.events[0]).toMatchObject({ type: 'outage.begun', account: 'a', data: { cause: 'provider' } });
  });

  it('wait while the receiver fails, and come in order once it does not', async () => {
    const [receiver, { id: subscription }] = await receiverNow();
    let failures = 3;
    receiver.answering = (response, event) => {
      (failures-- > 0 ? answer(503) : answer(204))(response, event);
    };
    const drafts = some(3);
    await officeNow().tell(drafts);
    await arrived(receiver, 6);
    await until('they are through', async () => (await deliveries({ subscription, state: 'delivered' })).length === 3);
    const [first = '', second = '', third = ''] = ids(drafts);
    expect(ids(receiver.events)).toEqual([first, first, first, first, second, third]);
    expect((await deliveries({ subscription })).map(({ attempts }) => attempts)).toEqual([1, 1, 4]);
  });

  it('go on where one event alone is refused, which is tried ten times and then given up', async () => {
    const [receiver, { id: subscription }] = await receiverNow();
    const drafts = some(3);
    const [first = '', second = '', third = ''] = ids(drafts);
    receiver.answering = (response, event) => {
      (event.id === first ? answer(422) : answer(204))(response, event);
    };
    await officeNow().tell(drafts);
    await until('it is given up', async () => (await deliveries({ subscription, state: 'given_up' })).length === 1);
    expect(ids(receiver.events).slice(0, 6)).toEqual(expect.arrayContaining([first, second, third]));
    expect(ids(receiver.events).filter((id) => id === first)).toHaveLength(10);
    expect(await deliveries({ subscription, state: 'given_up' })).toMatchObject([
      { attempts: 10, status: 422, why: 'answered 422' },
    ]);
  });

  it('follow no redirect', async () => {
    const [other] = await receiverNow({ types: ['balance.low'] });
    const [receiver, { id: subscription }] = await receiverNow();
    receiver.answering = answer(307, { location: other.url });
    await officeNow().tell(some(1));
    await until('it is refused', async () => (await deliveries({ subscription })).some(({ status }) => status === 307));
    expect(other.events).toEqual([]);
  });

  it('end on 410, which is on record with why', async () => {
    const [receiver, { id }] = await receiverNow();
    receiver.answering = answer(410);
    const office = officeNow();
    await office.tell(some(2));
    await until('it is disabled', () => book.of(id)?.body.disabled !== null);
    expect(book.of(id)?.body.disabled?.why).toBe('the receiver answered 410: it is gone');
    await office.tell(some(1));
    expect(receiver.events).toHaveLength(1);
    // whoever looks after it begins again: what was not sent is
    receiver.answering = answer(200);
    await book.changeWebhook(id, { ...ALL, url: receiver.url }, 'test');
    await arrived(receiver, 3);
  });

  it('give up on a receiver that hangs, and cut one that never stops to answer', async () => {
    const [receiver, { id: subscription }] = await receiverNow();
    receiver.answering = () => undefined;
    await officeNow(300).tell(some(1));
    await until('time is up', async () =>
      (await deliveries({ subscription })).some(({ why }) => why === 'no answer within 300 ms'),
    );
    let sent = 0;
    receiver.answering = (response) => {
      response.writeHead(200);
      const more = (): void => {
        for (let open = true; open && !response.destroyed;) {
          sent += 65_536;
          open = response.write(Buffer.alloc(65_536));
        }
      };
      response.on('drain', more);
      more();
    };
    await until('it is through', async () => (await deliveries({ subscription, state: 'delivered' })).length === 1);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('are tried again when a receiver dies in the middle', async () => {
    const [receiver, { id: subscription }] = await receiverNow();
    receiver.answering = (response) => {
      receiver.answering = answer(204);
      response.socket?.destroy();
    };
    await officeNow().tell(some(2));
    await until('both are through', async () => (await deliveries({ subscription, state: 'delivered' })).length === 2);
    expect(receiver.events).toHaveLength(3);
  });

  it('are signed by both secrets while one replaces the other', async () => {
    const [receiver, { id }] = await receiverNow();
    const before = receiver.secret;
    const { body } = await book.rotate(id, 'test');
    const office = officeNow();
    await office.tell(some(1));
    await arrived(receiver, 1);
    receiver.secret = body.secrets[0]?.secret;
    expect(receiver.secret).not.toBe(before);
    await office.tell(some(1));
    await arrived(receiver, 2);
    expect(receiver.faults).toEqual([]);
    expect(receiver.events[1]?.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
  });

  it('of an account tell of it alone, and nothing that is staff’s', async () => {
    const [receiver] = await receiverNow({ account: 'a' });
    const [all] = await receiverNow();
    const [typed] = await receiverNow({ types: ['source.silent'] });
    const [own] = some(1);
    const [others] = some(1, 'b');
    const data = { silence: 's', agent: null, vms: 1, from: '2026-03-01T00:00:00Z' };
    const staffs = draftOf('source.silent', [made], { account: null, atMs: 0, data });
    if (own === undefined || others === undefined) throw new Error('there are two');
    await officeNow().tell([others, staffs, own]);
    await arrived(all, 3);
    await arrived(receiver, 1);
    await arrived(typed, 1);
    expect(ids(receiver.events)).toEqual([own.id]);
    expect(ids(typed.events)).toEqual([staffs.id]);
  });

  it('go on after another process took over: what was not delivered is, by the new one', async () => {
    const [receiver] = await receiverNow();
    receiver.answering = answer(500);
    const first = officeNow();
    const drafts = some(3);
    await first.tell(drafts);
    await arrived(receiver, 1);
    await first.close();
    receiver.answering = answer(200);
    const before = receiver.events.length;
    officeNow();
    await arrived(receiver, before + 3);
    expect(ids(receiver.events).slice(before)).toEqual(ids(drafts));
  });
});

describe('what was told before', () => {
  it('is sent again to one subscription alone, with the same ids: a time of it, or one notice', async () => {
    const [receiver, { id }] = await receiverNow();
    const [other] = await receiverNow();
    const office = officeNow();
    const fromMs = Date.now();
    const drafts = some(3);
    await office.tell(drafts);
    await arrived(receiver, 3);
    await arrived(other, 3);
    const ask = async (request: Parameters<SubscriptionBook['ask']>[0]): Promise<void> => {
      const { journal } = recordsOf(catalog);
      const asked = await book.ask(request, 'test');
      const entry = await journal.read('notice_request', asked);
      if (entry === undefined) throw new Error('it is on record');
      await office.carryOut(entry);
      await office.carryOut(entry);
    };
    await ask({ subscription: id, does: 'replay', from: fromMs, to: Date.now() + 1 });
    await arrived(receiver, 6);
    await ask({ subscription: id, does: 'again', notice: drafts[1]?.id ?? '' });
    await arrived(receiver, 7);
    await ask({ subscription: id, does: 'test', by: 'me' });
    await arrived(receiver, 8);
    expect(ids(receiver.events).slice(3, 7)).toEqual([...ids(drafts), drafts[1]?.id]);
    expect(receiver.events[7]).toMatchObject({ type: 'notice.test', data: { asked_by: 'me' } });
    expect(other.events).toHaveLength(3);
  });

  it('is on record by its id, whoever finds it', async () => {
    const drafts = some(2);
    await officeNow().tell(drafts);
    const outbox = new Outbox(test.store, Date.now);
    expect(ids(await outbox.record(drafts))).toEqual(ids(drafts));
    expect(ids(await outbox.list({ id: drafts[0]?.id }, 10))).toEqual([drafts[0]?.id]);
  });
});
