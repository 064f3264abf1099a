/** Pages that are written from the code say what the code says. `npm run docs` writes them anew. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { alertsPage } from './pages/alerts.ts';
import { cliPage } from './pages/cli.ts';
import { configurationPage } from './pages/configuration.ts';
import { decisionsPage } from './pages/decisions.ts';
import { httpApiPage, type OpenApi } from './pages/http-api.ts';
import { limitsPage } from './pages/limits.ts';
import { ROOT } from './pages/markdown.ts';
import { metricsPage } from './pages/metrics.ts';
import { problemsPage, rejectionCodesPage } from './pages/problems.ts';

let dir: string;
let server: TestServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uptally-docs-'));
  server = await startServer({ dir });
});
afterAll(async () => {
  await server.end('SIGTERM');
  await rm(dir, { recursive: true, force: true });
});

const PAGES: readonly (readonly [page: string, write: () => Promise<string>])[] = [
  ['reference/configuration.md', configurationPage],
  ['reference/limits.md', limitsPage],
  ['reference/metrics.md', async () => metricsPage((await server.call('/metrics', { key: null })).text)],
  ['reference/cli.md', cliPage],
  ['reference/problems.md', problemsPage],
  ['reference/rejection-codes.md', rejectionCodesPage],
  ['reference/http-api.md', async () => httpApiPage(await server.ask<OpenApi>('/openapi.json', { key: null }))],
  ['operating/alerts.md', alertsPage],
  ['decisions/README.md', decisionsPage],
];

describe('a page that is written from the code says what the code says', () => {
  it.each(PAGES)('docs/%s', async (page, write) => {
    await expect(await write()).toMatchFileSnapshot(join(ROOT, 'docs', page));
  });
});
