import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { callOf, openCatalog, serverOn } from '../support/api.ts';
import { commandPaths } from '../docs/pages/cli.ts';

/** Every call of the catalog and of money can be made by command: which one, or why by none. */
const CALLS: Readonly<Record<string, string | { readonly none: string }>> = {
  'PUT /v1/plans/{id}': 'catalog put',
  'PATCH /v1/plans/{id}': 'catalog patch',
  'GET /v1/plans/{id}': 'catalog show',
  'GET /v1/plans': 'catalog list',
  'GET /v1/plans/{id}/history': 'catalog history',
  'PUT /v1/accounts/{id}': 'catalog put',
  'PATCH /v1/accounts/{id}': 'catalog patch',
  'GET /v1/accounts/{id}': 'catalog show',
  'GET /v1/accounts': 'catalog list',
  'GET /v1/accounts/{id}/history': 'catalog history',
  'PUT /v1/vms/{id}': 'catalog put',
  'PATCH /v1/vms/{id}': 'catalog patch',
  'GET /v1/vms/{id}': 'catalog show',
  'GET /v1/vms': 'catalog list',
  'GET /v1/vms/{id}/history': 'catalog history',
  'GET /v1/events': 'events list',
  'POST /v1/vms/{vm}/events': 'events record',
  'GET /v1/vms/{vm}/events': 'events list',
  'DELETE /v1/vms/{vm}/events/{event}': 'events withdraw',
  'GET /v1/terms': 'terms known',
  'GET /v1/terms/{id}': 'terms known',
  'POST /v1/terms/backtests': 'terms backtest',
  'POST /v1/refund-checks': 'refund-check',
  'GET /v1/refund-checks': 'refund-check',
  'GET /v1/refund-checks/{id}': 'refund-check',
  'POST /v1/refund-checks/{id}/grant': 'money grant',
  'GET /v1/invoices': 'invoices list',
  'POST /v1/invoices': 'invoices draft',
  'GET /v1/invoices/{id}': 'invoices show',
  'POST /v1/invoices/{id}/finalize': 'invoices finalize',
  'POST /v1/invoices/{id}/void': 'invoices void',
  'POST /v1/invoice-runs': 'invoices run',
  'POST /v1/reconcile': 'reconcile',
  'POST /v1/accounts/{account}/payments': 'payments record',
  'POST /v1/invoices/{id}/payments': { none: 'is the call of the account with `covers` given: `payments record --invoice`' },
  'POST /v1/accounts/{account}/payouts': 'money payout',
  'POST /v1/accounts/{account}/charges': 'money charge',
  'GET /v1/accounts/{account}/charges': 'money charges',
  'DELETE /v1/accounts/{account}/charges/{id}': 'money withdraw',
  'POST /v1/invoices/{id}/credit-notes': 'money credit',
  'GET /v1/accounts/{account}/ledger': 'money ledger',
  'GET /v1/accounts/{account}/statement': 'statement',
  'GET /v1/accounts/{account}/standing': 'money standing',
  'GET /v1/accounts/{account}/balance': 'balance',
  'POST /v1/accounts/{account}/balance': 'balance',
  'GET /v1/price-list': 'price-list',
  'POST /v1/charge-days': 'charge-days',
  'GET /v1/debits': 'money debits',
  'GET /v1/debits/{id}': 'money debits',
  'GET /v1/findings': 'findings',
  'POST /v1/incidents': 'incidents record',
  'GET /v1/incidents': 'incidents list',
  'DELETE /v1/incidents/{id}': 'incidents withdraw',
  'GET /v1/silences': 'silences list',
  'GET /v1/silences/{id}': 'silences show',
  'POST /v1/silences/{id}/decision': 'silences decide',
  'DELETE /v1/silences/{id}/decision/{decision}': 'silences withdraw',
  'POST /v1/keys': 'keys create',
  'GET /v1/keys': 'keys list',
  'DELETE /v1/keys/{id}': 'keys revoke',
  'POST /v1/keys/{id}/rotate': 'keys rotate',
};
const TAGS: readonly string[] = ['catalog', 'billing', 'incidents', 'silences', 'keys'];

/** A store that has nothing. */
const store: Store = {
  command: () => Promise.resolve(),
  rows: () => Promise.resolve([]),
  ndjson: () => Promise.resolve(new Uint8Array()),
  insertRowBinary: () => Promise.resolve(),
  claim: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

describe('calls by command', () => {
  let app: FastifyInstance;
  beforeAll(async () => {
    app = await serverOn(store, await openCatalog(store, () => 0));
  });
  afterAll(() => app.close());

  it('each call of the catalog, money, incidents, silences and keys has its command, or says why it has none', async () => {
    const { paths } = (await callOf(app, null)('GET', '/openapi.json')).body as {
      paths: Record<string, Record<string, { tags?: readonly string[] }>>;
    };
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { tags = [] }]) =>
        tags.some((tag) => TAGS.includes(tag)) ? [`${method.toUpperCase()} ${path}`] : [],
      ),
    );
    expect(calls.toSorted()).toEqual(Object.keys(CALLS).toSorted());
  });

  it('every command that is named is there', async () => {
    const known = new Set(await commandPaths());
    const named = Object.values(CALLS).filter((each) => typeof each === 'string');
    expect(named.filter((command) => !known.has(`uptally ${command}`))).toEqual([]);
  });
});
