/** Debian's Chromium, driven: pages as people see them, with what their console says and what axe finds. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const PATHS = [process.env['UPTALLY_TEST_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];
export const CHROMIUM = PATHS.find((path) => path !== undefined && existsSync(path));
/** What the name of a test ends with where there is no browser. */
export const WITHOUT = CHROMIUM === undefined ? ' (skipped: no Chromium here; apt-get install chromium)' : '';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function openBrowser(): Promise<Browser> {
  // in CI we are root, whom Chromium's sandbox refuses
  return await chromium.launch({ ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }), args: ['--no-sandbox'] });
}

export interface Watched {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page's console said, what it threw, and what was refused or asked of others. */
  readonly said: string[];
}

export interface Look {
  readonly locale?: string;
  readonly dark?: boolean;
  readonly width?: number;
}

/** A window of its own, with no cookie, that writes down whatever should not be. */
export async function watchedPage(
  browser: Browser,
  origin: string,
  { locale = 'en', dark = false, width = 1280 }: Look = {},
): Promise<Watched> {
  const context = await browser.newContext({
    ...{
      locale,
      colorScheme: dark ? 'dark' : 'light',
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
      baseURL: origin,
    },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const said: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:')) said.push(`asked of others: ${url}`);
  });
  return { context, page, said };
}

/** Resolves when the view has everything that it asked for. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main h1').waitFor();
  // a part that has its answer may have others ask for theirs
  for (let quiet = 0; quiet < 3; quiet += 1) {
    if ((await page.locator('[data-loading]').count()) > 0) quiet = -1;
    await page.waitForTimeout(40);
  }
}

/** What axe finds on a page, as lines; none for an accessible one. */
export async function violations(page: Page): Promise<readonly string[]> {
  // in the driver's own world: the page's policy has no part in it
  await page.evaluate(AXE);
  return await page.evaluate<string[]>(
    `axe.run().then((result) => result.violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')))`,
  );
}

/** By how much a page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}
