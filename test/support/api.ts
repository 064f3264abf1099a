import type { FastifyInstance } from 'fastify';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { Registry } from 'prom-client';
import type { ApiContext } from '../../src/api/shared/context.ts';
import { bodyExamples } from '../../src/api/body-examples.ts';
import { apiPlugin, type ServiceParts, servicePlugin } from '../../src/api/routes.ts';
import { apiContextOf } from '../../src/app/api-context.ts';
import { makeLogger } from '../../src/http/bare-server.ts';
import { buildServer, type FrameOptions } from '../../src/http/server.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import type { Store } from '../../src/store/store.ts';
import { openCatalogOf, recordsOf } from './records.ts';

/** The API over a store and a catalog, without log and aggregator: rows are put into the store by the test. */
export const ADMIN = 'an-admin-key-for-the-tests';

export interface ApiAnswer {
  status: number;
  /** {} when the answer is no JSON. */
  body: Record<string, unknown>;
  text: string;
  headers: Record<string, unknown>;
}

let asked = 0;

/** Opens a catalog with the admin key, as another process would. Its keys and ids are not of chance, and none is given twice. */
export async function openCatalog(store: Store, now: () => number): Promise<Catalog> {
  const randomBytes = (size: number): Uint8Array => Buffer.alloc(size, (asked += 1).toString(16).padStart(4, '0'), 'hex');
  const catalog = await openCatalogOf({ store, now, randomBytes });
  await catalog.keys.bootstrapAdmin(ADMIN);
  return catalog;
}

/** What a test may want otherwise. */
export interface TestParts
  extends
    Omit<FrameOptions, 'keys' | 'sessions' | 'owners'>,
    Omit<ServiceParts, 'sources'>,
    Pick<ApiContext, 'watermarkMs' | 'termsLibrary' | 'issuer' | 'now'> {
  /** Left out: what the watermark says. */
  readonly eventClockMs?: () => number | null;
}

export function serverOn(store: Store, catalog: Catalog, change: Partial<TestParts> = {}): Promise<FastifyInstance> {
  const parts: TestParts = {
    watermarkMs: () => null,
    termsLibrary: loadTerms([shippedTermsFolder()]),
    constants: { stalenessMs: 90_000, latenessMs: 120_000, linkLimitBps: 100_000_000_000n, retentionDays: 90, clock: 'wall' },
    status: () => ({
      log: { appended: 0n, aggregated: 0n, stored: 0n },
      catalog: { recorded: 0n, applied: 0n },
      watermarkMs: null,
      vms: 0,
      waiting: { vms: 0, minutes: 0, samples: 0 },
      samples: { accepted: 0n, applied: 0n, duplicate: 0n, conflict: 0n, late: 0n, quarantined: 0n, rejected: {} },
    }),
    ready: () => ({ ready: true }),
    // Every period that the tests bill is over.
    now: () => Date.parse('2026-12-01T00:00:00Z'),
    ...{
      version: '0.0.0',
      examples: bodyExamples(Date.now()),
      logger: makeLogger('silent'),
      registry: new Registry(),
      plugins: [],
    },
    ...change,
  };
  const { watermarkMs, constants, termsLibrary, issuer, now } = parts;
  const newest = (): number | null => {
    const watermark = watermarkMs('');
    return watermark === null ? null : watermark + constants.latenessMs;
  };
  const { journal, books, runs, leases, sources, requests, sessions, portalLinks, subscriptions } = recordsOf(catalog);
  const context = apiContextOf({
    ...{
      store,
      catalog,
      books,
      sources,
      sessions,
      portalLinks,
      subscriptions,
      watermarkMs,
      termsLibrary,
      issuer,
      now,
      config: constants,
    },
    scheduling: { journal, runs, leases, isOn: false, invoices: 'drafts' },
    eventClockMs: parts.eventClockMs ?? newest,
  });
  return buildServer({
    ...parts,
    keys: catalog.keys,
    sessions,
    owners: catalog,
    once: { requests, store, now },
    plugins: [servicePlugin({ ...parts, sources }), apiPlugin(context), ...parts.plugins],
  });
}

/** Calls a server with the admin key, or another, or none; a body that is no string is sent as JSON. */
export function callOf(app: FastifyInstance, key: string | null = ADMIN) {
  return async (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH',
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> => {
    const response = await app.inject({
      method,
      url,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const isJson = /json/.test(response.headers['content-type']?.toString() ?? '');
    return {
      status: response.statusCode,
      body: isJson ? response.json<Record<string, unknown>>() : {},
      text: response.body,
      headers: response.headers,
    };
  };
}

/** Calls by the admin that must succeed, of the server that there is by then: the answer's body. */
export function doneOf(app: () => FastifyInstance) {
  return async <T = ApiAnswer['body']>(...given: Parameters<ReturnType<typeof callOf>>): Promise<T> => {
    const answer = await callOf(app())(...given);
    if (answer.status >= 300) throw new Error(`${given[0]} ${given[1]} answered ${answer.status}: ${answer.text}`);
    return answer.body as T;
  };
}
