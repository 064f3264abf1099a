/** Every view of the portal, by its address. */
import type { Views } from '../shared/view.tsx';

export const VIEWS: Views = {
  home: 'period',
  all: [
    { path: 'period', load: async () => (await import('./pages/period.tsx')).Period },
    { path: 'vms/:vm', under: 'period', load: async () => (await import('./pages/vm.tsx')).VmPage },
    { path: 'documents', load: async () => (await import('./pages/documents.tsx')).Documents },
    { path: 'documents/:id', load: async () => (await import('./pages/document.tsx')).DocumentPage },
    { path: 'statement', load: async () => (await import('./pages/statement.tsx')).StatementPage },
    { path: 'payments', load: async () => (await import('./pages/payments.tsx')).Payments },
    { path: 'refunds', load: async () => (await import('./pages/refunds.tsx')).Refunds },
    { path: 'refunds/:id', load: async () => (await import('./pages/refund.tsx')).RefundPage },
    { path: 'query', load: async () => (await import('../shared/pages/query.tsx')).QueryPage },
  ],
};

/** Those of the navigation; `whole`: of the account as a whole. */
export const NAVIGATION = [
  { path: 'period', key: 'nav.period', whole: false },
  { path: 'documents', key: 'nav.documents', whole: true },
  { path: 'statement', key: 'nav.statement', whole: true },
  { path: 'payments', key: 'nav.payments', whole: true },
  { path: 'refunds', key: 'nav.refunds', whole: false },
] as const;
