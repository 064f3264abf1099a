import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import { AddressRefused, guardedLookup, type Reachable, type Resolve } from './addresses.ts';

/** How long the whole of an attempt may take, and how much of an answer is read: enough to say what was wrong. */
const DEADLINE_MS = 15_000;
const ANSWER_BYTES_MAX = 8_192;
/** After the status, the body may take this long. */
const BODY_MS = 2_000;
const ANSWER_SHOWN = 200;

export interface PostOptions {
  readonly reachable: Reachable;
  /** How names are resolved; left out: as the system does. */
  readonly resolve?: Resolve | undefined;
  readonly deadlineMs?: number | undefined;
}

/** What a receiver answered; status 0: nothing. */
export interface Posted {
  readonly status: number;
  /** What it said of why, or why nothing came. */
  readonly why: string;
  readonly retryAfterMs: number | null;
}

/** Posts a body once. Redirects are answers as any other; nothing is thrown. */
export function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  { reachable, resolve, deadlineMs = DEADLINE_MS }: PostOptions,
): Promise<Posted> {
  // What goes over the internet is encrypted: without TLS only the provider's own networks are reached.
  const isTls = url.protocol === 'https:';
  const isRefused = (address: string): boolean => !(isTls ? reachable.may(address) : reachable.isAllowed(address));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // An address is not looked up before it is connected to.
  if (isIP(host) !== 0 && isRefused(host)) return Promise.resolve(failed(new AddressRefused(host, host)));
  return new Promise((done) => {
    const end = (result: Posted): void => {
      clearTimeout(timer);
      done(result);
      request.destroy();
    };
    const request = (isTls ? tlsRequest : plainRequest)(
      url,
      {
        method: 'POST',
        agent: false,
        lookup: guardedLookup(isRefused, resolve),
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' },
      },
      (answer) => {
        const status = answer.statusCode ?? 0;
        const retryAfterMs = retryAfterOf(answer);
        void readSome(answer).then((text) => {
          const why = status >= 200 && status < 300 ? '' : `answered ${status}${text === '' ? '' : `: ${text}`}`;
          end({ status, why, retryAfterMs });
        });
      },
    );
    const timer = setTimeout(() => {
      end({ status: 0, why: `no answer within ${deadlineMs} ms`, retryAfterMs: null });
    }, deadlineMs);
    request.on('error', (error) => {
      end(failed(error));
    });
    request.end(body);
  });
}

function failed(error: Error): Posted {
  const why = error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message;
  return { status: 0, why: why === '' ? error.name : why, retryAfterMs: null };
}

/** The beginning of an answer's body, in one line: an endless one is cut, a slow one is not waited for. */
function readSome(answer: IncomingMessage): Promise<string> {
  return new Promise((done) => {
    let bytes = 0;
    const parts: Buffer[] = [];
    const end = (): void => {
      clearTimeout(timer);
      answer.destroy();
      const text = Buffer.concat(parts).toString('utf8').slice(0, ANSWER_SHOWN);
      done(text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ').trim());
    };
    const timer = setTimeout(end, BODY_MS);
    answer.on('data', (chunk: Buffer) => {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes >= ANSWER_BYTES_MAX) end();
    });
    answer.on('end', end);
    answer.on('error', end);
    answer.on('aborted', end);
  });
}

/** `Retry-After` in seconds or as a date. */
function retryAfterOf({ headers }: IncomingMessage): number | null {
  const given = headers['retry-after'] ?? '';
  if (/^\d{1,9}$/.test(given)) return Number(given) * 1000;
  const ms = Date.parse(given);
  return Number.isNaN(ms) ? null : Math.max(0, ms - Date.now());
}
