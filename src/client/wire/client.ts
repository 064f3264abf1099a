import { Agent, request } from 'undici';
import { toJson } from '../../domain/json.ts';
import { withoutStep } from '../../domain/path-steps.ts';
import { isBinary } from '../../samples/binary-writer.ts';
import type { ProblemCode } from '../../problems/problem.ts';
import { ApiError, describeProblem, isTransient, parseJson } from './api-error.ts';
import { type PostOutcome, type RawAnswer, Receipt, type Refusal } from './outcome.ts';
import { judgeReceived } from './received.ts';
import { parseRetryAfter } from './retry.ts';

export type { PostOutcome, Receipt, Refusal } from './outcome.ts';

export interface ClientOptions {
  /** Where the server is, such as `https://meter.example.net`; a path is kept, so it may live below one. */
  readonly server: string;
  readonly key: string;
  /** How long a connection may take, and how long the server may be silent. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** No answer of this API comes near it; a stranger behind the address could otherwise fill our memory. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Problems that judge the bytes themselves, when a problem document of Uptally names them. */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map<ProblemCode, Refusal>([
  ['no_usable_sample', 'final'],
  ['invalid_body', 'final'],
  ['bad_request', 'mangled'],
  ['body_too_large', 'too_large'],
  ['too_many_samples', 'too_large'],
]);

/** A client of Uptally's HTTP API (SPEC §7) over keep-alive connections. `close` ends them. */
export class ApiClient {
  readonly #base: URL;
  readonly #key: string;
  readonly #dispatcher: Agent;
  readonly #now: () => number;

  /** Throws `ApiError` with code `bad_server` when the address is no http(s) URL. */
  constructor(options: ClientOptions) {
    this.#base = parseServer(options.server);
    this.#key = options.key;
    this.#now = options.now ?? Date.now;
    const timeoutMs = options.timeoutMs ?? 30_000;
    this.#dispatcher = new Agent({
      connect: { timeout: Math.min(timeoutMs, 10_000) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: ANSWER_BYTES_MAX,
    });
  }

  /**
   * Posts samples: bytes of the binary format as they are (they say so themselves), anything else as NDJSON, gzipped when `gzip` is set.
   * Never throws for what the network or the server does.
   */
  async postSamples(body: Uint8Array, options: { gzip: boolean; signal?: AbortSignal }): Promise<PostOutcome> {
    const ndjson = { 'content-type': 'application/x-ndjson', ...(options.gzip ? { 'content-encoding': 'gzip' } : {}) };
    let answer: RawAnswer;
    try {
      answer = await this.#send('POST', 'v1/samples', {
        body,
        headers: isBinary(body) ? { 'content-type': 'application/vnd.uptally.samples' } : ndjson,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    } catch (error) {
      return { kind: 'unavailable', status: null, retryAfterMs: null, detail: networkMessage(error) };
    }
    return judge(answer);
  }

  /**
   * Posts a body of another protocol to where that is received, and reads what its senders are answered. Never throws for what the network or
   * the server does; what of a body was rejected is not told apart, but counted as one.
   */
  async postAs(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<PostOutcome> {
    let answer: RawAnswer;
    try {
      const what = { body, headers: { ...headers }, ...(signal === undefined ? {} : { signal }) };
      answer = await this.#send('POST', path.replace(/^\//, ''), what);
    } catch (error) {
      return { kind: 'unavailable', status: null, retryAfterMs: null, detail: networkMessage(error) };
    }
    return judgeReceived(answer);
  }

  /** One JSON call; the answer's text comes unparsed too, because JSON.parse rounds integers beyond 2⁵³: `json` parses when it is asked for. Throws `ApiError`. */
  async call(
    method: Method,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string; readonly json: unknown }> {
    let answer: RawAnswer;
    try {
      answer = await this.#send(method, path.replace(/^\//, ''), {
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: Buffer.from(toJson(body)) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      const message = `${this.#base.origin} can't be reached: ${networkMessage(error)}`;
      throw new ApiError(message, { status: null, code: 'unreachable', retryable: true, cause: error });
    }
    if (answer.status < 200 || answer.status > 299) {
      const { code, detail, fields } = describeProblem(answer);
      throw new ApiError(`${method} /${path.replace(/^\//, '')}: ${answer.status} ${code}: ${detail}`, {
        status: answer.status,
        code,
        fields,
        retryable: isTransient(answer.status),
        retryAfterMs: answer.retryAfterMs,
      });
    }
    const { status, text } = answer;
    return {
      status,
      text,
      get json() {
        return text === '' ? null : parseJson(text);
      },
    };
  }

  /** The bytes of a document in the form asked for. Throws `ApiError`. */
  async download(path: string, accept: string): Promise<{ readonly bytes: Uint8Array; readonly type: string }> {
    let answer: { status: number; type: string; bytes: Buffer };
    try {
      const { statusCode, headers, body } = await request(new URL(withoutStep(path.replace(/^\//, '')), this.#base), {
        dispatcher: this.#dispatcher,
        headers: { authorization: `Bearer ${this.#key}`, 'user-agent': 'uptally', accept },
      });
      const type = headers['content-type'];
      const bytes = Buffer.from(await body.arrayBuffer());
      answer = { status: statusCode, type: Array.isArray(type) ? (type[0] ?? '') : (type ?? ''), bytes };
    } catch (error) {
      const message = `${this.#base.origin} can't be reached: ${networkMessage(error)}`;
      throw new ApiError(message, { status: null, code: 'unreachable', retryable: true, cause: error });
    }
    const { status, type, bytes } = answer;
    if (status === 200) return { bytes, type };
    const { code, detail } = describeProblem({ status, text: bytes.toString('utf8') });
    throw new ApiError(`GET ${path}: ${status} ${code}: ${detail}`, { status, code, retryable: isTransient(status) });
  }

  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  async #send(
    method: Method,
    path: string,
    what: { body?: Uint8Array; headers: Record<string, string>; signal?: AbortSignal },
  ): Promise<RawAnswer> {
    const answer = await request(new URL(withoutStep(path), this.#base), {
      method,
      dispatcher: this.#dispatcher,
      headers: { authorization: `Bearer ${this.#key}`, 'user-agent': 'uptally', accept: 'application/json', ...what.headers },
      ...(what.body === undefined ? {} : { body: what.body }),
      ...(what.signal === undefined ? {} : { signal: what.signal }),
    });
    const header = answer.headers['retry-after'];
    const retryAfter = Array.isArray(header) ? (header[0] ?? null) : (header ?? null);
    const type = answer.headers['content-type'];
    return {
      status: answer.statusCode,
      type: (Array.isArray(type) ? type[0] : type) ?? '',
      text: await answer.body.text(),
      retryAfterMs: parseRetryAfter(retryAfter, this.#now()),
    };
  }
}

function parseServer(server: string): URL {
  const bad = (): ApiError =>
    new ApiError(`the server's address must be an http or https URL, not ${JSON.stringify(server)}`, {
      status: null,
      code: 'bad_server',
      retryable: false,
    });
  let url: URL;
  try {
    url = new URL(server);
  } catch {
    throw bad();
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw bad();
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function judge(answer: RawAnswer): PostOutcome {
  const { status } = answer;
  const said = Receipt.safeParse(parseJson(answer.text));
  const receipt = said.success ? said.data : null;
  // Only a receipt says that samples are durable: a portal or a proxy may answer anything with any status.
  if (status === 202 && receipt !== null) return { kind: 'accepted', receipt };
  const { code, detail } = describeProblem(answer);
  if (isTransient(status))
    return { kind: 'unavailable', status, retryAfterMs: answer.retryAfterMs, detail: `${status} ${code}: ${detail}` };
  const refusal = refusalOf(answer, code, receipt);
  return refusal === null
    ? { kind: 'denied', status, code, detail }
    : { kind: 'refused', because: refusal, status, code, detail, receipt };
}

function refusalOf(answer: RawAnswer, code: string, receipt: Receipt | null): Refusal | null {
  const isProblem = /^application\/problem\+json\b/i.test(answer.type.trim());
  const refusal = isProblem ? (REFUSALS.get(code) ?? null) : null;
  if (refusal === 'final' && receipt?.errors.some((error) => error.code === 'ts_in_future') === true) return 'early';
  return refusal ?? (answer.status === 413 ? 'too_large' : null);
}

/** Node hides the reason of a failed connection in `cause` or in an AggregateError's list. */
function networkMessage(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return networkMessage(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
