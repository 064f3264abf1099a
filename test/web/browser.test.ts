/** The console in a real browser, on a month of a small provider: by mouse and by keyboard, in two languages, with its policy on. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Uptally } from '../../src/client/uptally.ts';
import { playProvider } from '../../src/demo/provider.ts';
import { CHROMIUM, openBrowser, overflow, settled, violations, watchedPage, type Look, WITHOUT } from '../support/browser.ts';
import { ADMIN_KEY, newFolder, postLines, type ServedFolder, type TestServer, untilStored } from '../support/server.ts';

let folder: ServedFolder;
let server: TestServer;
let browser: Browser;
let invoice: string;
let draft: string;
let silence: string;
let check: string;

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  folder = await newFolder('browser');
  server = await folder.start({ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_SCHEDULER: 'off' });
  const uptally = new Uptally({ server: server.url, key: ADMIN_KEY });
  await playProvider({
    uptally,
    send: async (key, lines) => {
      await postLines(server, key, lines);
    },
    stored: async () => {
      await untilStored(server);
    },
    only: ['acme', 'birch', 'elbe', 'kumo', 'linden'],
  });
  await uptally.close();
  const { invoices } = await server.ask<{ invoices: { id: string; status: string }[] }>('/v1/invoices');
  invoice = invoices.find(({ status }) => status !== 'draft')?.id ?? '';
  draft = invoices.find(({ status }) => status === 'draft')?.id ?? '';
  const range = 'from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z';
  silence = (await server.ask<{ rows: { id: string }[] }>(`/v1/silences?${range}`)).rows[0]?.id ?? '';
  const body = JSON.stringify({ vm: 'acme-web', at: '2026-04-01T04:00:00Z' });
  const asked = { method: 'POST', body, headers: { 'content-type': 'application/json' } } as const;
  check = (await server.ask<{ id: string }>('/v1/refund-checks', asked)).id;
  const source = JSON.stringify({ preset: 'libvirt-exporter' });
  await server.ask('/v1/sources/libvirt', { method: 'PUT', body: source, headers: { 'content-type': 'application/json' } });
  browser = await openBrowser();
}, 240_000);
afterAll(async () => {
  if (CHROMIUM === undefined) return;
  await browser.close();
  await folder.remove();
});

/** Logs in as somebody with a mouse does. */
async function loggedIn(address: string, look: Look = {}) {
  const watched = await watchedPage(browser, server.url, look);
  await watched.page.goto(address);
  await watched.page.locator('input[name=key]').fill(ADMIN_KEY);
  await watched.page.locator('main button[type=submit]').click();
  await watched.page.locator('nav.side').waitFor();
  return watched;
}

/** Every view, with its heading in English and in traditional Chinese. */
const VIEWS = (): readonly (readonly [address: string, en: RegExp, zh: RegExp])[] => [
  ['/console', /Money at risk now/, /目前風險金額/],
  ['/console/fleet', /Fleet/, /虛擬機群/],
  ['/console/vms/acme-web?month=2026-03', /VM acme-web/, /虛擬機 acme-web/],
  ['/console/vms/elbe-web?at=2026-03-29T00:45:00Z', /VM elbe-web/, /虛擬機 elbe-web/],
  ['/console/outages?month=2026-03', /Outages/, /中斷/],
  ['/console/outages/acme-web/2026-03-11T18%3A00%3A00Z', /Outage of acme-web/, /acme-web .*的中斷/],
  ['/console/incidents', /Incidents/, /事件/],
  ['/console/silences', /Silences/, /靜默/],
  [`/console/silences/${silence}`, /A silence/, /一次靜默/],
  ['/console/refunds?vm=acme-web', /Refund checks/, /退款核查/],
  [`/console/refunds/${check}`, /A refund check/, /退款核查結果/],
  ['/console/terms', /Terms/, /條款/],
  ['/console/terms/internet-service', /Terms sheet internet-service/, /條款表 internet-service/],
  ['/console/scheduler', /Scheduler/, /排程/],
  ['/console/notices', /Notices/, /通知/],
  ['/console/audit', /Audit/, /稽核/],
  ['/console/keys', /Keys/, /金鑰/],
  ['/console/sources', /Sources/, /資料來源/],
  ['/console/sources/libvirt', /Source libvirt/, /資料來源 libvirt/],
  ['/console/agents', /Agents/, /代理程式/],
  ['/console/accounts', /Accounts/, /帳戶/],
  ['/console/accounts/acme', /Account acme/, /帳戶 acme/],
  ['/console/invoices', /Invoices/, /發票/],
  [`/console/invoices/${invoice}`, /Invoice 1/, /發票 1/],
  ['/console/preview?account=acme', /Preview an invoice/, /預覽發票/],
  ['/console/search?q=acme', /Found for “acme”/, /「acme」的結果/],
  ['/console/query?path=/v1/status', /A query of the API/, /API 查詢/],
  ['/console/nothing', /There is no such page/, /沒有這個頁面/],
];

const go = async (page: Page, address: string): Promise<void> => {
  await page.goto(address);
  await settled(page);
};

describe.skipIf(CHROMIUM === undefined)(`the console${WITHOUT}`, () => {
  it.each([
    ['in English, light', 1, { locale: 'en' }],
    ['in traditional Chinese, dark, on a phone', 2, { locale: 'zh-TW', dark: true, width: 360 }],
  ] as const)(
    '%s: each view has its heading, nothing for axe, no word on the console and no width to spare',
    async (_, column, look) => {
      const { context, page, said } = await loggedIn('/console', look);
      for (const view of VIEWS()) {
        const [address] = view;
        await go(page, address);
        expect(await page.locator('main h1').textContent(), address).toMatch(view[column]);
        expect(await page.locator('main [role=alert]').allTextContents(), address).toEqual([]);
        expect(await violations(page), address).toEqual([]);
        expect(await overflow(page), address).toBeLessThanOrEqual(0);
        expect(said, address).toEqual([]);
      }
      await context.close();
    },
  );

  it('takes a key once, by keyboard alone, and keeps it from scripts; a reload finds the session, and logging out ends it', async () => {
    const { context, page, said } = await watchedPage(browser, server.url);
    await page.goto('/console/accounts');
    await page.locator('input[name=key]').focus();
    await page.keyboard.type(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await page.locator('nav.side').waitFor();
    // the address that was wanted is the view that is shown
    expect(await page.locator('main h1').textContent()).toBe('Accounts');
    expect(
      await page.evaluate<string>(`document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)`),
    ).not.toContain(ADMIN_KEY);
    expect((await context.cookies()).map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite])).toEqual([
      ['__Host-uptally', true, 'Strict'],
    ]);
    await page.reload();
    await settled(page);
    expect(await page.locator('nav.side').count()).toBe(1);
    await page.getByRole('button', { name: 'Log out' }).press('Enter');
    await page.locator('input[name=key]').waitFor();
    expect(said).toEqual([]);
    await context.close();
  });

  it('says that a key is not valid, and shows nothing', async () => {
    const { context, page } = await watchedPage(browser, server.url, { locale: 'zh-CN' });
    await page.goto('/console/fleet');
    await page.locator('input[name=key]').fill('not-a-key-of-this-server');
    await page.keyboard.press('Enter');
    expect(await page.locator('[role=alert]').textContent()).toContain('密钥无效');
    expect(await page.locator('nav.side').count()).toBe(0);
    await context.close();
  });

  it('goes from a month to an hour, its minutes and the samples behind one by keyboard alone, each with an address', async () => {
    const { context, page, said } = await loggedIn('/console/vms/acme-web?month=2026-03');
    await settled(page);
    // the grid is one stop of the tab key, and it stands where something was
    const first = page.locator('.calendar button.cell[tabindex="0"]');
    expect(await first.count()).toBe(1);
    await first.focus();
    expect(await first.getAttribute('aria-label')).toBe('2026-03-03 14:00: 47 min provider, 0.315860215 CNY');
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate<string>('document.activeElement.getAttribute("aria-label")')).toBe('2026-03-03 15:00: up');
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate<string>('document.activeElement.getAttribute("aria-label")')).toBe('2026-03-04 15:00: up');
    for (const key of ['ArrowUp', 'ArrowLeft', 'Enter']) await page.keyboard.press(key);
    await page.locator('.minutes').waitFor();
    expect(page.url()).toContain('hour=2026-03-03T06%3A00%3A00Z');
    expect(await page.locator('.minutes button').count()).toBe(60);
    const down = await page.locator('.minutes button.down').count();
    expect(down).toBe(47);
    await page.locator('.minutes button[tabindex="0"]').press('Enter');
    await page.getByRole('heading', { name: 'Samples behind the minute 2026-03-03 14:12' }).waitFor();
    await settled(page);
    expect(page.url()).toContain('minute=2026-03-03T06%3A12%3A00Z');
    // what was gone to can be sent
    const { page: other, context: another } = await loggedIn(page.url());
    await other.getByRole('heading', { name: 'Samples behind the minute 2026-03-03 14:12' }).waitFor();
    expect(said).toEqual([]);
    await another.close();
    await context.close();
  });

  it('draws each hour as its minutes are: a day of 23 hours, a VM that starts, one that ends', async () => {
    const { context, page } = await loggedIn('/console');
    for (const [vm, zone] of [
      ['elbe-web', 'Europe/Berlin'],
      ['acme-db', 'Asia/Taipei'],
      ['birch-old', 'Asia/Taipei'],
    ] as const) {
      await go(page, `/console/vms/${vm}?month=2026-03`);
      await page.locator('.calendar').waitFor();
      const labels = await page.evaluate<string[]>(
        `[...document.querySelectorAll('.calendar button.cell')].map((cell) => cell.getAttribute('aria-label'))`,
      );
      expect(labels.length, vm).toBe(zone === 'Europe/Berlin' ? 31 * 24 - 1 : 31 * 24);
      const [from, to] =
        zone === 'Europe/Berlin'
          ? ['2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z']
          : ['2026-02-28T16:00:00Z', '2026-03-31T16:00:00Z'];
      const clocks = new Map<number, string>();
      // minute by minute, by another question than the page's
      const counted = new Map<string, { minutes: number; down: number }>();
      const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
      for (let path: string | null = `/v1/vms/${vm}/uptime?from=${from}&to=${to}&step=minute&limit=10000`; path !== null;) {
        const { rows, next }: { rows: { start: string; up_ms: number }[]; next: string | null } = await server.ask(path);
        for (const { start, up_ms } of rows) {
          const hourMs = Math.floor(Date.parse(start) / 3_600_000) * 3_600_000;
          const hour = clocks.get(hourMs) ?? `${clock.format(hourMs).slice(0, 13)}:00`;
          clocks.set(hourMs, hour);
          const one = counted.get(hour) ?? { minutes: 0, down: 0 };
          counted.set(hour, { minutes: one.minutes + 1, down: one.down + (60_000 - up_ms) });
        }
        path = next === null ? null : `/v1/vms/${vm}/uptime?cursor=${encodeURIComponent(next)}`;
      }
      const drawn = labels.filter((label) => !label.endsWith('no service, or not counted yet'));
      expect(new Set(drawn.map((label) => label.slice(0, 16))), vm).toEqual(new Set(counted.keys()));
      for (const label of drawn) {
        const { down = 0 } = counted.get(label.slice(0, 16)) ?? {};
        expect(label.endsWith(': up'), label).toBe(down === 0);
        if (down > 0 && down % 60_000 === 0)
          expect(label).toContain(`: ${down / 60_000 === 60 ? '1 h' : `${down / 60_000} min`} `);
      }
    }
    await context.close();
  });

  it('says what an incident would change before it records it', async () => {
    const { context, page, said } = await loggedIn('/console/incidents');
    await page.locator('select[name=kind]').selectOption('vms');
    await page.locator('input[name=names]').fill('acme-web');
    await page.locator('input[name=from]').fill('2026-03-03T06:00:00Z');
    await page.locator('input[name=to]').fill('2026-03-03T07:00:00Z');
    await page.locator('select[name=cause]').last().selectOption('third_party');
    await page.locator('input[name=note]').fill('ticket 7');
    await page.getByRole('button', { name: 'What would it change?' }).click();
    const would = page.locator('.notice[role=status]');
    await would.waitFor();
    expect(await would.textContent()).toContain('47 min');
    expect(await would.textContent()).toContain('acme-web (47 min)');
    expect((await server.ask<{ incidents: unknown[] }>('/v1/incidents')).incidents).toHaveLength(1);
    await would.getByRole('button', { name: 'Record it' }).press('Enter');
    await page.getByText('ticket 7').waitFor();
    expect((await server.ask<{ incidents: unknown[] }>('/v1/incidents')).incidents).toHaveLength(2);
    expect(said).toEqual([]);
    await context.close();
  });

  it('records a payment, and makes a draft final when it was asked twice', async () => {
    const { context, page, said } = await loggedIn('/console/accounts/birch');
    await settled(page);
    await page.getByText('Record a payment').first().click();
    await page.locator('input[name=reference]').fill('wire-7');
    await page.locator('input[name=amount]').fill('12.50');
    await page.locator('input[name=at]').fill('2026-04-01T05:30:00Z');
    await page.locator('details button[type=submit]').press('Enter');
    await page.getByText('Payment wire-7 is recorded').waitFor();
    await page.getByRole('cell', { name: 'wire-7' }).waitFor();
    await go(page, `/console/invoices/${draft}`);
    await page.getByRole('button', { name: 'Make it final' }).click();
    await page.getByRole('group').getByRole('button', { name: 'Cancel' }).click();
    expect((await server.ask<{ status: string }>(`/v1/invoices/${draft}`)).status).toBe('draft');
    await page.getByRole('button', { name: 'Make it final' }).press('Enter');
    await page.getByRole('group').getByRole('button', { name: 'Make it final' }).press('Enter');
    // its number stands in the heading, and nothing is left to be made final
    await page.getByRole('button', { name: 'Make it final' }).waitFor({ state: 'detached' });
    await page.getByRole('heading', { level: 1, name: /Invoice \d+/ }).waitFor();
    expect((await server.ask<{ status: string }>(`/v1/invoices/${draft}`)).status).not.toBe('draft');
    expect(said).toEqual([]);
    await context.close();
  });
});
