import { z } from 'zod';
import { accountBody, type VmBody, vmBody } from '../../catalog/bodies.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Versioned } from '../../catalog/view.ts';
import { formatInstant } from '../../domain/instant.ts';
import { planBody } from '../../domain/plan.ts';
import { ProblemError } from '../../errors.ts';
import type { TermsLibrary } from '../../terms/library.ts';
import type { Api } from '../api.ts';
import { keyOf } from '../auth.ts';
import { exactInteger, idParams, instantShape } from './shapes.ts';
import { checkTermsNamed } from './terms.ts';

const READERS = ['billing', 'admin'] as const;
const WRITERS = ['admin'] as const;
const PUT_PROBLEMS = [
  'bad_request',
  'invalid_parameter',
  'invalid_body',
  'body_too_large',
  'unsupported_media_type',
  'store_unavailable',
] as const;

/** Members that we add to a body; sent back to us, they are ignored. */
const added = { id: z.string(), version: exactInteger, recorded_at: instantShape, recorded_by: z.string() };

/** A body as read, and what came back from us in it taken off. */
function withoutAdded<T extends z.ZodType>(body: T) {
  return z.preprocess((given) => {
    if (given === null || typeof given !== 'object' || Array.isArray(given)) return given;
    return Object.fromEntries(Object.entries(given).filter(([name]) => !(name in added)));
  }, body);
}

function entryJson(entry: Versioned<object>, body: object = entry.body): Record<string, unknown> {
  return {
    id: entry.id,
    ...body,
    version: entry.seq,
    recorded_at: formatInstant(entry.recordedAtMs),
    recorded_by: entry.recordedBy,
  };
}

function vmJson(entry: Versioned<VmBody>): Record<string, unknown> {
  const { plans, starts_at, ends_at, paid_at, paid_until, ...rest } = entry.body;
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  return entryJson(entry, {
    ...rest,
    plans: plans.map(({ plan, from }) => ({ plan, from: formatInstant(from) })),
    starts_at: shown(starts_at),
    ends_at: shown(ends_at),
    paid_at: shown(paid_at),
    paid_until: shown(paid_until),
  });
}

const vmShape = z.object({
  ...added,
  ...vmBody.shape,
  plans: z.array(z.object({ plan: z.string(), from: instantShape })),
  starts_at: instantShape.nullable(),
  ends_at: instantShape.nullable(),
  paid_at: instantShape.nullable(),
  paid_until: instantShape.nullable(),
});

/** Plans, accounts and VMs. PUT of what is already so changes nothing. */
export function catalogRoutes(api: Api, catalog: Catalog, library: TermsLibrary): void {
  api.route(
    {
      method: 'PUT',
      path: '/v1/plans/{id}',
      tag: 'catalog',
      summary: 'Make or change a plan',
      description:
        'A change holds for all time the plan is in force, and restates the credits of its minutes; a new price from a day on is a new plan.',
      roles: WRITERS,
      params: idParams,
      body: { 'application/json': withoutAdded(planBody) },
      answers: { 200: { description: 'The plan', schema: z.object({ ...added, ...planBody.shape }) } },
      problems: [...PUT_PROBLEMS, 'catalog_conflict', 'invalid_reference'],
    },
    async ({ params: { id }, body, request }) => {
      checkTermsNamed(library, body.terms);
      return entryJson(await catalog.putPlan(id, body, keyOf(request).name));
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/plans/{id}',
      tag: 'catalog',
      summary: 'A plan',
      roles: READERS,
      params: idParams,
      answers: { 200: { description: 'The plan', schema: z.object({ ...added, ...planBody.shape }) } },
      problems: ['invalid_parameter', 'plan_unknown'],
    },
    ({ params: { id } }) => {
      const entry = catalog.plan(id);
      if (entry === undefined) throw new ProblemError('plan_unknown', `there is no plan ${id}`);
      return Promise.resolve(entryJson(entry));
    },
  );
  api.route(
    {
      method: 'PUT',
      path: '/v1/accounts/{id}',
      tag: 'catalog',
      summary: 'Make or change an account',
      roles: WRITERS,
      params: idParams,
      body: { 'application/json': withoutAdded(accountBody) },
      answers: { 200: { description: 'The account', schema: z.object({ ...added, ...accountBody.shape }) } },
      problems: [...PUT_PROBLEMS, 'catalog_conflict'],
    },
    async ({ params: { id }, body, request }) => entryJson(await catalog.putAccount(id, body, keyOf(request).name)),
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{id}',
      tag: 'catalog',
      summary: 'An account',
      roles: READERS,
      params: idParams,
      answers: { 200: { description: 'The account', schema: z.object({ ...added, ...accountBody.shape }) } },
      problems: ['invalid_parameter', 'account_unknown'],
    },
    ({ params: { id } }) => {
      const entry = catalog.account(id);
      if (entry === undefined) throw new ProblemError('account_unknown', `there is no account ${id}`);
      return Promise.resolve(entryJson(entry));
    },
  );
  api.route(
    {
      method: 'PUT',
      path: '/v1/vms/{id}',
      tag: 'catalog',
      summary: 'Make or change what is agreed for a VM',
      roles: WRITERS,
      params: idParams,
      body: { 'application/json': withoutAdded(vmBody) },
      answers: { 200: { description: 'The VM', schema: vmShape } },
      problems: [...PUT_PROBLEMS, 'invalid_reference'],
    },
    async ({ params: { id }, body, request }) => {
      checkTermsNamed(library, body.terms);
      return vmJson(await catalog.putVm(id, body, keyOf(request).name));
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/vms/{id}',
      tag: 'catalog',
      summary: 'What is agreed for a VM',
      roles: READERS,
      params: idParams,
      answers: { 200: { description: 'The VM', schema: vmShape } },
      problems: ['invalid_parameter', 'vm_unknown'],
    },
    ({ params: { id } }) => {
      const entry = catalog.vm(id);
      if (entry === undefined) throw new ProblemError('vm_unknown', `the catalog has no VM ${id}`, { vm: id });
      return Promise.resolve(vmJson(entry));
    },
  );
}
