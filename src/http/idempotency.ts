/**
 * Requests that are carried out once: a POST that creates something may bear an `Idempotency-Key` of its sender's, and is then safe to send again
 * (draft-ietf-httpapi-idempotency-key-header-07). That it was carried out is on record in the same insert as what it recorded; the answer is kept besides.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toJson } from '../domain/json.ts';
import { oneFieldProblem } from '../problems/field-problems.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Store } from '../store/store.ts';
import { keyOf, presentedKey } from './auth.ts';
import { sessionToken } from './cookie.ts';
import { ANSWER_BYTES_MAX, KeptAnswers } from './kept-answers.ts';

/** What is on record of a request. */
export interface RecordedRequest {
  readonly fingerprint: string;
  readonly atMs: number;
  readonly entries: readonly { readonly kind: string; readonly id: string }[];
}

/** Where it is on record which requests were carried out. */
export interface RequestsOnRecord {
  find(id: string, nowMs: number): RecordedRequest | undefined;
  remembered(holder: string): number;
  /** Undefined where another process came first. */
  carryOut<T>(
    request: { readonly id: string; readonly fingerprint: string; readonly holder: string },
    work: () => Promise<T>,
  ): Promise<{ readonly result: T } | undefined>;
}

export interface OnceParts {
  readonly requests: RequestsOnRecord;
  readonly store: Store;
  readonly now: () => number;
}

/** Requests of one key that are remembered at once, at most. */
export const ONCE_OF_KEY_MAX = 100_000;
export const IDEMPOTENCY_HEADER = 'idempotency-key';
/** What is long enough for any scheme of ids, and nothing that a header cannot hold. */
const KEY_FORM = /^[\x21-\x7e]{1,255}$/;

interface UnderWay {
  readonly id: string;
  readonly secret: string;
}

/** Carries requests out once. */
export class Once {
  readonly #parts: OnceParts;
  readonly #answers: KeptAnswers;
  readonly #running = new Set<string>();
  /** Requests whose answer is to be kept when it is sent, if they have recorded something. */
  readonly #underWay = new WeakMap<FastifyRequest, UnderWay>();

  constructor(parts: OnceParts) {
    this.#parts = parts;
    this.#answers = new KeptAnswers(parts.store);
  }

  /**
   * Carries a request out, or answers as it was answered before. Without the header it is carried out as ever. Throws `invalid_parameter` for a key of
   * another form, `idempotency_key_reused` for another request under it, `request_running`, `answer_not_kept`, `too_many_requests`, and what the work throws.
   */
  async carryOut(request: FastifyRequest, reply: FastifyReply, work: () => Promise<unknown>): Promise<unknown> {
    const given = request.headers[IDEMPOTENCY_HEADER];
    if (given === undefined) return work();
    if (typeof given !== 'string' || !KEY_FORM.test(given))
      throw oneFieldProblem('invalid_parameter', 'Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
    const holder = keyOf(request).id;
    const id = digest(holder, given);
    const fingerprint = digest(request.method, request.url, toJson(request.body ?? null));
    const secret = presentedKey(request) ?? sessionToken(request) ?? '';
    const before = this.#parts.requests.find(id, this.#parts.now());
    if (before !== undefined) return this.#again(reply, { id, secret }, fingerprint, before);
    if (this.#running.has(id)) throw running();
    if (this.#parts.requests.remembered(holder) >= ONCE_OF_KEY_MAX)
      throw new ProblemError(
        'too_many_requests',
        `${ONCE_OF_KEY_MAX} requests of this key bear an Idempotency-Key of the last day`,
      );
    this.#running.add(id);
    this.#underWay.set(request, { id, secret });
    reply.raw.once('close', () => this.#running.delete(id));
    const done = await this.#parts.requests.carryOut({ id, fingerprint, holder }, work);
    if (done === undefined) throw running();
    return done.result;
  }

  /** Keeps the answer of a request that has recorded something. One that cannot be kept is sent all the same. */
  async keep(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const of = this.#underWay.get(request);
    if (of === undefined || typeof payload !== 'string' || payload.length > ANSWER_BYTES_MAX || reply.statusCode >= 300)
      return payload;
    const recorded = this.#parts.requests.find(of.id, this.#parts.now());
    if (recorded === undefined) return payload;
    const type = reply.getHeader('content-type');
    const answer = {
      atMs: recorded.atMs,
      status: reply.statusCode,
      type: typeof type === 'string' ? type : 'application/json',
      body: payload,
    };
    try {
      await this.#answers.keep(of.id, of.secret, answer);
    } catch (error) {
      request.log.warn({ err: error }, 'the answer to a request with an Idempotency-Key was not kept');
    }
    return payload;
  }

  async #again(reply: FastifyReply, { id, secret }: UnderWay, fingerprint: string, before: RecordedRequest): Promise<unknown> {
    if (before.fingerprint !== fingerprint)
      throw new ProblemError('idempotency_key_reused', 'another method, path or body came under this Idempotency-Key');
    if (this.#running.has(id)) throw running();
    const answer = await this.#answers.find(id, secret);
    if (answer?.atMs !== before.atMs)
      throw new ProblemError('answer_not_kept', 'what the request recorded is in `recorded`', { recorded: before.entries });
    return reply.code(answer.status).header('idempotent-replayed', 'true').type(answer.type).send(answer.body);
  }
}

function running(): ProblemError {
  return new ProblemError(
    'request_running',
    'a request with this Idempotency-Key is being carried out',
    {},
    { 'retry-after': '1' },
  );
}

function digest(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex');
}
