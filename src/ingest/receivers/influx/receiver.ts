/**
 * Influx' line protocol, as Proxmox VE's metric server and Telegraf send it: `/api/v2/write` of version 2, `/write` of version 1, and what they ask
 * besides (`/health`, `/ping`, `/query` with CREATE DATABASE). Answers are those of docs.influxdata.com: exactly 204 for what was taken; Telegraf drops
 * what is answered 429 by version 1, so overload is 503.
 */
import { z } from 'zod';
import { ProblemError } from '../../../problems/problem.ts';
import type { BesidesRoute, Exchange, Receiver, ReceiverAnswer, ReceiverRoute, RequestHead } from '../shared/receiver.ts';
import { POST_PROBLEMS } from '../shared/problems.ts';
import { ofKey } from '../shared/own-path.ts';
import { refusalOf } from '../shared/refusal.ts';
import { sourceOf } from '../shared/source-of.ts';
import { Translation } from '../shared/translation.ts';
import { type LinesRead, PRECISIONS, type Precision, translateLines } from './lines.ts';

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };
const params = z.object({ source: z.string() });

const query = z.looseObject({
  precision: z.string().optional().describe('n, ns, u, us, ms or s: what instants are written in; ns unless said.'),
});

const write = {
  method: 'POST' as const,
  tag: 'samples' as const,
  description:
    "Lines, as they are or with gzip. What the source's mapping wants becomes samples, the rest is left out and counted. 204 means that the samples are durable. Lines need an instant.",
  params,
  query,
  body: { 'text/plain': z.string() },
  answers: { 204: { description: 'Durable' } },
  problems: [...POST_PROBLEMS, 'invalid_parameter'],
} satisfies Partial<ReceiverRoute>;

const BASE = '/v1/receive/influx/{source}';

export const influxReceiver: Receiver = {
  name: 'influx',
  keys: ['token', 'basic', 'bearer'],
  inWorkers: true,
  needsCatalog: false,
  contentTypes: ['text/plain; charset=utf-8', 'text/plain', 'application/octet-stream'],
  routes: [
    { ...write, path: `${BASE}/api/v2/write`, summary: "Take in Influx' line protocol, version 2" },
    { ...write, path: `${BASE}/write`, summary: "Take in Influx' line protocol, version 1" },
    ofKey({ ...write, path: '/api/v2/write', summary: "Take in Influx' line protocol, version 2" }),
    ofKey({ ...write, path: '/write', summary: "Take in Influx' line protocol, version 1" }),
  ],
  besides: [BASE, ''].flatMap((base) => [
    besides('GET', `${base}/health`, 'Whether version 2 is there', () => ({
      name: 'uptally',
      message: 'ready for lines',
      status: 'pass',
    })),
    besides('GET', `${base}/ping`, 'Whether version 1 is there', null),
    besides('POST', `${base}/query`, 'What version 1 is asked first: to create a database', () => ({ results: [{}] })),
    besides('GET', `${base}/query`, 'The same', () => ({ results: [{}] })),
  ]),
  open,
  refuse,
};

function besides(method: 'GET' | 'POST', path: string, summary: string, told: (() => object) | null): BesidesRoute {
  const status = told === null ? 204 : 200;
  return {
    ...{ method, path, tag: 'samples', summary, roles: null, ...(path.startsWith(BASE) ? { params } : {}) },
    answers: { [status]: { description: 'It is', ...(told === null ? {} : { schema: z.looseObject({}) }) } },
    problems: [],
    answer: () => (told === null ? { status, headers: {} } : { status, headers: JSON_HEADERS, body: JSON.stringify(told()) }),
  };
}

function open(head: RequestHead): Exchange {
  const source = sourceOf(head, 'influx');
  const precision = precisionOf(head);
  const translation = new Translation();
  const isVersion2 = (head.url.split('?')[0] ?? '').endsWith('/api/v2/write');
  let read: LinesRead = { lines: 0, malformed: 0, first: null };
  return {
    format: 'binary',
    read: (body) => {
      read = translateLines(Buffer.concat(body), precision, source, translation);
      if (read.lines > 0 && read.malformed === read.lines)
        throw new ProblemError('bad_request', `no line can be read: ${firstOf(read)}`);
      return translation.body();
    },
    answer: (receipt) => {
      translation.settle(source.counts, receipt);
      if (read.malformed === 0) return { status: 204, headers: {} };
      const message = `${read.malformed} of ${read.lines} lines cannot be read, the others were taken: ${firstOf(read)}`;
      return isVersion2
        ? { status: 422, headers: JSON_HEADERS, body: JSON.stringify({ code: 'unprocessable entity', message }) }
        : { status: 400, headers: JSON_HEADERS, body: JSON.stringify({ error: `partial write: ${message}` }) };
    },
  };
}

function precisionOf({ query: asked }: Pick<RequestHead, 'query'>): Precision {
  const given = (asked as { readonly precision?: unknown } | null)?.precision ?? 'ns';
  if (typeof given === 'string' && Object.hasOwn(PRECISIONS, given)) return given as Precision;
  throw new ProblemError('invalid_parameter', `precision must be one of ${Object.keys(PRECISIONS).join(', ')}`);
}

function firstOf({ first }: LinesRead): string {
  return first === null ? '' : `line ${first.line} ${first.why}`;
}

/** In the words of both versions: each sender reads the member that it knows. */
function refuse(problem: ProblemError): ReceiverAnswer {
  const { status, headers, text } = refusalOf(problem);
  return {
    status,
    headers: { ...headers, ...JSON_HEADERS },
    body: JSON.stringify({ code: codeOf(status), message: text, error: text }),
  };
}

function codeOf(status: number): string {
  const codes: Readonly<Record<number, string>> = {
    400: 'invalid',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'not found',
    413: 'request too large',
    415: 'invalid',
    503: 'unavailable',
  };
  return codes[status] ?? 'invalid';
}
