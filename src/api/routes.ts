/** All calls of the API, in the order in which they are documented. */
import type { HeldSources } from '../sources/held-sources.ts';
import type { Api, HttpPlugin } from '../http/api.ts';
import { accountMeteringRoutes } from './metering/account-metering.ts';
import { anomalyRoutes } from './metering/anomalies.ts';
import { backtestRoutes } from './billing/backtests.ts';
import { balanceRoutes } from './billing/balance.ts';
import { catalogRoutes } from './catalog/catalog.ts';
import { chargeRoutes } from './billing/charges.ts';
import { chargeDaysRoute } from './billing/charge-days.ts';
import { debitRoutes } from './billing/debits.ts';
import { eventRoutes } from './catalog/events.ts';
import { evidenceRoutes } from './service/evidence.ts';
import { findingRoutes } from './service/findings.ts';
import { incidentRoutes } from './catalog/incidents.ts';
import { invoiceListRoutes } from './billing/invoice-list.ts';
import { invoiceRunRoutes } from './billing/invoice-runs.ts';
import { invoiceRoutes } from './billing/invoices.ts';
import { creditNoteRoutes } from './billing/credit-notes.ts';
import { ledgerRoutes } from './billing/ledger.ts';
import { paymentRoutes } from './billing/payments.ts';
import { payoutRoutes } from './billing/payouts.ts';
import { grantRoutes } from './billing/grants.ts';
import { keyRoutes } from './service/keys.ts';
import { auditRoutes } from './access/audit.ts';
import { portalLinkRoutes } from './access/portal-links.ts';
import { sessionRoutes } from './access/session.ts';
import { sourceRoutes } from './metering/sources.ts';
import { nameRoutes } from './service/names.ts';
import { reconcileRoutes } from './billing/reconcile.ts';
import { refundCheckListRoute } from './billing/refund-check-list.ts';
import { refundRoutes } from './billing/refunds.ts';
import { silenceDecisionRoutes } from './silences/decisions.ts';
import { silenceRoutes } from './silences/silences.ts';
import { outageRoutes } from './metering/outages.ts';
import { priceListRoute } from './billing/price-list.ts';
import { statementRoutes } from './billing/statement.ts';
import { standingRoutes } from './billing/standing.ts';
import { schedulerRoutes } from './scheduler/scheduler.ts';
import { noticeRoutes } from './notices/notices.ts';
import { subscriptionRoutes } from './notices/subscriptions.ts';
import { columnsOfVmsRoute } from './metering/columns-of-vms.ts';
import { rowsOfVmsRoute } from './metering/rows-of-vms.ts';
import { termsRoutes } from './catalog/terms.ts';
import { vmMeteringRoutes } from './metering/vm-metering.ts';
import { healthRoutes, type Readiness, type ShownConstants, statusRoute } from './service/status.ts';
import type { MeteringStatus } from '../aggregate/metering-status.ts';
import type { ApiContext } from './shared/context.ts';

const ROUTES: readonly ((api: Api, context: ApiContext) => void)[] = [
  vmMeteringRoutes,
  anomalyRoutes,
  evidenceRoutes,
  rowsOfVmsRoute,
  columnsOfVmsRoute,
  accountMeteringRoutes,
  outageRoutes,
  silenceRoutes,
  silenceDecisionRoutes,
  catalogRoutes,
  termsRoutes,
  backtestRoutes,
  incidentRoutes,
  keyRoutes,
  sessionRoutes,
  portalLinkRoutes,
  auditRoutes,
  sourceRoutes,
  nameRoutes,
  eventRoutes,
  refundRoutes,
  refundCheckListRoute,
  grantRoutes,
  invoiceListRoutes,
  invoiceRoutes,
  invoiceRunRoutes,
  reconcileRoutes,
  paymentRoutes,
  payoutRoutes,
  chargeRoutes,
  creditNoteRoutes,
  ledgerRoutes,
  priceListRoute,
  statementRoutes,
  balanceRoutes,
  chargeDaysRoute,
  standingRoutes,
  debitRoutes,
  findingRoutes,
  schedulerRoutes,
  subscriptionRoutes,
  noticeRoutes,
];

export interface ServiceParts {
  readonly ready: () => Readiness | Promise<Readiness>;
  /** Undefined where the process knows nothing of the whole. */
  readonly status: (() => MeteringStatus | Promise<MeteringStatus>) | undefined;
  /** What the aggregator computes with (a Config has all of it). */
  readonly constants: ShownConstants;
  readonly sources: HeldSources;
}

/** What every process says of itself. */
export function servicePlugin({ ready, status, constants, sources }: ServiceParts): HttpPlugin {
  return (api) => {
    healthRoutes(api, ready);
    if (status !== undefined) statusRoute(api, status, constants, sources);
  };
}

/** The questions and the catalog. */
export function apiPlugin(context: ApiContext): HttpPlugin {
  return (api) => {
    for (const routes of ROUTES) routes(api, context);
  };
}
