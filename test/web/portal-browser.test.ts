/** The portal in a real browser, on a month of a small provider: by link and by key, in a frame, in two languages; nothing of others. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Uptally } from '../../src/client/uptally.ts';
import { playProvider } from '../../src/demo/provider.ts';
import { compiledFile } from '../../src/process/compiled.ts';
import { CHROMIUM, type Look, openBrowser, overflow, violations, watchedPage, WITHOUT } from '../support/browser.ts';
import { ADMIN_KEY, newFolder, postLines, type ServedFolder, type TestServer, untilStored } from '../support/server.ts';

const FIRST_BYTES_MAX = 60 * 1024;

describe('the built portal', () => {
  it('needs at most 60 kB, compressed, for its first view in any language, and asks nobody else', () => {
    const folder = fileURLToPath(compiledFile('web/portal/'));
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    const files = readdirSync(join(folder, 'assets'));
    const withImports = (file: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(file)) return seen;
      seen.add(file);
      const text = readFileSync(join(folder, 'assets', file), 'utf8');
      for (const [, name = ''] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) withImports(name, seen);
      return seen;
    };
    const named = [...page.matchAll(/(?:src|href)="\/portal\/assets\/([^"]+)"/g)].map(([, file = '']) => file);
    const period = files.filter((file) => /^period-.*\.js$/.test(file));
    expect(period).toHaveLength(1);
    for (const words of ['zh-Hans', 'zh-Hant']) {
      const of = files.filter((file) => file.startsWith(words));
      const first = new Set([...named, ...period, ...of].flatMap((file) => [...withImports(file)]));
      const size = (file: string): number => gzipSync(readFileSync(join(folder, 'assets', file))).length;
      expect([...first].reduce((sum, file) => sum + size(file), gzipSync(page).length)).toBeLessThanOrEqual(FIRST_BYTES_MAX);
    }
    expect(page).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
    for (const file of files)
      expect(readFileSync(join(folder, 'assets', file), 'utf8').match(/https?:\/\/(?!www\.w3\.org\/)[\w.]+/g) ?? []).toEqual([]);
  });
});

let folder: ServedFolder;
let server: TestServer;
let browser: Browser;
let panel: Server;
let panelHtml = '';
const keys = new Map<string, string>();
const own = { invoice: '', check: '' };
const others = { invoice: '', check: '' };

const json = { 'content-type': 'application/json' };
const post = <T>(path: string, body: unknown, key = ADMIN_KEY): Promise<T> =>
  server.ask<T>(path, { method: 'POST', headers: json, body: JSON.stringify(body), key });
const linkFor = async (account: string): Promise<string> =>
  (await post<{ url: string }>(`/v1/accounts/${account}/portal-links`, { expires_in: 600 })).url;
const panelOrigin = (): string => `http://localhost:${(panel.address() as AddressInfo).port}`;

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  panel = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html').end(panelHtml);
  });
  await new Promise<void>((resolve) => panel.listen(0, 'localhost', resolve));
  folder = await newFolder('portal');
  server = await folder.start({
    ...{ UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0', UPTALLY_PORTAL_FRAME_ANCESTORS: panelOrigin() },
  });
  const uptally = new Uptally({ server: server.url, key: ADMIN_KEY });
  await playProvider({
    uptally,
    send: async (key, lines) => {
      await postLines(server, key, lines);
    },
    stored: async () => {
      await untilStored(server);
    },
  });
  await uptally.close();
  for (const account of ['acme', 'chenxi'])
    keys.set(account, (await post<{ key: string }>('/v1/keys', { role: 'customer', account, name: account })).key);
  for (const [account, names] of [
    ['acme', own],
    ['chenxi', others],
  ] as const) {
    const { invoices } = await server.ask<{ invoices: { id: string }[] }>(`/v1/invoices?account=${account}`);
    names.invoice = invoices[0]?.id ?? '';
    names.check = (await post<{ id: string }>('/v1/refund-checks', { vm: `${account}-web` })).id;
  }
  browser = await openBrowser();
}, 240_000);
afterAll(async () => {
  if (CHROMIUM === undefined) return;
  await browser.close();
  await folder.remove();
  panel.close();
});

async function byKey(address: string, account: string, look: Look = {}) {
  const watched = await watchedPage(browser, server.url, look);
  await watched.page.goto(address);
  await watched.page.locator('input[name=key]').fill(keys.get(account) ?? '');
  await watched.page.locator('main button[type=submit]').click();
  await watched.page.locator('nav.side').waitFor();
  return watched;
}

const VIEWS = (): readonly (readonly [address: string, en: RegExp, zh: RegExp])[] => [
  ['/portal', /This period/, /本期/],
  ['/portal/vms/acme-web?month=2026-03', /acme-web/, /acme-web/],
  ['/portal/documents', /Invoices/, /帳單/],
  [`/portal/documents/${own.invoice}`, /Invoice /, /發票/],
  ['/portal/statement', /Statement of account/, /對帳單/],
  ['/portal/payments', /Payments/, /付款/],
  ['/portal/refunds', /Refunds/, /退款/],
  [`/portal/refunds/${own.check}`, /Refund check of acme-web/, /acme-web 的退款檢查/],
  ['/portal/query?path=/v1/session', /A query of the API/, /API 查詢/],
  ['/portal/nothing', /There is no such page/, /沒有這個頁面/],
];

/** Resolves when the view has everything that it asked for. */
async function ready(page: Page): Promise<void> {
  await page.locator('main h1').waitFor();
  // a part that has its answer may have others ask for theirs
  for (let quiet = 0; quiet < 4; quiet += 1) {
    if ((await page.locator('main [role=status]').count()) > 0) quiet = -1;
    await page.waitForTimeout(40);
  }
}

async function go(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.locator('nav.side').waitFor();
  await ready(page);
}

describe.skipIf(CHROMIUM === undefined)(`the portal${WITHOUT}`, () => {
  it.each([
    ['in English, light', 1, { locale: 'en' }],
    ['in traditional Chinese, dark, on a phone', 2, { locale: 'zh-TW', dark: true, width: 360 }],
  ] as const)(
    '%s: each view has its heading, nothing for axe, no word on the console and no width to spare',
    async (_, column, look) => {
      const { context, page, said } = await byKey('/portal', 'acme', look);
      for (const view of VIEWS()) {
        const [address] = view;
        await go(page, address);
        const shots = process.env['UPTALLY_TEST_SCREENSHOTS'];
        if (shots !== undefined)
          await page.screenshot({
            path: join(shots, `${column}-${address.split(/[/?]/)[2] ?? 'first'}-${VIEWS().indexOf(view)}.png`),
            fullPage: true,
          });
        expect.soft(await page.locator('main h1').textContent(), address).toMatch(view[column]);
        expect.soft(await page.locator('main [role=alert]').allTextContents(), address).toEqual([]);
        expect.soft(await violations(page), address).toEqual([]);
        expect.soft(await overflow(page), address).toBeLessThanOrEqual(0);
        expect(said, address).toEqual([]);
      }
      await context.close();
    },
    120_000,
  );

  it('takes the token of a link once, removes it from the address, and only reads', async () => {
    const { context, page, said } = await watchedPage(browser, server.url);
    const link = await linkFor('acme');
    await page.goto(link);
    await page.locator('nav.side').waitFor();
    await ready(page);
    expect(page.url()).not.toContain('upl_');
    expect((await context.cookies()).map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite])).toEqual([
      ['__Host-uptally', true, 'Strict'],
    ]);
    // the price is a preview, which a session that reads may ask for
    expect(await page.locator('.tiles').textContent()).toMatch(/Price so far[\d,.]+ CNY/);
    await page.reload();
    await page.locator('nav.side').waitFor();
    await page.getByRole('link', { name: 'Refunds' }).press('Enter');
    await page.getByText('This link only reads.').waitFor();
    expect(said).toEqual([]);
    await context.close();
    const again = await watchedPage(browser, server.url);
    await again.page.goto(link);
    await again.page.getByText('This link cannot be used any more.').waitFor();
    await again.context.close();
  });

  it('goes from a month to an hour and its minutes by keyboard alone, and checks a refund', async () => {
    const { context, page, said } = await watchedPage(browser, server.url, { locale: 'zh-CN' });
    await page.goto('/portal/vms/acme-web?month=2026-03');
    await page.locator('input[name=key]').focus();
    await page.keyboard.type(keys.get('acme') ?? '');
    await page.keyboard.press('Enter');
    await page.locator('.calendar').waitFor();
    await page.locator('.calendar button.cell[tabindex="0"]').press('Enter');
    await page.locator('.minutes').waitFor();
    expect(await page.locator('.minutes button.down').count()).toBe(47);
    await page.getByRole('link', { name: '退款' }).press('Enter');
    await page.locator('select[name=vm]').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '逐条说明' }).waitFor();
    expect(page.url()).toMatch(/\/portal\/refunds\/[\w-]+$/);
    expect(said).toEqual([]);
    await context.close();
  });

  it('downloads a PDF and the evidence of an invoice', async () => {
    const { context, page } = await byKey(`/portal/documents/${own.invoice}`, 'acme');
    for (const [button, name] of [
      ['PDF', /^invoice-\d+\.pdf$/],
      ['Download the evidence', /^invoice-\d+-copy\.json$/],
    ] as const) {
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);
      expect(file.suggestedFilename()).toMatch(name);
    }
    await context.close();
  });

  it('is shown in the frame of the panel that is allowed, at another site, where it has no cookie; and in no other', async () => {
    const { context, page } = await watchedPage(browser, server.url);
    panelHtml = `<!doctype html><title>panel</title><iframe title="portal" width="900" height="700" src="${server.url}${await linkFor('acme')}"></iframe>`;
    await page.goto(panelOrigin());
    const frame = page.frameLocator('iframe');
    await frame.getByRole('heading', { name: 'This period' }).waitFor();
    await frame.getByRole('link', { name: 'Payments' }).click();
    await frame.getByRole('heading', { name: 'Payments', exact: true }).waitFor();
    expect(await context.cookies()).toEqual([]);
    await context.close();
    const policy = (await server.call('/portal', { key: null })).headers['content-security-policy'];
    expect(policy).toContain(`frame-ancestors ${panelOrigin()}`);
    expect((await server.call('/console', { key: null })).headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });

  it('shows nothing of another customer, by no address and no id', async () => {
    const { context, page } = await byKey('/portal', 'acme');
    const guesses = [
      '/portal/vms/chenxi-web?month=2026-03',
      `/portal/documents/${others.invoice}`,
      `/portal/refunds/${others.check}`,
      '/portal/documents?account=chenxi',
      '/portal/statement?account=chenxi',
      '/portal/query?path=/v1/accounts/chenxi/balance',
      '/portal/query?path=/v1/accounts',
      `/portal/query?path=/v1/invoices/${others.invoice}`,
      '/portal/query?path=/v1/vms/chenxi-web/uptime%3Ffrom=2026-03-01T00:00:00Z%26to=2026-04-01T00:00:00Z%26step=day',
    ];
    for (const address of [...VIEWS().map(([own]) => own), ...guesses]) {
      await go(page, address);
      const text = (await page.locator('main').textContent()) ?? '';
      // what was typed into the address may stand there, its answer may not
      expect(text, address).not.toMatch(/晨曦|elbe|birch/);
      if (address.includes('query?path=/v1/session') || !guesses.includes(address)) expect(text, address).not.toContain('chenxi');
      if (address.includes('/vms/chenxi')) expect(text, address).toMatch(/no such page|not known|nothing at that address/i);
    }
    await context.close();
  }, 120_000);

  it('forgets one customer before it shows another', async () => {
    const { context, page } = await byKey('/portal', 'acme');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.locator('input[name=key]').fill(keys.get('chenxi') ?? '');
    await page.keyboard.press('Enter');
    await page.locator('nav.side').waitFor();
    await ready(page);
    const text = (await page.locator('body').textContent()) ?? '';
    expect(text).toContain('chenxi-web');
    expect(text).not.toContain('acme');
    await context.close();
  });
});
