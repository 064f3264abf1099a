import { accountBody, vmBody } from '../../catalog/bodies.ts';
import { planBody } from '../../domain/plan.ts';
import type { QueryContext } from '../../query/context.ts';
import type { TermsLibrary } from '../../terms/library.ts';
import type { Api } from '../api.ts';
import { recorderOf } from '../auth.ts';
import { catalogReads } from './catalog-reads.ts';
import { accountShape, entryJson, planShape, vmJson, vmShape, withoutAdded } from './catalog-shapes.ts';
import { BODY_PROBLEMS, newIdParams } from './shapes.ts';
import { checkTermsNamed } from './terms.ts';

const WRITERS = ['admin'] as const;

/** Plans, accounts and VMs: written, read as they are and as they were. PUT of what is already so changes nothing. */
export function catalogRoutes(api: Api, context: QueryContext, library: TermsLibrary): void {
  const { catalog } = context;
  api.route(
    {
      method: 'PUT',
      path: '/v1/plans/{id}',
      tag: 'catalog',
      summary: 'Make or change a plan',
      description:
        'A change holds for all time the plan is in force, and restates the credits of its minutes; a new price from a day on is a new plan.',
      roles: WRITERS,
      params: newIdParams,
      body: { 'application/json': withoutAdded(planBody) },
      answers: { 200: { description: 'The plan', schema: planShape } },
      problems: [...BODY_PROBLEMS, 'catalog_conflict', 'invalid_reference'],
    },
    async ({ params: { id }, body, request }) => {
      checkTermsNamed(library, body.terms);
      return entryJson(await catalog.putPlan(id, body, recorderOf(request)));
    },
  );
  api.route(
    {
      method: 'PUT',
      path: '/v1/accounts/{id}',
      tag: 'catalog',
      summary: 'Make or change an account',
      roles: WRITERS,
      params: newIdParams,
      body: { 'application/json': withoutAdded(accountBody) },
      answers: { 200: { description: 'The account', schema: accountShape } },
      problems: [...BODY_PROBLEMS, 'catalog_conflict'],
    },
    async ({ params: { id }, body, request }) => entryJson(await catalog.putAccount(id, body, recorderOf(request))),
  );
  api.route(
    {
      method: 'PUT',
      path: '/v1/vms/{id}',
      tag: 'catalog',
      summary: 'Make or change what is agreed for a VM',
      description:
        'A VM belongs to one account for all of its service: once that was charged for it another is refused. End it then, and start another VM.',
      roles: WRITERS,
      params: newIdParams,
      body: { 'application/json': withoutAdded(vmBody) },
      answers: { 200: { description: 'The VM', schema: vmShape } },
      problems: [...BODY_PROBLEMS, 'catalog_conflict', 'invalid_reference'],
    },
    async ({ params: { id }, body, request }) => {
      checkTermsNamed(library, body.terms);
      return vmJson(await catalog.putVm(id, body, recorderOf(request)));
    },
  );

  catalogReads(api, context, {
    kind: 'plan',
    what: 'A plan',
    shape: planShape,
    problem: 'plan_unknown',
    now: (id) => catalog.plan(id),
    json: (entry) => entryJson({ ...entry, body: planBody.parse(entry.body) }),
  });
  catalogReads(api, context, {
    kind: 'account',
    what: 'An account',
    shape: accountShape,
    problem: 'account_unknown',
    now: (id) => catalog.account(id),
    json: (entry) => entryJson({ ...entry, body: accountBody.parse(entry.body) }),
  });
  catalogReads(api, context, {
    kind: 'vm',
    what: 'What is agreed for a VM',
    shape: vmShape,
    problem: 'vm_unknown',
    now: (id) => catalog.vm(id),
    json: (entry) => vmJson({ ...entry, body: vmBody.parse(entry.body) }),
  });
}
