/** Every view, by its address; each is loaded when it is first gone to. */
import type { View } from '../shared/view.tsx';

export type { View, ViewProps } from '../shared/view.tsx';

export const VIEWS: readonly View[] = [
  { path: 'now', load: async () => (await import('./pages/now.tsx')).Now },
  { path: 'fleet', load: async () => (await import('./pages/fleet.tsx')).Fleet },
  { path: 'vms/:vm', under: 'fleet', load: async () => (await import('./pages/vm.tsx')).VmPage },
  { path: 'accounts', load: async () => (await import('./pages/accounts.tsx')).Accounts },
  { path: 'accounts/:account', under: 'accounts', load: async () => (await import('./pages/account.tsx')).AccountPage },
  { path: 'invoices', load: async () => (await import('./pages/invoices.tsx')).Invoices },
  { path: 'invoices/:invoice', under: 'invoices', load: async () => (await import('./pages/invoice.tsx')).InvoicePage },
  { path: 'preview', under: 'invoices', load: async () => (await import('./pages/invoice.tsx')).Preview },
  { path: 'outages', load: async () => (await import('./pages/outages.tsx')).Outages },
  { path: 'outages/:vm/:start', under: 'outages', load: async () => (await import('./pages/outages.tsx')).OutagePage },
  { path: 'incidents', load: async () => (await import('./pages/incidents.tsx')).Incidents },
  { path: 'silences', load: async () => (await import('./pages/silences.tsx')).Silences },
  { path: 'silences/:silence', under: 'silences', load: async () => (await import('./pages/silences.tsx')).SilencePage },
  { path: 'refunds', load: async () => (await import('./pages/refunds.tsx')).Refunds },
  { path: 'refunds/:check', under: 'refunds', load: async () => (await import('./pages/refunds.tsx')).RefundPage },
  { path: 'terms', load: async () => (await import('./pages/terms.tsx')).Terms },
  { path: 'terms/:sheet', under: 'terms', load: async () => (await import('./pages/terms.tsx')).TermsPage },
  { path: 'scheduler', load: async () => (await import('./pages/operations.tsx')).Scheduler },
  { path: 'keys', load: async () => (await import('./pages/operations.tsx')).Keys },
  { path: 'notices', load: async () => (await import('./pages/notices.tsx')).Notices },
  { path: 'audit', load: async () => (await import('./pages/audit.tsx')).Audit },
  { path: 'sources', load: async () => (await import('./pages/operations.tsx')).Sources },
  { path: 'sources/:source', under: 'sources', load: async () => (await import('./pages/operations.tsx')).SourcePage },
  { path: 'agents', load: async () => (await import('./pages/operations.tsx')).Agents },
  { path: 'query', load: async () => (await import('../shared/pages/query.tsx')).QueryPage },
  { path: 'search', load: async () => (await import('./pages/search.tsx')).Search },
];
