/** What /docs and /guides show: the product's own face, documents whose links hold, and examples that work when they are tried. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, newFolder, type ServedFolder, type TestServer, untilStored } from '../support/server.ts';

interface Call {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
}
type Paths = Readonly<Record<string, Readonly<Record<string, Call>>>>;

let folder: ServedFolder;
let server: TestServer;
let paths: Paths;

beforeAll(async () => {
  folder = await newFolder('docs-pages');
  await mkdir(join(folder.dir, 'data'));
  await writeFile(join(folder.dir, 'data/issuer.json'), '{"name":"Example Hosting Ltd"}');
  server = await folder.start();
  ({ paths } = await server.ask<{ paths: Paths }>('/openapi.json', { key: null }));
});
afterAll(async () => {
  await folder.remove();
});

const shown = (path: string) => server.call(path, { key: null });

describe('/docs', () => {
  it('is named after the product, and leads to the documents', async () => {
    const page = (await shown('/docs/')).text;
    expect(page).toContain('<title>Uptally: API</title>');
    const script = (await shown('/docs/static/swagger-initializer.js')).text;
    const [, logo = ''] = /data:image\/svg\+xml;base64,([A-Za-z0-9+/=]+)/.exec(script) ?? [];
    expect(Buffer.from(logo, 'base64').toString()).toContain('>Uptally<');
    expect(script).toContain('/guides');
    expect((await shown('/openapi.json')).text).toContain('(/guides/docs/start.md)');
  });
});

describe('/guides', () => {
  it('shows every document that a document links to, from the table of contents on', async () => {
    const seen = new Map<string, number>();
    const broken: string[] = [];
    const follow = async (path: string, from: string): Promise<void> => {
      if (seen.has(path)) return;
      const answer = await shown(path);
      seen.set(path, answer.status);
      if (answer.status !== 200) broken.push(`${from} -> ${path}: ${answer.status}`);
      if (!String(answer.headers['content-type']).startsWith('text/html')) return;
      for (const [, link = ''] of answer.text.matchAll(/(?:href|src)="([^"#]+)(?:#[^"]*)?"/g)) {
        if (/^[a-z]+:/.test(link) || /^\/(docs|problems|guides)$/.test(link)) continue;
        await follow(new URL(link, `http://x${path}`).pathname, path);
      }
    };
    expect(await shown('/')).toMatchObject({ status: 302, headers: { location: '/guides' } });
    const first = await shown('/guides');
    expect(first.status).toBe(302);
    await follow(String(first.headers['location']), '/guides');
    expect(broken).toEqual([]);
    expect(seen.size).toBeGreaterThan(40);
  });

  it('shows anchors as the links name them', async () => {
    expect((await shown('/guides/docs/spec.md')).text).toContain('id="6-rating-and-invoices"');
  });

  it.each([
    'docs/../package.json',
    'docs/%2e%2e/package.json',
    '..%2f..%2fetc/passwd',
    'package.json',
    'src/process/config.ts',
    'docs',
    'deploy/secrets/admin_key',
  ])('does not show what is no document: %s', async (path) => {
    expect((await shown(`/guides/${path}`)).status).toBe(404);
  });

  it('runs nothing: a page allows no script and no other server', async () => {
    expect((await shown('/guides/docs/start.md')).headers['content-security-policy']).toContain("default-src 'none'");
  });
});

describe('the examples of bodies', () => {
  /** Calls with a body that is JSON. */
  const calls = (): { call: string; example: unknown }[] =>
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { requestBody }]) => {
        const body = requestBody?.content['application/json'];
        return body === undefined ? [] : [{ call: `${method.toUpperCase()} ${path}`, example: body.example }];
      }),
    );

  it('every call with a body has one', () => {
    expect(calls().filter(({ example }) => example === undefined)).toEqual([]);
  });

  it('work when they are tried, one after the other', async () => {
    const examples = new Map(calls().map(({ call, example }) => [call, example]));
    const tried = async (call: string, at = ''): Promise<Record<string, unknown>> => {
      const [method = '', path = ''] = call.split(' ');
      const answer = await server.call(path.replace(/\{\w+\}/, at), {
        method: method as 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(examples.get(call)),
      });
      expect(answer.status, `${call}: ${answer.text}`).toBeLessThan(300);
      examples.delete(call);
      return answer.text === '' ? {} : (answer.json() as Record<string, unknown>);
    };
    expect(await tried('POST /v1/samples')).toMatchObject({ accepted: 1, rejected: 0 });
    await untilStored(server);
    await tried('PUT /v1/plans/{id}', 'small');
    await tried('PUT /v1/accounts/{id}', 'acme');
    await tried('PUT /v1/vms/{id}', 'web-1');
    await tried('PATCH /v1/plans/{id}', 'small');
    await tried('PATCH /v1/accounts/{id}', 'acme');
    await tried('PATCH /v1/vms/{id}', 'web-1');
    await tried('POST /v1/vms/{vm}/events', 'web-1');
    await tried('PUT /v1/sources/{id}', 'rack-1');
    await tried('POST /v1/sources/{id}/series', 'rack-1');
    const presets = { otlp: 'otel-hostmetrics', cloudevents: 'cloudevents', collectd: 'collectd-virt', ceilometer: 'ceilometer' };
    for (const [protocol, preset] of Object.entries(presets)) {
      const body = JSON.stringify({ preset, keys: ['admin'] });
      await server.ask(`/v1/sources/${protocol}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
      for (const call of [...examples.keys()].filter((each) => each.startsWith(`POST /v1/receive/${protocol}/`)))
        await tried(call, protocol);
    }
    for (const call of ['POST /v1/metrics', 'POST /api/v1/events']) await tried(call);
    await tried('POST /v1/scheduler/jobs/{job}/run', 'charge-days');
    const { id: webhook } = (await tried('POST /v1/webhooks')) as { id: string };
    await tried('PUT /v1/webhooks/{id}', webhook);
    await tried('POST /v1/webhooks/{id}/replay', webhook);
    const { id: subscription } = (await tried('POST /v1/subscriptions')) as { id: string };
    await tried('PUT /v1/subscriptions/{id}', subscription);
    await tried('POST /v1/accounts/{account}/payments', 'acme');
    const made = (await tried('POST /v1/keys')) as { id: string };
    // an example's key is nobody's: the call is tried with one that is somebody's
    examples.set('POST /v1/session', { ...(examples.get('POST /v1/session') as object), key: ADMIN_KEY });
    await tried('POST /v1/session');
    await tried('POST /v1/keys/{id}/rotate', made.id);
    await tried('POST /v1/accounts/{account}/portal-links', 'acme');
    for (const call of [
      'POST /v1/incidents',
      'POST /v1/refund-checks',
      'POST /v1/terms/backtests',
      'POST /v1/invoices',
      'POST /v1/invoice-runs',
      'POST /v1/reconcile',
      'POST /v1/names/forget',
    ])
      await tried(call);
    const now = Date.now();
    const quiet = [now - 600_000, now - 60_000].map((ts) => JSON.stringify({ vm: 'quiet-1', ts }));
    await server.call('/v1/samples', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: quiet.join('\n'),
    });
    await untilStored(server);
    const silences = await server.ask<{ rows: { id: string }[] }>(`/v1/silences?from=${now - 600_000}&to=${now}`);
    await tried('POST /v1/silences/{id}/decision', silences.rows[0]?.id);
    const draft = { account: 'acme', from: '2026-04-01T00:00:00+08:00', to: '2026-05-01T00:00:00+08:00', mode: 'draft' };
    const headers = { 'content-type': 'application/json' };
    const { id } = await server.ask<{ id: string }>('/v1/invoices', { headers, body: JSON.stringify(draft) });
    await server.ask(`/v1/invoices/${id}/finalize?allow_incomplete=true`, { method: 'POST' });
    await tried('POST /v1/invoices/{id}/payments', id);
    await tried('POST /v1/accounts/{account}/balance', 'acme');
    await tried('POST /v1/charge-days');
    await tried('POST /v1/invoices/{id}/credit-notes', id);
    // an account whose terms do not keep its balance
    const body = JSON.stringify({ name: 'Free', currency: 'CNY' });
    await server.ask('/v1/accounts/free', { method: 'PUT', headers, body });
    const topUp = JSON.stringify({ kind: 'top_up', amount: '200.00', reference: 'wire-119', at: '2026-04-01T00:00:00Z' });
    await server.ask('/v1/accounts/free/balance', { method: 'POST', headers, body: topUp });
    await tried('POST /v1/accounts/{account}/payouts', 'free');
    await tried('POST /v1/accounts/{account}/charges', 'free');
    expect([...examples.keys()], 'an example that nobody tried').toEqual([]);
  });
});
