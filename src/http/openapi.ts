import { z } from 'zod';
import { type ProblemCode, PROBLEMS } from '../problems/problem.ts';
import { SESSION_COOKIE } from './cookie.ts';
import type { CustomerCut } from './customer.ts';
import type { KeyRole } from './keys.ts';

/** What is written of a call in the OpenAPI document; the same schemas check its requests. */
export interface Operation {
  method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With `{parameter}`s. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Roles of keys that may call it; null: no key. */
  roles: readonly KeyRole[] | null;
  /** How the call is cut down for a key of one account; left out: such a key may not make it. */
  customer?: CustomerCut;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Headers that say something here, by their names in small letters; the call reads them itself. */
  headers?: z.ZodObject;
  /** With an `Idempotency-Key` it is carried out once, however often it is sent. */
  once?: true;
  /** Bodies by media type. */
  body?: Readonly<Record<string, z.ZodType>>;
  /** `otherTypes`: media types of the same answer for people, asked for by Accept. */
  answers: Readonly<Record<number, { description: string; type?: string; schema?: z.ZodType; otherTypes?: readonly string[] }>>;
  problems: readonly ProblemCode[];
  /** Schemas that stand once in the document, by name: a schema of the format that goes with the name refers to it. */
  components?: Readonly<Record<string, object>>;
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(PROBLEMS) },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      description: 'Of `invalid_body`, `invalid_parameter` and `invalid_reference`: each fault, the first hundred.',
      items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
    },
    errors_left_out: { type: 'integer', description: 'How many faults there are besides.' },
  },
};

/** What is long, by its format: it stands once in the document. */
const LISTS: ReadonlyMap<string, string> = new Map([
  ['iso-4217-currency', 'Currency'],
  ['iana-time-zone', 'TimeZone'],
  ['terms-sheet', 'TermsSheet'],
]);
/** What a use of a list says besides. */
const KEPT: ReadonlySet<string> = new Set(['description', 'examples', 'default']);

const listSchemas = {
  Currency: { type: 'string', description: 'ISO 4217', enum: Intl.supportedValuesOf('currency') },
  TimeZone: {
    type: 'string',
    description: 'A zone of the IANA database; other names that it has (links such as `Asia/Calcutta`) are taken as well.',
    enum: [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])],
  },
};

/** Bodies for people to look at and try, by method and path of the call. */
export type BodyExamples = Readonly<Record<string, unknown>>;

/** What the server posts to others, by a name: `webhooks` of the document. */
export interface PostedEvent {
  readonly name: string;
  readonly summary: string;
  readonly tag: string;
  readonly body: z.ZodType;
}

/** The OpenAPI 3.1 document of all operations. */
export function openApiDocument(
  operations: readonly Operation[],
  version: string,
  examples: BodyExamples = {},
  events: readonly PostedEvent[] = [],
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const item = (paths[operation.path] ??= {});
    item[operation.method.toLowerCase()] = operationObject(operation, examples);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Uptally',
      version,
      description:
        'Traffic, uptime and credits of virtual machines, per minute and exact. Integers may exceed 2^53: read them with a parser that keeps them. A name that a client would take out of the path, . or .. from before these were refused, goes into the query: /v1/vms/~/uptime?vm=. is the same call.\n\n' +
        '[From nothing to an invoice](/guides/docs/start.md) · [all documents](/guides) · [problems](/problems)',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    externalDocs: { description: 'The documents', url: '/guides' },
    servers: [{ url: '/' }],
    paths,
    webhooks: Object.fromEntries(events.map((event) => [event.name, { post: postedObject(event) }])),
    components: {
      schemas: Object.assign(
        { Problem: problemSchema, ...listSchemas },
        ...operations.map(({ components }) => components ?? {}),
      ) as object,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key of POST /v1/keys' },
        session: {
          ...{ type: 'apiKey', in: 'cookie', name: SESSION_COOKIE },
          description: 'A session of POST /v1/session; what changes something says `X-Uptally: 1` besides.',
        },
      },
    },
  };
}

function postedObject({ name, summary, tag, body }: PostedEvent): Record<string, unknown> {
  return {
    tags: [tag],
    summary,
    operationId: name,
    requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'output') } } },
    responses: { '2XX': { description: 'It is delivered' } },
  };
}

/** The example of a media type; nothing where there is none, or where it cannot be shown as text. */
function exampleOf(type: string, example: unknown): { example?: unknown } {
  if (example === undefined || !/json$/.test(type)) return {};
  return { example: type === 'application/x-ndjson' ? `${JSON.stringify(example)}\n` : example };
}

const ONCE_PROBLEMS = ['invalid_parameter', 'request_running', 'answer_not_kept', 'idempotency_key_reused'] as const;
const ONCE_PARAMETER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Any text of the sender, another for each request. The same request under the same key is carried out once within 24 hours, and answered as it was before (with `Idempotent-Replayed: true`).',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};

function operationObject(operation: Operation, examples: BodyExamples): Record<string, unknown> {
  const { body, roles } = operation;
  const problems = new Set<ProblemCode>([
    ...operation.problems,
    ...(operation.once === true ? ONCE_PROBLEMS : []),
    ...(roles === null ? [] : (['unauthorized', 'forbidden'] as const)),
  ]);
  return {
    tags: [operation.tag],
    summary: operation.summary,
    operationId: `${operation.method.toLowerCase()}${operation.path.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? '')}`,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    security: securityOf(roles),
    ...(roles === null ? {} : { 'x-roles': roles }),
    ...(operation.customer === undefined ? {} : { 'x-customer': operation.customer }),
    parameters: [
      ...parameters('path', operation.params),
      ...parameters('query', operation.query),
      ...parameters('header', operation.headers),
      ...(operation.once === true ? [ONCE_PARAMETER] : []),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(
              Object.entries(body).map(([type, schema]) => [
                type,
                { schema: jsonSchema(schema, 'input'), ...exampleOf(type, examples[`${operation.method} ${operation.path}`]) },
              ]),
            ),
          },
        }),
    responses: { ...answers(operation), ...problemAnswers(problems) },
  };
}

/** Calls of agents take keys alone. */
function securityOf(roles: Operation['roles']): object[] {
  if (roles === null) return [];
  return roles.includes('agent') && !roles.includes('read') ? [{ key: [] }] : [{ key: [] }, { session: [] }];
}

function answers(operation: Operation): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(operation.answers).map(([status, answer]) => [
      status,
      {
        description: answer.description,
        ...(answer.schema === undefined
          ? {}
          : {
              content: {
                [answer.type ?? 'application/json']: { schema: jsonSchema(answer.schema, 'output') },
                ...Object.fromEntries((answer.otherTypes ?? []).map((type) => [type, {}])),
              },
            }),
      },
    ]),
  );
}

function problemAnswers(codes: ReadonlySet<ProblemCode>): Record<string, unknown> {
  const byStatus = new Map<number, string[]>();
  for (const code of codes) {
    const { status, title } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\`: ${title}`]);
  }
  return Object.fromEntries(
    Array.from(byStatus, ([status, lines]) => [
      status,
      {
        description: lines.join('; '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function parameters(place: 'path' | 'query' | 'header', schema: z.ZodObject | undefined): Record<string, unknown>[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, { description?: string; 'x-required'?: boolean }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { 'x-required': needed, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || needed === true || required.includes(name),
    ...(property.description === undefined ? {} : { description: property.description }),
    schema: property,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const made: Record<string, unknown> = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      const list = LISTS.get(jsonSchema.format ?? '');
      if (list === undefined) return;
      for (const name of Object.keys(jsonSchema)) if (!KEPT.has(name)) Reflect.deleteProperty(jsonSchema, name);
      jsonSchema.$ref = `#/components/schemas/${list}`;
    },
  });
  // The document says once which dialect its schemas are in.
  delete made['$schema'];
  return made;
}
