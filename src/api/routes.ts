import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Books } from '../books/books.ts';
import type { BillingContext } from '../billing/context.ts';
import type { Status } from '../aggregate/status.ts';
import type { IssuerProfile } from '../billing/issuer.ts';
import type { QueryContext } from '../query/context.ts';
import { loadTerms, shippedTermsFolder, type TermsLibrary } from '../terms/library.ts';
import { Api, type HttpPlugin } from '../http/api.ts';
import { checkKeyAgain, roleCheck } from '../http/auth.ts';
import { bareServer, HTTP_LIMITS, type BareOptions } from '../http/bare-server.ts';
import { boundBodies } from '../http/body-budget.ts';
import { installDocs } from '../http/docs.ts';
import { installMetrics } from '../http/metrics.ts';
import { installNotFound } from '../http/problem-pages.ts';
import { accountMeteringRoutes } from './metering/account-metering.ts';
import { anomalyRoutes } from './metering/anomalies.ts';
import { bodyExamples } from './body-examples.ts';
import { backtestRoutes } from './billing/backtests.ts';
import { balanceRoutes } from './billing/balance.ts';
import { catalogRoutes } from './catalog/catalog.ts';
import { chargeDaysRoute } from './billing/charge-days.ts';
import { debitRoutes } from './billing/debits.ts';
import { eventRoutes } from './catalog/events.ts';
import { evidenceRoutes } from './service/evidence.ts';
import { findingRoutes } from './service/findings.ts';
import { incidentRoutes } from './catalog/incidents.ts';
import { invoiceListRoutes } from './billing/invoice-list.ts';
import { invoiceRunRoutes } from './billing/invoice-runs.ts';
import { invoiceRoutes } from './billing/invoices.ts';
import { keyRoutes } from './service/keys.ts';
import { nameRoutes } from './service/names.ts';
import { reconcileRoutes } from './billing/reconcile.ts';
import { refundRoutes } from './billing/refunds.ts';
import { healthRoutes, type ShownConstants, type Readiness, statusRoute } from './service/status.ts';
import { columnsOfVmsRoute } from './metering/columns-of-vms.ts';
import { rowsOfVmsRoute } from './metering/rows-of-vms.ts';
import { termsRoutes } from './catalog/terms.ts';
import { vmMeteringRoutes } from './metering/vm-metering.ts';

export { HTTP_LIMITS, makeLogger } from '../http/bare-server.ts';

export interface ServerDeps extends QueryContext, BareOptions {
  /** What is owed and paid. */
  books: Books;
  /** Left out where the process knows nothing of the whole. */
  status?: () => Status | Promise<Status>;
  /** Awaited before a call of the API is looked at: what other processes have stored and recorded is seen. */
  freshen?: () => Promise<void>;
  /** Awaited before a key that is not known is turned away: another process may have made it. */
  onUnknownKey?: () => Promise<void>;
  ready: () => Readiness | Promise<Readiness>;
  /** What the aggregator computes with (a Config has all of it). */
  terms: ShownConstants;
  /** The providers' terms sheets; left out: the shipped ones. */
  sheets?: TermsLibrary;
  /** Who invoices are from. */
  issuer?: IssuerProfile | undefined;
  /** The clock of this machine. */
  now?: () => number;
  /** With the event clock: the highest instant of a sample so far, null before the first. Left out: what the watermark says. */
  eventClockMs?: () => number | null;
  /** The product's version, shown in the OpenAPI document. */
  version: string;
  /** Whether the questions and the catalog are served; plugins and health always are. */
  api?: boolean;
  plugins?: readonly HttpPlugin[];
  logger?: Logger;
  registry?: Registry;
}

/** Builds the HTTP server, ready to listen. The caller owns everything in `deps` and closes it after the server. */
export async function buildServer(deps: ServerDeps): Promise<FastifyInstance> {
  const app = bareServer(deps.logger, deps);
  boundBodies(app, deps.limits?.bodyBytesMax ?? HTTP_LIMITS.bodyBytesMax);
  const { freshen } = deps;
  const freshened =
    freshen === undefined
      ? undefined
      : (request: FastifyRequest): Promise<void> => (isFreshened(request) ? freshen() : Promise.resolve());
  if (freshened !== undefined) app.addHook('onRequest', freshened);
  checkKeyAgain(app, deps.catalog.keys, freshened);

  const api = new Api(app, roleCheck(deps.catalog.keys, deps.onUnknownKey));
  installNotFound(app, (path) => api.methodsOf(path));
  installMetrics(api, deps.registry ?? new Registry());
  healthRoutes(api, deps.ready);
  if (deps.status !== undefined) statusRoute(api, deps.status, deps.terms);
  if (deps.api !== false) {
    const sheets = deps.sheets ?? loadTerms([shippedTermsFolder()]);
    const now = deps.now ?? Date.now;
    const billing: BillingContext = { ...deps, termsLibrary: sheets, businessNow: businessClock(deps, now) };
    vmMeteringRoutes(api, billing);
    anomalyRoutes(api, deps);
    evidenceRoutes(api, deps);
    rowsOfVmsRoute(api, deps);
    columnsOfVmsRoute(api, deps);
    accountMeteringRoutes(api, billing);
    catalogRoutes(api, billing, sheets, now);
    termsRoutes(api, sheets);
    backtestRoutes(api, billing);
    incidentRoutes(api, billing);
    keyRoutes(api, deps.catalog);
    nameRoutes(api, deps);
    eventRoutes(api, billing);
    refundRoutes(api, deps, sheets, now);
    invoiceListRoutes(api, deps.books);
    invoiceRoutes(api, billing, now);
    invoiceRunRoutes(api, billing, now);
    reconcileRoutes(api, billing, now);
    balanceRoutes(api, billing);
    chargeDaysRoute(api, billing, now);
    debitRoutes(api, deps.books);
    findingRoutes(api, billing, now);
  }
  for (const plugin of deps.plugins ?? []) await plugin(api);
  await installDocs(api, deps.version, bodyExamples(Date.now()));
  return app;
}

/**
 * The clock of what is owed and due: this machine's, or the event clock, on which nothing has happened beyond the newest sample. 0 before
 * the first of them.
 */
function businessClock({ terms, watermarkMs, eventClockMs }: ServerDeps, now: () => number): () => number {
  if (terms.clock === 'wall') return now;
  if (eventClockMs !== undefined) return () => eventClockMs() ?? 0;
  return () => {
    const watermark = watermarkMs('');
    return watermark === null ? 0 : watermark + terms.latenessMs;
  };
}

/** Samples are taken whatever the store does, and their receivers say so; health and metrics say what they know. */
function isFreshened({ routeOptions: { url = '', config } }: FastifyRequest): boolean {
  return url.startsWith('/v1/') && config.asKnown !== true;
}
