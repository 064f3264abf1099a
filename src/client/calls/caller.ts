import type { z } from 'zod';
import { ApiError } from '../wire/api-error.ts';
import type { ApiClient, Method } from '../wire/client.ts';
import { parseExact } from '../wire/exact-json.ts';
import { type Sleep, UNAVAILABLE_POLICY, waitMs } from '../wire/retry.ts';

/** Values of a query; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /**
   * Whether the call may be made again when it is not known what became of it, because twice is as good as once. Left out: all but
   * POST and DELETE may.
   */
  readonly repeatable?: boolean;
  /** Under it a POST that creates something is carried out once within a day, and so may be made again. */
  readonly idempotencyKey?: string;
}

export interface Patience {
  /** How long a call that may work later is made again, in milliseconds; 0: once only. */
  readonly patienceMs: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
}

/** Nothing of the request can have arrived. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** Calls with their answers checked, made again where that is harmless: what all subjects of `Uptally` share. */
export class Caller {
  readonly #client: ApiClient;
  readonly #patience: Patience;

  constructor(client: ApiClient, patience: Patience) {
    this.#client = client;
    this.#patience = patience;
  }

  /** The answer as its shape has it. Throws `ApiError`. */
  async json<T extends z.ZodType>(shape: T, method: Method, path: string, options: CallOptions = {}): Promise<z.infer<T>> {
    const { text } = await this.call(method, path, options);
    let answer: unknown;
    try {
      answer = text === '' ? null : parseExact(text);
    } catch (error) {
      throw unexpected(method, path, 'it is no JSON', error);
    }
    const parsed = shape.safeParse(answer);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw unexpected(method, path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, parsed.error);
  }

  /** The answer as text. Throws `ApiError`. */
  async call(
    method: Method,
    path: string,
    options: CallOptions = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { query, body, idempotencyKey } = options;
    const { repeatable = idempotencyKey !== undefined || (method !== 'POST' && method !== 'DELETE') } = options;
    return await this.#patiently(repeatable, () =>
      this.#client.call(
        method,
        withQuery(path, query),
        body,
        undefined,
        idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
      ),
    );
  }

  /** A document in the form asked for. Throws `ApiError`. */
  async download(path: string, accept: string, query?: Query): Promise<{ readonly bytes: Uint8Array; readonly type: string }> {
    return await this.#patiently(true, () => this.#client.download(withQuery(path, query), accept));
  }

  /** All rows of a question, page after page. The first page has the question; those after it the cursor alone. */
  async *pages<T>(read: (cursor: string | undefined) => Promise<{ rows: readonly T[]; next: string | null }>): AsyncGenerator<T> {
    for (let cursor: string | undefined; ;) {
      const { rows, next }: { rows: readonly T[]; next: string | null } = await read(cursor);
      yield* rows;
      if (next === null) return;
      cursor = next;
    }
  }

  async #patiently<T>(repeatable: boolean, call: () => Promise<T>): Promise<T> {
    const { patienceMs, now, random, sleep } = this.#patience;
    const untilMs = now() + patienceMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ApiError) || !error.retryable) throw error;
        if (!repeatable && !wasNotBegun(error)) throw error;
        const pauseMs = waitMs(UNAVAILABLE_POLICY, attempt, error.retryAfterMs, random);
        if (now() + pauseMs > untilMs) throw error;
        await sleep(pauseMs);
      }
    }
  }
}

/** Whether the server has certainly done nothing of the call. */
function wasNotBegun({ status, cause }: ApiError): boolean {
  if (status !== null) return status === 429;
  return cause instanceof Error && 'code' in cause && NEVER_SENT.has(String(cause.code));
}

function unexpected(method: string, path: string, why: string, cause: unknown): ApiError {
  const message = `${method} ${path}: the answer is not as expected: ${why}`;
  return new ApiError(message, { status: null, code: 'unexpected_answer', retryable: false, cause });
}

function withQuery(path: string, query: Query = {}): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) set.set(name, String(value));
  return set.size === 0 ? path : `${path}?${set.toString()}`;
}

/** A name as a segment of a path. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}

/** An instant as the API takes it: RFC 3339, or milliseconds since the epoch. */
export type Instant = string | number | Date;

/** An instant as text. */
export function instantText(at: Instant): string {
  return typeof at === 'string' ? at : new Date(at).toISOString();
}
