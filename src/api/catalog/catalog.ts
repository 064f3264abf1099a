import { accountBody, type VmBody, vmBody } from '../../catalog/bodies.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { paidTermOf } from '../../books/paid-terms.ts';
import { formatAmount } from '../../domain/money.ts';
import { unprintableText } from '../../print/pdf/printable.ts';
import { planBody } from '../../domain/plan.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { plansSeenBy } from '../shared/customers-own.ts';
import { catalogListRoutes } from './catalog-lists.ts';
import { catalogReads } from './catalog-reads.ts';
import { accountJson, accountShape, entryJson, planShape, vmJson, vmShape } from './catalog-shapes.ts';
import { catalogWrites } from './catalog-writes.ts';
import { checkTermsNamed } from './terms.ts';

/** Plans, accounts and VMs: written, read as they are and as they were. */
export function catalogRoutes(api: Api, context: ApiContext): void {
  const { books, catalog, termsLibrary } = context;
  /** A VM as it is: what was paid for it is what payments say. */
  const vmShown = (entry: Versioned<VmBody>): Record<string, unknown> => {
    const { body, id } = entry;
    const term = paidTermOf(books, body.account, id);
    if (term === undefined) return vmJson(entry);
    const amount = formatAmount(term.nanos, catalog.account(body.account)?.body.currency ?? '');
    const paid = { paid_at: term.paidAtMs, paid_until: term.untilMs, paid_amount: amount };
    return vmJson({ ...entry, body: { ...body, ...paid } });
  };
  catalogWrites(api, context, {
    kind: 'plan',
    what: 'A plan',
    description:
      'A change holds for all time that the plan is in force, and restates the credits of its minutes; a new price from a day on is a new plan. A plan that a ' +
      'final invoice has used keeps its price, traffic, time zone and currency (`plan_in_use`), unless `restate` says otherwise.',
    body: planBody,
    shape: planShape,
    unknown: 'plan_unknown',
    problems: ['plan_in_use', 'catalog_conflict', 'invalid_reference'],
    now: (id) => catalog.plan(id),
    check: (body) => {
      checkTermsNamed(termsLibrary, body.terms);
    },
    allow: (id, body) => {
      catalog.allowPlan(id, body);
    },
    put: (id, decide, by) => catalog.putPlan(id, decide, by),
    json: (entry) => entryJson(entry),
  });
  catalogWrites(api, context, {
    kind: 'account',
    what: 'An account',
    description: 'A tax rate that was invoiced is taken away only where `restate` says so.',
    body: accountBody,
    shape: accountShape,
    unknown: 'account_unknown',
    problems: ['catalog_conflict', 'invalid_reference'],
    now: (id) => catalog.account(id),
    check: () => undefined,
    allow: (id, body) => {
      catalog.allowAccount(id, body);
    },
    put: (id, decide, by) => catalog.putAccount(id, decide, by),
    json: accountJson,
    warnings: async ({ name, address, tax_id: taxId }) => {
      const found = [
        await unprintableText('name', name),
        await unprintableText('address', address),
        await unprintableText('tax_id', taxId),
      ];
      return found.filter((text) => text !== undefined);
    },
  });
  catalogWrites(api, context, {
    kind: 'vm',
    what: 'What is agreed for a VM',
    description:
      'A VM belongs to one account for all of its service: once that was charged for it another is refused. End it then, and start another VM. Its plans, terms and ' +
      'interfaces in time that was invoiced change only where `restate` says so; its service may end earlier.',
    body: vmBody,
    shape: vmShape,
    unknown: 'vm_unknown',
    problems: ['catalog_conflict', 'invalid_reference'],
    now: (id) => catalog.vm(id),
    check: ({ terms }) => {
      if (typeof terms === 'string' || terms === null) checkTermsNamed(termsLibrary, terms);
      else for (const [i, { sheet }] of terms.entries()) checkTermsNamed(termsLibrary, sheet, `terms.${i}.sheet`);
    },
    allow: (id, body) => {
      catalog.allowVm(id, body);
    },
    put: (id, decide, by) => catalog.putVm(id, decide, by),
    json: vmShown,
  });

  catalogListRoutes(api, context, vmShown);
  catalogReads(api, context, {
    kind: 'plan',
    what: 'A plan',
    shape: planShape,
    problem: 'plan_unknown',
    now: (id) => catalog.plan(id),
    json: (entry) => entryJson({ ...entry, body: planBody.parse(entry.body) }),
    customer: { by: 'handler' },
    sees: (customer, id) => plansSeenBy(catalog, customer).has(id),
  });
  catalogReads(api, context, {
    kind: 'account',
    what: 'An account',
    shape: accountShape,
    problem: 'account_unknown',
    now: (id) => catalog.account(id),
    json: (entry) => accountJson({ ...entry, body: accountBody.parse(entry.body) }),
    customer: { by: 'account', whole: true },
  });
  catalogReads(api, context, {
    kind: 'vm',
    what: 'What is agreed for a VM',
    shape: vmShape,
    problem: 'vm_unknown',
    now: (id) => catalog.vm(id),
    json: (entry) => vmJson({ ...entry, body: vmBody.parse(entry.body) }),
    customer: { by: 'vm' },
    jsonNow: (entry) => vmShown({ ...entry, body: vmBody.parse(entry.body) }),
  });
}
