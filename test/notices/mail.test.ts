import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { Deliveries } from '../../src/notices/delivery/deliveries.ts';
import { Office } from '../../src/notices/delivery/office.ts';
import { opensAtMs } from '../../src/notices/mail/hours.ts';
import { letterOf } from '../../src/notices/mail/letter.ts';
import { mailChannel } from '../../src/notices/mail/mail-channel.ts';
import { draftOf, type NoticeDraft } from '../../src/notices/record/notice.ts';
import type { MailRequest } from '../../src/notices/subscriptions/subscription.ts';
import type { NoticeData } from '../../src/notices/record/types.ts';
import { Reachable } from '../../src/notices/webhook/addresses.ts';
import { webhookChannel } from '../../src/notices/webhook/webhook-channel.ts';
import { openCatalog } from '../support/api.ts';
import { recordsOf } from '../support/records.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { until } from '../support/until.ts';

interface Mail {
  readonly to: readonly string[];
  readonly text: string;
}

const mails: Mail[] = [];
let refusal: { message: string; responseCode: number } | undefined;
const options: SMTPServerOptions = {
  ...{ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'], logger: false },
  onRcptTo(_address, _session, done) {
    done(refusal === undefined ? null : Object.assign(new Error(refusal.message), { responseCode: refusal.responseCode }));
  },
  onData(stream, session, done) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text: Buffer.concat(chunks).toString('utf8') });
      done();
    });
  },
};

const WANTED: MailRequest = {
  ...{ to: 'ops@acme.example', account: 'acme', types: null, description: '', active: true, language: null },
  ...{ quiet: null, digest: 'none' },
};
const AT = Date.parse('2026-03-14T02:10:00Z');
const down = (vm: string): NoticeDraft =>
  draftOf('outage.begun', [vm], { account: 'acme', atMs: AT, data: { vm, cause: 'provider', from: '2026-03-14T02:10:00Z' } });

let test: TestStore;
let catalog: Catalog;
let smtp: SMTPServer;
let office: Office;

beforeAll(async () => {
  test = await openTestStore();
  catalog = await openCatalog(test.store, Date.now);
  await catalog.putAccount(
    'acme',
    { name: 'Acme', currency: 'EUR', tax_percent: '0', language: 'zh-TW', time_zone: 'Asia/Taipei' },
    'test',
  );
  smtp = new SMTPServer(options);
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  const { port } = smtp.server.address() as AddressInfo;
  const { books, subscriptions: book } = recordsOf(catalog);
  office = new Office({
    ...{ store: test.store, book, now: Date.now, pausesMs: Array.from({ length: 9 }, () => 40), chance: () => 0 },
    channels: {
      webhook: webhookChannel({ reachable: new Reachable([]), version: '0' }),
      mail: mailChannel({ context: { catalog, books }, smtpUrl: `smtp://127.0.0.1:${port}`, from: 'billing@provider.example' }),
    },
    disable: () => Promise.resolve(),
    onError: (error) => {
      throw error;
    },
  });
});
afterEach(async () => {
  const { subscriptions } = recordsOf(catalog);
  for (const { id } of subscriptions.all()) await subscriptions.remove(id, 'mail', 'test');
  mails.length = 0;
  refusal = undefined;
});
afterAll(async () => {
  await office.close();
  await new Promise<void>((resolve) => {
    smtp.close(() => {
      resolve();
    });
  });
  await test.remove();
});

/** What was encoded so that servers take it, as it is read. */
function decoded(mail: string): string {
  const unfolded = mail.replace(/\r\n[ \t]/g, '');
  const words = unfolded.replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/g, (_, how: string, text: string) =>
    how === 'B' ? Buffer.from(text, 'base64').toString('utf8') : unquoted(text.replaceAll('_', ' ')),
  );
  return words.replace(/(Content-Transfer-Encoding: base64[\s\S]*?\r\n\r\n)([A-Za-z0-9+/=\r\n]+)/g, (_, head: string, text: string) => head + Buffer.from(text, 'base64').toString('utf8')); // prettier-ignore
}
function unquoted(text: string): string {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
}

describe('mail', () => {
  it('says in the account’s language and zone what happened, as text and HTML; what became of it is on record', async () => {
    const { id } = await recordsOf(catalog).subscriptions.addMail(WANTED, 'test');
    await office.tell([down('web-1')]);
    await until('it is there', () => mails.length === 1);
    const [mail] = mails;
    expect(mail?.to).toEqual(['ops@acme.example']);
    const text = decoded(mail?.text ?? '');
    expect(text).toMatch(/Subject: web-1 自 2026.*10:10 起無法使用/);
    expect(text).toContain('multipart/alternative');
    expect(text).toContain('<html lang=3D"zh-Hant">');
    expect(text).toMatch(/Message-ID: <[0-9a-f]{32}@provider\.example>/);
    await until(
      'it is on record',
      async () => (await new Deliveries(test.store).list({ subscription: id, state: 'delivered' }, 9)).length === 1,
    );
  });

  it('is tried again where the server fails, and given up where it is refused for good', async () => {
    const { id } = await recordsOf(catalog).subscriptions.addMail(WANTED, 'test');
    const list = () => new Deliveries(test.store).list({ subscription: id }, 9);
    refusal = { message: 'try later', responseCode: 451 };
    await office.tell([down('web-2')]);
    await until('it failed twice', async () => (await list()).some(({ attempts, status }) => attempts >= 2 && status === 451));
    refusal = { message: 'no such user', responseCode: 550 };
    await until('it is given up', async () => (await list())[0]?.state === 'given_up');
    expect((await list())[0]?.why).toMatch(/no such user/);
    refusal = undefined;
    await office.tell([down('web-3')]);
    await until('the next is there', () => mails.length === 1);
  });

  it('has no header but its own, whatever names say', async () => {
    await recordsOf(catalog).subscriptions.addMail({ ...WANTED, language: 'en' }, 'test');
    const data: NoticeData<'incident.recorded'> = {
      ...{
        incident: 'i',
        cause: 'provider',
        from: '2026-03-14T02:10:00Z',
        to: '2026-03-14T02:20:00Z',
        announced_at: null,
        vms: 1,
      },
      note: 'a\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u2028b',
    };
    await office.tell([draftOf('incident.recorded', ['x'], { account: 'acme', atMs: AT, data })]);
    await until('it is there', () => mails.length === 1);
    const [mail] = mails;
    expect(mail?.to).toEqual(['ops@acme.example']);
    const [headers = ''] = (mail?.text ?? '').split('\r\n\r\n');
    expect(headers).not.toMatch(/^Bcc:/im);
    const [, html = ''] = (mail?.text ?? '').split('text/html');
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;');
  });
});

describe('quiet hours and digests', () => {
  const utc = (text: string): number => Date.parse(`2026-03-14T${text}:00Z`);
  const quiet = { from: '22:00', until: '07:00', time_zone: 'UTC' };
  const day = { from: '12:00', until: '13:00', time_zone: 'Asia/Taipei' };
  it.each([
    ['outside of quiet hours at once', { quiet, digest: 'none' as const }, '12:00', '12:00'],
    ['in the evening when the night is over', { quiet, digest: 'none' as const }, '23:10', '31:00'],
    ['in the morning too', { quiet, digest: 'none' as const }, '06:59', '07:00'],
    ['in hours of another zone', { quiet: day, digest: 'none' as const }, '04:30', '05:00'],
    ['hourly when the hour is over', { quiet: null, digest: 'hourly' as const }, '12:10', '13:00'],
    ['hourly, and not at night', { quiet, digest: 'hourly' as const }, '21:10', '31:00'],
    ['daily when the day is over', { quiet: null, digest: 'daily' as const }, '12:10', '24:00'],
  ])('%s', (_, given, asked, opens) => {
    const [hours = 0, minutes = 0] = opens.split(':').map(Number);
    expect(opensAtMs(given, utc(asked), utc(asked))).toBe(utc('00:00') + (hours * 60 + minutes) * 60_000);
  });

  it('are one mail of all that there is to tell', () => {
    const notices = ['a', 'b'].map((vm, i) => ({ ...down(vm), n: BigInt(i) }));
    const { subject, text } = letterOf(notices, 'en', 'UTC');
    expect(subject).toBe('2 notices');
    expect(text).toContain('a is down since 14 March 2026 02:10 (provider)');
    expect(text).toContain('b is down since');
  });
});
