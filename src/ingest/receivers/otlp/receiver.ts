/**
 * OTLP/HTTP metrics, in protobuf and JSON (opentelemetry.io/docs/specs/otlp): exporters send again what is answered 429, 502, 503 and 504, and drop
 * what is answered 500, so overload and faults are 503. What a rule wants and cannot be taken is a partial success, which is not to be sent again.
 */
import { z } from 'zod';
import { ProblemError } from '../../../problems/problem.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import { jsonOf } from '../shared/json.ts';
import { POST_PROBLEMS } from '../shared/problems.ts';
import type { Exchange, Receiver, ReceiverAnswer, RequestHead } from '../shared/receiver.ts';
import { ofKey } from '../shared/own-path.ts';
import { readOr, refusalOf } from '../shared/refusal.ts';
import { sourceOf } from '../shared/source-of.ts';
import { Translation } from '../shared/translation.ts';
import { readJson } from './json-request.ts';
import { addPoint } from './points.ts';
import { readProtobuf } from './protobuf-request.ts';
import { partialSuccess, statusMessage } from './response.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

const route = {
  method: 'POST' as const,
  tag: 'samples' as const,
  summary: 'Take in OpenTelemetry metrics (OTLP/HTTP)',
  description:
    "Protobuf or JSON, as they are or with gzip. What the source's mapping wants becomes samples, the rest is left out and counted. 200 means that the samples are durable; points that cannot be taken are told as a partial success. Sums have to be cumulative.",
  params: z.object({ source: z.string() }),
  body: { [PROTOBUF]: z.string().meta({ format: 'binary' }), [JSON_TYPE]: z.looseObject({}) },
  answers: { 200: { description: 'Durable', schema: z.looseObject({}) } },
  problems: [...POST_PROBLEMS],
};

export const otlpReceiver: Receiver = {
  name: 'otlp',
  keys: ['bearer', 'basic'],
  inWorkers: true,
  needsCatalog: false,
  contentTypes: [PROTOBUF, JSON_TYPE],
  routes: [
    { ...route, path: '/v1/receive/otlp/{source}' },
    { ...route, path: '/v1/receive/otlp/{source}/v1/metrics' },
    ofKey({ ...route, path: '/v1/metrics' }),
  ],
  open,
  refuse,
};

function isJson(header: string | undefined): boolean | undefined {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase();
  return type === PROTOBUF ? false : type === JSON_TYPE ? true : undefined;
}

function open(head: RequestHead): Exchange {
  const json = isJson(head.headers['content-type']);
  if (json === undefined) throw new ProblemError('unsupported_media_type', `metrics come as ${PROTOBUF} or ${JSON_TYPE}`);
  const translation = new Translation();
  const source = sourceOf(head, 'otlp');
  return {
    format: 'binary',
    read: (body) =>
      readOr('ExportMetricsServiceRequest', () => {
        translate(body, json, source, translation);
        return translation.body();
      }),
    answer: (receipt) => {
      translation.settle(source.counts, receipt);
      const rejected = translation.rejected + receipt.rejected;
      const reasons = [...translation.reasons, ...receipt.errors.slice(0, 1).map(({ code, field }) => `${code}: ${field}`)];
      return {
        status: 200,
        headers: { 'content-type': json ? JSON_TYPE : PROTOBUF },
        body: partialSuccess(json, rejected, reasons.join('; ')),
      };
    },
  };
}

function translate(body: readonly Uint8Array[], json: boolean, source: SourceInForce, into: Translation): void {
  const onPoint = (point: Parameters<typeof addPoint>[0]): void => {
    addPoint(point, source, into);
  };
  if (json) readJson(jsonOf(body), onPoint);
  else readProtobuf(Buffer.concat(body), onPoint);
}

/** A `google.rpc.Status`, in what the request was written in. */
function refuse(problem: ProblemError, { headers }: Pick<RequestHead, 'headers'>): ReceiverAnswer {
  const refusal = refusalOf(problem);
  const json = isJson(headers['content-type']) !== false;
  return {
    status: refusal.status,
    headers: { ...refusal.headers, 'content-type': json ? JSON_TYPE : PROTOBUF },
    body: statusMessage(json, refusal.status, refusal.text),
  };
}
