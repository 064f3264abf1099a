/**
 * Prometheus remote write 1.0 and 2.0: what a libvirt exporter, pve-exporter, KubeVirt or node_exporter measured, and Prometheus, its agent mode,
 * Alloy or vmagent sends. Answers are those of prometheus.io/docs/specs/prw: what is no use to send again is 400 (415 for another encoding or
 * message), what is to be sent again is 503; 429 makes Prometheus drop what it sent, so it is never given.
 */
import { z } from 'zod';
import { ProblemError } from '../../../problems/problem.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import type { Exchange, Receiver, ReceiverAnswer, RequestHead } from '../shared/receiver.ts';
import { ofKey } from '../shared/own-path.ts';
import { sourceOf } from '../shared/source-of.ts';
import { readOr, refusalOf } from '../shared/refusal.ts';
import { POST_PROBLEMS } from '../shared/problems.ts';
import { Translation } from '../shared/translation.ts';
import { unsnap } from '../shared/snappy.ts';
import { seriesCache } from './series-cache.ts';
import { translateVersion1 } from './version1.ts';
import { translateVersion2, type Written } from './version2.ts';

const MESSAGE_1 = 'prometheus.WriteRequest';
const MESSAGE_2 = 'io.prometheus.write.v2.Request';

const route = {
  method: 'POST' as const,
  tag: 'samples' as const,
  summary: 'Take in Prometheus remote write',
  description:
    "Remote write 1.0 and 2.0, packed with snappy. What the source's mapping wants becomes samples, the rest is left out and counted: see `GET /v1/sources/{id}`. 204 means that the samples are durable.",
  params: z.object({ source: z.string() }),
  body: { 'application/x-protobuf': z.string().meta({ format: 'binary' }) },
  answers: { 204: { description: 'Durable' } },
  problems: [...POST_PROBLEMS],
};

export const prometheusReceiver: Receiver = {
  name: 'prometheus',
  keys: ['bearer', 'basic'],
  inWorkers: true,
  needsCatalog: false,
  contentTypes: [
    'application/x-protobuf',
    `application/x-protobuf;proto=${MESSAGE_1}`,
    `application/x-protobuf;proto=${MESSAGE_2}`,
  ],
  routes: [
    { ...route, path: '/v1/receive/prometheus/{source}' },
    { ...route, path: '/v1/receive/prometheus/{source}/api/v1/write' },
    ofKey({ ...route, path: '/api/v1/write' }),
  ],
  inflates: isSnappy,
  open,
  refuse,
};

/** Whether a body is to be inflated: never, it has to be snappy's. Throws `unsupported_encoding`. */
function isSnappy({ headers }: Pick<RequestHead, 'headers'>): boolean {
  if ((headers['content-encoding'] ?? '').trim().toLowerCase() === 'snappy') return false;
  throw new ProblemError('unsupported_encoding', 'remote write comes packed with snappy (Content-Encoding: snappy)');
}

/** Which message a body is: the header says so, nothing is guessed. Throws `unsupported_media_type`. */
function messageOf(header: string): 1 | 2 {
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim());
  const proto = parameters
    .find((parameter) => /^proto=/i.test(parameter))
    ?.slice('proto='.length)
    .replaceAll('"', '');
  if (type.toLowerCase() === 'application/x-protobuf') {
    if (proto === undefined || proto === MESSAGE_1) return 1;
    if (proto === MESSAGE_2) return 2;
  }
  throw new ProblemError(
    'unsupported_media_type',
    `remote write comes as application/x-protobuf, of ${MESSAGE_1} (also if proto= is left out) or ${MESSAGE_2}`,
  );
}

function open(head: RequestHead): Exchange {
  const message = messageOf(head.headers['content-type'] ?? '');
  const source = sourceOf(head, 'prometheus');
  isSnappy(head);
  return message === 1 ? exchange1(source) : exchange2(source);
}

function exchange1(source: SourceInForce): Exchange {
  const translation = new Translation();
  return {
    format: 'binary',
    read: (body) =>
      readOr('remote write', () => {
        translateVersion1(unsnap(whole(body)), source, seriesCache, translation);
        return translation.body();
      }),
    answer: (receipt) => {
      translation.settle(source.counts, receipt);
      return { status: 204, headers: {} };
    },
  };
}

function exchange2(source: SourceInForce): Exchange {
  const translation = new Translation();
  let written: Written = { samples: 0, histograms: 0, exemplars: 0, problem: null };
  return {
    format: 'binary',
    read: (body) =>
      readOr('remote write', () => {
        written = translateVersion2(unsnap(whole(body)), source, seriesCache, translation);
        return translation.body();
      }),
    answer: (receipt) => {
      translation.settle(source.counts, receipt);
      const headers = writtenHeaders(written);
      if (written.problem === null) return { status: 204, headers };
      return {
        status: 400,
        headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
        body: `${written.problem}; the other series were taken\n`,
      };
    },
  };
}

/** What the receiver has done with what came: also with what nobody wants it is done (remote write 2.0, "Required Written Response Headers"). */
function writtenHeaders({ samples, histograms, exemplars }: Omit<Written, 'problem'>): Record<string, string> {
  return {
    'x-prometheus-remote-write-samples-written': String(samples),
    'x-prometheus-remote-write-histograms-written': String(histograms),
    'x-prometheus-remote-write-exemplars-written': String(exemplars),
  };
}

function whole(body: readonly Uint8Array[]): Uint8Array {
  const [first] = body;
  return body.length === 1 && first !== undefined ? first : Buffer.concat(body);
}

/** In plain text, as senders log it. */
function refuse(problem: ProblemError): ReceiverAnswer {
  const { status, headers, text } = refusalOf(problem);
  return { status, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}
