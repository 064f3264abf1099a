import { z } from 'zod';
import type { InvoiceState } from '../../books/invoices.ts';
import { changedText, type Versioned } from '../../catalog/versioned.ts';
import type { CatalogChange } from '../../billing/corrections/changed-catalog.ts';
import { type Touched, touchedBy, type WouldCorrect, wouldCorrect } from '../../billing/corrections/restating.ts';
import type { Reconciled } from '../../billing/corrections/reconcile.ts';
import { formatAmount } from '../../domain/money.ts';
import { identifier } from '../../domain/plan.ts';
import { type ProblemCode, ProblemError } from '../../problems/problem.ts';
import { type Api, checked } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import type { ApiContext } from '../shared/context.ts';
import { withoutAdded } from './catalog-shapes.ts';
import { reconciledJson, reconciledShape } from '../billing/reconcile.ts';
import { BODY_PROBLEMS, newIdParams } from '../shared/shapes.ts';

/** One kind of thing in the catalog, as it is written. */
export interface CatalogWrites<Body extends object> {
  kind: CatalogChange['kind'];
  /** With its article. */
  what: string;
  description: string;
  body: z.ZodType<Body> & { readonly shape: z.ZodRawShape };
  shape: z.ZodObject;
  unknown: 'plan_unknown' | 'account_unknown' | 'vm_unknown';
  problems: readonly ProblemCode[];
  now: (id: string) => Versioned<Body> | undefined;
  /** Throws where a body names what there is not. */
  check: (body: Body) => void;
  /** Throws where the catalog does not allow the change. */
  allow: (id: string, body: Body) => void;
  put: (id: string, decide: (before: Versioned<Body> | undefined) => Body, by: string) => Promise<Versioned<Body>>;
  json: (entry: Versioned<Body>) => Record<string, unknown>;
  /** What whoever writes it has to know, though it is taken. */
  warnings?: (body: Body) => Promise<string[]>;
}

const WRITERS = ['admin'] as const;
const flag = z.enum(['true', 'false']).default('false');
const query = z.strictObject({
  dry_run: flag.describe('Say which final invoices a reconcile would correct then, and by how much; nothing is written.'),
  restate: flag.describe('Make the change though it touches what was invoiced; `POST /v1/reconcile` then corrects it.'),
  after: identifier.optional().describe('With `dry_run`: the `next` of the answer before.'),
});
const headers = z.object({
  'if-match': z
    .string()
    .optional()
    .describe(
      'The `ETag` of the version that was read: the change is made only if it is still in force, else 412. `*`: if there is any.',
    ),
});
const CHANGES = ['made', 'changed', 'none'] as const;
const wouldShape = z.object({
  dry_run: z.literal(true),
  change: z.enum(CHANGES).describe('What the call would do; `none`: the same is in force.'),
  checked: z.int().describe('Final invoices that the change touches, rated again.'),
  left: z.int().describe('Those that are not rated yet.'),
  next: z.string().nullable().describe('Give it as `after`; null: done.'),
  invoices: z.array(reconciledShape.extend({ currency: z.string(), credited: z.string(), debited: z.string() })),
});
/** How long a refusal may take to say what a reconcile would do, and an answer of a dry run. */
const REFUSAL_MS = 2_000;
const CALL_MS = 5_000;
/** Invoices that a refusal names at most. */
const NAMED_MAX = 20;

/** A change that touches what was invoiced, thrown where it would be made. */
class Touches extends Error {
  readonly touched: Touched;
  readonly change: CatalogChange;
  constructor(touched: Touched, change: CatalogChange) {
    super(touched.what);
    this.touched = touched;
    this.change = change;
  }
}

/** PUT, which says all of a thing, and PATCH, which says what changes. */
export function catalogWrites<Body extends object>(api: Api, context: ApiContext, writes: CatalogWrites<Body>): void {
  const { kind } = writes;
  const changeOf = (id: string, body: Body): CatalogChange => ({ kind, id, body }) as unknown as CatalogChange;
  const operation = {
    path: `/v1/${kind}s/{id}`,
    tag: 'catalog',
    roles: WRITERS,
    params: newIdParams,
    query,
    headers,
    answers: {
      200: {
        description: `${writes.what} as it is now; with \`dry_run\` what it would do`,
        schema: z.union([writes.shape, wouldShape]),
      },
    },
    problems: [...BODY_PROBLEMS, 'version_conflict', 'restates_invoices', ...writes.problems],
  } as const;

  const change = async (
    { id, asked, ifMatch, by }: { id: string; asked: z.infer<typeof query>; ifMatch: string | undefined; by: string },
    bodyOf: (before: Versioned<Body> | undefined) => Body,
  ): Promise<{ json: object; etag?: string }> => {
    const decide = (before: Versioned<Body> | undefined): Body => {
      refuseOther(ifMatch, before, `${kind} ${id}`);
      const body = bodyOf(before);
      writes.check(body);
      return body;
    };
    if (asked.dry_run === 'true') {
      const before = writes.now(id);
      const body = decide(before);
      writes.allow(id, body);
      const done = before === undefined ? 'made' : changedText(body, before) === undefined ? 'none' : 'changed';
      return { json: { dry_run: true, change: done, ...(await dryRun(context, changeOf(id, body), asked.after)) } };
    }
    try {
      const entry = await writes.put(
        id,
        (before) => {
          const body = decide(before);
          writes.allow(id, body);
          const touched = asked.restate === 'true' ? undefined : touchedBy(context, changeOf(id, body));
          if (touched !== undefined) throw new Touches(touched, changeOf(id, body));
          return body;
        },
        by,
      );
      const warnings = (await writes.warnings?.(entry.body)) ?? [];
      return { json: { ...writes.json(entry), ...(warnings.length === 0 ? {} : { warnings }) }, etag: etagOf(entry) };
    } catch (error) {
      if (error instanceof Touches) throw await refusal(context, error);
      throw error;
    }
  };

  api.route(
    {
      ...operation,
      method: 'PUT',
      summary: `Make or change ${writes.what.toLowerCase()}: the body is all of it`,
      description: `${writes.description} What the body leaves out becomes what it is by default. The same content again changes nothing.`,
      body: { 'application/json': withoutAdded(writes.body) },
    },
    async ({ params: { id }, query: asked, body, request, reply }) => {
      const by = recorderOf(request);
      const answer = await change({ id, asked, ifMatch: request.headers['if-match'], by }, () => body);
      if (answer.etag !== undefined) reply.header('etag', answer.etag);
      return answer.json;
    },
  );
  api.route(
    {
      ...operation,
      method: 'PATCH',
      summary: `Change ${writes.what.toLowerCase()}: the fields that the body names, and no other`,
      description: `${writes.description} A field that is null becomes what it is by default; a field within a field is not named by itself: \`price\` is whole.`,
      body: { 'application/json': withoutAdded(patchOf(writes.body.shape)) },
      problems: [...operation.problems, writes.unknown],
    },
    async ({ params: { id }, query: asked, body: patch, request, reply }) => {
      const by = recorderOf(request);
      const answer = await change({ id, asked, ifMatch: request.headers['if-match'], by }, (before) => {
        if (before === undefined)
          throw new ProblemError(writes.unknown, `the catalog has no ${kind === 'vm' ? 'VM' : kind} ${id}`, { [kind]: id });
        const merged = Object.entries({ ...before.body, ...patch }).filter(([, value]) => value !== null);
        return checked('invalid_body', writes.body, Object.fromEntries(merged)) as Body;
      });
      if (answer.etag !== undefined) reply.header('etag', answer.etag);
      return answer.json;
    },
  );
}

/** The fields of a body, each as it is or, where it has a default, null, and none required: what is not named has no default here. */
function patchOf(shape: z.ZodRawShape): z.ZodObject {
  const fields = Object.entries(shape).map(([name, field]) => {
    const inner = field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : (field as z.ZodType);
    // what has no default cannot be taken away
    const hasDefault = field instanceof z.ZodDefault || inner.safeParse(undefined).success;
    return [name, hasDefault ? inner.nullable().optional() : inner.optional()] as const;
  });
  return z.strictObject(Object.fromEntries(fields));
}

/** The version of an entry, as `If-Match` names it. */
export function etagOf({ seq }: Pick<Versioned<unknown>, 'seq'>): string {
  return `"${seq}"`;
}

/** Throws `version_conflict` where what is in force is not what was read. A proxy that packs answers makes their tags weak: that is no other version. */
function refuseOther(ifMatch: string | undefined, before: Versioned<object> | undefined, what: string): void {
  if (ifMatch === undefined) return;
  const tags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (before !== undefined && (tags.includes('*') || tags.includes(etagOf(before)))) return;
  const found = before === undefined ? 'there is none' : `version ${before.seq} of ${before.recordedBy} is in force`;
  throw new ProblemError('version_conflict', `${what} is not as it was read: ${found}`, {
    version: before === undefined ? null : before.seq,
  });
}

async function dryRun(context: ApiContext, change: CatalogChange, after: string | undefined): Promise<Record<string, unknown>> {
  const all = touchedBy(context, change)?.states ?? [];
  const at = after === undefined ? -1 : all.findIndex((state) => state.id === after);
  const states = all.slice(at + 1);
  const { now } = context;
  const untilMs = now() + CALL_MS;
  return wouldJson(states, await wouldCorrect(context, change, states, () => now() < untilMs));
}

function wouldJson(states: readonly InvoiceState[], { corrected, checked: n }: WouldCorrect): Record<string, unknown> {
  const left = states.length - n;
  return { checked: n, left, next: left > 0 ? (states[n - 1]?.id ?? null) : null, invoices: corrected.map(correctedJson) };
}

function correctedJson(found: Reconciled): Record<string, unknown> {
  const { currency } = found.state.head;
  const sum = (list: Reconciled['credits']): bigint =>
    list.reduce((total, { beforeNanos, afterNanos }) => total + afterNanos - beforeNanos, 0n);
  return {
    ...reconciledJson(found),
    currency,
    credited: formatAmount(-sum(found.credits), currency),
    debited: formatAmount(sum(found.debits), currency),
  };
}

/** What a change is refused with: what it touches, and what a reconcile would do, as far as that is known soon. */
async function refusal(context: ApiContext, { touched, change }: Touches): Promise<ProblemError> {
  const { code, what, states } = touched;
  const { now } = context;
  const untilMs = now() + REFUSAL_MS;
  const would = await wouldCorrect(context, change, states, () => now() < untilMs);
  const numbers = states.slice(0, NAMED_MAX).map(({ head }) => String(head.number ?? 0));
  const more = states.length > numbers.length ? ` and ${states.length - numbers.length} more` : '';
  const sums = would.corrected.slice(0, NAMED_MAX).map((found) => {
    const { credited, debited, currency } = correctedJson(found);
    return `${String(found.state.head.number ?? 0)} by -${String(credited)} +${String(debited)} ${String(currency)}`;
  });
  const would_ =
    sums.length > 0
      ? `a reconcile would correct invoice ${sums.join(', ')}`
      : `of ${would.checked} looked at a reconcile would correct none`;
  const way =
    change.kind === 'plan'
      ? 'make a successor under another id, and give VMs that plan from a date (plans of PUT /v1/vms/{id})'
      : 'date the change (plans[].from), or PATCH the fields that are meant';
  return new ProblemError(
    code,
    `${what}, and invoice ${numbers.join(', ')}${more} has it: ${would_}; ${way}, or repeat it with ?restate=true; ?dry_run=true says all that it would do`,
    {
      ...wouldJson(states, would),
      touched: states.slice(0, NAMED_MAX).map(({ id, head }) => ({ invoice: id, number: head.number, account: head.account })),
    },
  );
}
