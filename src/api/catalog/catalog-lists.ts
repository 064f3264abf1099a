import { z } from 'zod';
import { accountStateOf, SERVICE_STATES, type ServiceState, vmStateOf } from '../../billing/standing/state.ts';
import type { VmBody } from '../../catalog/bodies.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { formatInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import { type Api, checked } from '../../http/api.ts';
import { customerOf, seesVm } from '../../http/customer.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import { vmPage, type VmSeen, vmsSeen } from '../../query/vms.ts';
import type { ApiContext } from '../shared/context.ts';
import { plansSeenBy } from '../shared/customers-own.ts';
import { instantShape, pageOf } from '../shared/shapes.ts';
import { parameterProblem, rangeQuery, readLimit } from '../shared/window.ts';
import { accountJson, accountShape, entryJson, planShape, vmShape } from './catalog-shapes.ts';

/** Bodies may be large: a VM can have a thousand plans. */
export const LIST_ROWS_MAX = 1_000;

const READERS = ['billing', 'admin'] as const;
const text = z.string().min(1).max(200);
const filters = {
  account: identifier.optional(),
  plan: identifier.optional(),
  state: z.enum(SERVICE_STATES).optional(),
  q: text.optional(),
};
const q = (what: string): z.ZodType<string | undefined> =>
  filters.q.describe(`Only those with this in their ${what}, in capitals or not.`);
const paging = {
  limit: rangeQuery.limit.describe(`Rows of a page, 1 to ${LIST_ROWS_MAX}; the default is the most.`),
  cursor: rangeQuery.cursor,
};

const vmRow = z.object({
  vm: z.string(),
  first_sample: instantShape.nullable().describe('The earliest raw sample that is stored; null if none is.'),
  last_sample: instantShape.nullable(),
  samples: z.int().describe('Raw samples that are stored, those among them that a conflict replaced.'),
  first_minute: instantShape.nullable().describe('The earliest minute row; rows are kept when raw samples have expired.'),
  agreed: vmShape.nullable().describe('What is agreed for it now; null: the catalog has it not.'),
});

/** The last id of the page before, and the instant that the first page asked about. */
const position = z.strictObject({ id: z.string().max(64), now: z.int() });

type Kind = 'plan' | 'account' | 'vm';

/** What a page is asked for: which things, after which, as of which instant. */
interface Asked {
  readonly account?: string | undefined;
  readonly plan?: string | undefined;
  readonly state?: ServiceState | undefined;
  readonly q?: string | undefined;
}

/** What a kind is listed by. */
type Takes = (id: string, asked: Asked, nowMs: number) => boolean;

/** A question that has been read: its filters, where its page begins and how long it may be. */
interface Reading {
  readonly asked: Asked;
  readonly isFiltered: boolean;
  readonly after: string | undefined;
  readonly nowMs: number;
  readonly rows: number;
  /** The cursor of a page after this one. */
  readonly next: (last: string | undefined) => string | null;
}

/** Throws `invalid_parameter`, `invalid_cursor`. */
function readingOf(
  { catalog, businessNow }: ApiContext,
  kind: Kind,
  { limit, cursor, ...given }: Readonly<Record<string, string | undefined>>,
): Reading {
  const path = `/v1/${kind}s`;
  const texts = Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined));
  const pinned = cursor === undefined ? undefined : decodeCursor(cursor, path, texts, position);
  const query = pinned?.query ?? texts;
  const asked = checked('invalid_parameter', z.strictObject(filters), query) as Asked;
  if (asked.account !== undefined && catalog.account(asked.account) === undefined)
    throw parameterProblem('account', `names an account that the catalog has not: ${asked.account}`);
  if (asked.plan !== undefined && catalog.plan(asked.plan) === undefined)
    throw parameterProblem('plan', `names a plan that the catalog has not: ${asked.plan}`);
  const nowMs = pinned?.at.now ?? businessNow();
  return {
    asked,
    isFiltered: Object.keys(query).length > 0,
    after: pinned?.at.id,
    nowMs,
    rows: Math.min(readLimit(limit), LIST_ROWS_MAX),
    next: (last) => (last === undefined ? null : encodeCursor(path, query, { id: last, now: nowMs })),
  };
}

/** Plans, accounts and VMs by page, in the order of their ids. What is there throughout is on exactly one page, whatever is added meanwhile. */
export function catalogListRoutes(
  api: Api,
  context: ApiContext,
  vmShown: (entry: Versioned<VmBody>) => Record<string, unknown>,
): void {
  const { catalog } = context;

  /** The ids of a page, and the cursor of the next. */
  const idsOf = (
    kind: Kind,
    { asked, after, nowMs, rows, next }: Reading,
    takes: Takes,
  ): { ids: string[]; next: string | null } => {
    const found: string[] = [];
    for (const id of catalog.idsAfter(kind, after)) {
      if (!takes(id, asked, nowMs)) continue;
      found.push(id);
      if (found.length > rows) break;
    }
    const ids = found.slice(0, rows);
    return { ids, next: next(found.length > rows ? ids.at(-1) : undefined) };
  };
  const page = (
    kind: Kind,
    query: Readonly<Record<string, string | undefined>>,
    takes: Takes,
    json: (id: string) => Record<string, unknown>,
  ): Promise<object> => {
    const { ids, next } = idsOf(kind, readingOf(context, kind, query), takes);
    return Promise.resolve({ rows: ids.map(json), next });
  };

  const rowOf = ({ vm, firstSampleMs, lastSampleMs, samples, firstMinuteMs }: VmSeen): Record<string, unknown> => {
    const entry = catalog.vm(vm);
    return {
      ...{ vm, first_sample: shown(firstSampleMs), last_sample: shown(lastSampleMs), samples },
      first_minute: shown(firstMinuteMs),
      agreed: entry === undefined ? null : vmShown(entry),
    };
  };
  const plansOf = (vm: string): string[] => catalog.vm(vm)?.body.plans.map(({ plan }) => plan) ?? [];
  const common = {
    method: 'GET',
    tag: 'catalog',
    roles: READERS,
    problems: ['invalid_parameter', 'invalid_cursor', 'store_unavailable'],
  } as const;

  api.route(
    {
      ...common,
      path: '/v1/plans',
      customer: { by: 'account_of_query' },
      summary: 'Plans',
      query: z.strictObject({
        account: filters.account.describe('Only those that a VM of the account is, was or will be on.'),
        q: q('id or title'),
        ...paging,
      }),
      answers: { 200: { description: 'Plans as they are now, by id', schema: pageOf(planShape) } },
    },
    ({ query, request }) => {
      const customer = customerOf(request);
      const own = customer === undefined ? undefined : plansSeenBy(catalog, customer);
      return page(
        'plan',
        query,
        (id, { account, q: sought }) =>
          (own === undefined || own.has(id)) &&
          (account === undefined || catalog.vmsOf(account).some((vm) => plansOf(vm).includes(id))) &&
          holds(sought, id, catalog.plan(id)?.body.title),
        (id) => jsonOf(catalog.plan(id), entryJson),
      );
    },
  );
  api.route(
    {
      ...common,
      path: '/v1/accounts',
      summary: 'Accounts',
      query: z.strictObject({
        plan: filters.plan.describe('Only those of which a VM is, was or will be on the plan.'),
        state: filters.state.describe('As the standing of an account says; ended: all its VMs are.'),
        q: q('id, name or e-mail address'),
        ...paging,
      }),
      answers: { 200: { description: 'Accounts as they are now, by id', schema: pageOf(accountShape) } },
    },
    ({ query }) =>
      page(
        'account',
        query,
        (id, { plan, state, q: sought }, nowMs) =>
          holds(sought, id, catalog.account(id)?.body.name, catalog.account(id)?.body.email) &&
          (plan === undefined || catalog.vmsOf(id).some((vm) => plansOf(vm).includes(plan))) &&
          (state === undefined || accountStateOf(context, id, nowMs) === state),
        (id) => jsonOf(catalog.account(id), accountJson),
      ),
  );
  api.route(
    {
      ...common,
      path: '/v1/vms',
      customer: { by: 'account_of_query', without: ['plan'] },
      summary: 'VMs that the catalog, a raw sample or a stored row names; with filters, those of the catalog',
      query: z.strictObject({
        account: filters.account,
        plan: filters.plan.describe('Only those that are, were or will be on the plan.'),
        state: filters.state.describe('As the standing of their account says, at the instant of the first page.'),
        q: q('name or title'),
        ...paging,
      }),
      answers: { 200: { description: 'By name: what was seen of them, and what is agreed for them now', schema: pageOf(vmRow) } },
    },
    async ({ query, request }) => {
      const customer = customerOf(request);
      const reading = readingOf(context, 'vm', query);
      if (!reading.isFiltered) {
        const { rows, next } = await vmPage(context, { after: reading.after ?? '', limit: reading.rows });
        return { rows: rows.map(rowOf), next: reading.next(next?.vm) };
      }
      const { ids, next } = idsOf(
        'vm',
        reading,
        (id, { account, plan, state, q: sought }, nowMs) =>
          (customer === undefined || seesVm(customer, catalog, id)) &&
          (account === undefined || catalog.vm(id)?.body.account === account) &&
          holds(sought, id, catalog.vm(id)?.body.title) &&
          (plan === undefined || plansOf(id).includes(plan)) &&
          (state === undefined || vmStateOf(context, id, nowMs).state === state),
      );
      return { rows: (await vmsSeen(context, ids)).map(rowOf), next };
    },
  );
}

/** Whether one of the texts has what is sought, in capitals or not; nothing sought: yes. */
function holds(sought: string | undefined, ...texts: readonly (string | undefined)[]): boolean {
  if (sought === undefined) return true;
  const small = sought.toLowerCase();
  return texts.some((each) => each?.toLowerCase().includes(small) === true);
}

const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));

function jsonOf<T>(entry: T | undefined, json: (entry: T) => Record<string, unknown>): Record<string, unknown> {
  return entry === undefined ? {} : json(entry);
}
