import { faultInWords } from '../domain/fault-words.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type ProblemCode, ProblemError } from '../problems/problem.ts';
import { fieldErrorsOf, fieldProblem } from '../problems/field-problems.ts';
import { cutDown } from './customer.ts';
import type { KeyRole, Owners } from './keys.ts';
import { type KeyChecks, type RequireKey, type RequireRole, rolesFor } from './auth.ts';
import { toJson } from '../domain/json.ts';
import type { WrongKeys } from './wrong-keys.ts';
import { Once, type OnceParts } from './idempotency.ts';
import { shapeFault } from './json-bounds.ts';
import type { Operation, PostedEvent } from './openapi.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The call goes by what this process knows: what others have stored and recorded is not looked at before it. */
    asKnown?: boolean;
  }
}

/** Adds routes to a server; it may use `api.requireRole`, `api.document` and `api.app`. */
export type HttpPlugin = (api: Api) => Promise<void> | void;

export interface ApiParts {
  /** What is known of requests that are carried out once; left out: the process has no call that may be. */
  readonly once?: OnceParts | undefined;
  /** What belongs to whom; left out: customers have nothing here. */
  readonly owners?: Owners | undefined;
  readonly wrongKeys?: WrongKeys | undefined;
}

/** What routes are made with: checks requests by their schemas, writes answers with exact integers, and keeps the list. */
export class Api {
  readonly operations: Operation[] = [];
  /** What is posted to others. */
  readonly events: PostedEvent[] = [];
  readonly #pages: string[] = [];
  readonly app: FastifyInstance;
  readonly requireKey: RequireKey;
  readonly requireRole: RequireRole;
  readonly #once: Once | undefined;
  /** What calls that take keys in their bodies judge them by. */
  readonly wrongKeys: WrongKeys | undefined;
  readonly #owners: Owners | undefined;

  constructor(app: FastifyInstance, { requireKey, requireRole }: KeyChecks, { once, owners, wrongKeys }: ApiParts = {}) {
    this.wrongKeys = wrongKeys;
    this.#owners = owners;
    this.app = app;
    this.#once = once === undefined ? undefined : new Once(once);
    this.requireKey = requireKey;
    this.requireRole = requireRole;
  }

  /** Adds a call to the document and to what 405 knows; the caller registers the route with Fastify itself. */
  document(operation: Operation): void {
    if (operation.roles?.includes('customer') === true && operation.customer === undefined)
      throw new Error(`${operation.method} ${operation.path} does not say what a customer sees of it`);
    this.operations.push(
      operation.roles === null ? operation : { ...operation, roles: rolesFor(operation.method, rolesOf(operation)) },
    );
  }

  /** Adds a call: `handle` gets the checked parts of the request, and what it returns is the answer's body. */
  route<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
    operation: Omit<Operation, 'body'> & { params?: P; query?: Q; body?: Readonly<Record<string, B>> },
    handle: (input: {
      params: z.infer<P>;
      query: z.infer<Q>;
      body: z.infer<B>;
      request: FastifyRequest;
      reply: FastifyReply;
    }) => Promise<unknown>,
  ): void {
    this.document(operation);
    const bodySchema = operation.body === undefined ? undefined : Object.values(operation.body)[0];
    const once = operation.once === true ? this.#once : undefined;
    const status = Number(Object.keys(operation.answers)[0] ?? 200);
    this.app.route({
      method: operation.method,
      url: routeOf(operation.path),
      ...(once === undefined ? {} : { onSend: (request, reply, payload) => once.keep(request, reply, payload) }),
      onRequest: [
        ...(operation.roles === null ? [] : [this.requireRole(...rolesOf(operation))]),
        ...(bodySchema === undefined ? [] : [refuseCodings]),
      ],
      handler: async (request, reply) => {
        const params = checked('invalid_parameter', operation.params, request.params) as z.infer<P>;
        const { customer } = operation;
        const asked = customer === undefined ? request : cutDown(request, customer, this.#owners);
        const query = checked('invalid_parameter', operation.query, asked.query) as z.infer<Q>;
        const body = checked('invalid_body', bodySchema, request.body) as z.infer<B>;
        const work = (): Promise<unknown> => handle({ params, query, body, request, reply });
        const answer = once === undefined ? await work() : await once.carryOut(request, reply, work);
        if (reply.sent) return reply;
        if (answer === undefined) return reply.code(status).send();
        return reply.code(status).type('application/json; charset=utf-8').send(toJson(answer));
      },
    });
  }

  /** Adds a page for people, which is no call of the document, to what 405 knows; the caller registers the route. */
  page(path: string): void {
    this.#pages.push(path);
  }

  /** The methods that a path takes, as they are documented; none if it belongs to no call and no page. */
  methodsOf(path: string): string[] {
    const decoded = decodedPath(path);
    if (this.#pages.some((page) => patternOf(page).test(decoded))) return ['GET'];
    const found = this.operations.filter((operation) => patternOf(operation.path).test(decoded));
    // a path that is named stands before one that has a parameter in its place
    const named = found.filter((operation) => !operation.path.includes('{'));
    return (named.length > 0 ? named : found).map((operation) => operation.method);
  }
}

/** Who may make a call: customers where it says how it is cut down for them. */
export function rolesOf({ roles, customer }: Pick<Operation, 'roles' | 'customer'>): readonly KeyRole[] {
  return roles === null ? [] : customer === undefined ? roles : [...new Set([...roles, 'customer' as const])];
}

/** Bodies of calls are small: they come as they are. Refused by their heads, before one is asked for. */
function refuseCodings({ headers }: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const codings = (headers['content-encoding'] ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  if (codings.every((coding) => coding === '' || coding === 'identity')) done();
  else done(new ProblemError('unsupported_encoding', 'this call takes its body as it is, without Content-Encoding'));
}

/** A path as the router writes it: `{parameter}` is `:parameter`. */
export function routeOf(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** The path as the router reads it; one with a bad escape belongs to no call. */
function decodedPath(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}/?$`);
}

/**
 * Reads a part of a request by its schema. Throws with its faults, each naming its field (the first hundred, and how many more there are); nothing
 * given is {} or undefined.
 */
export function checked(
  code: ProblemCode & ('invalid_parameter' | 'invalid_body'),
  schema: z.ZodType | undefined,
  given: unknown,
): unknown {
  if (schema === undefined) return undefined;
  const fault = shapeFault(given);
  if (fault !== undefined) throw fieldProblem(code, [{ field: '', message: fault }]);
  const parsed = schema.safeParse(given, { error: faultInWords });
  if (parsed.success) return parsed.data;
  throw fieldProblem(code, fieldErrorsOf(parsed.error));
}
