/** A receiver of JSON that a source maps: all that differs is the document, and the paths. */
import { z } from 'zod';
import { ProblemError } from '../../../problems/problem.ts';
import type { Protocol } from '../../../sources/mapping.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import { jsonOf } from './json.ts';
import { ofKey } from './own-path.ts';
import { POST_PROBLEMS } from './problems.ts';
import { receiptAnswer } from './receipt-answer.ts';
import type { Exchange, Receiver, ReceiverAnswer, RequestHead } from './receiver.ts';
import { readOr, refusalOf } from './refusal.ts';
import { sourceOf } from './source-of.ts';
import { Translation } from './translation.ts';

export interface JsonProtocol {
  readonly protocol: Protocol;
  readonly summary: string;
  readonly description: string;
  /** Paths below `/v1/receive/{protocol}/{source}`. */
  readonly paths: readonly string[];
  /** Paths that senders post to where only the server can be set. */
  readonly ownPaths?: readonly string[];
  /** What a body is called where it is refused. */
  readonly document: string;
  /** Adds what a document says. Throws MalformedError. */
  readonly translate: (document: unknown, from: SourceInForce, into: Translation, head: RequestHead) => void;
  /** Whether a media type is taken. */
  readonly takes: (type: string) => boolean;
  /** Media types, as they are told and documented. */
  readonly types: readonly [string, ...string[]];
}

export function jsonReceiver({
  protocol,
  summary,
  description,
  paths,
  ownPaths = [],
  document,
  translate,
  takes,
  types,
}: JsonProtocol): Receiver {
  const route = {
    ...{ method: 'POST' as const, tag: 'samples' as const, summary },
    description: `${description} 204 means that the samples are durable; 202 the same, where some were rejected.`,
    params: z.object({ source: z.string() }),
    body: Object.fromEntries(types.map((type) => [type, z.looseObject({})])),
    answers: {
      204: { description: 'Durable' },
      202: {
        description: 'Durable, but for what is told',
        schema: z.object({ accepted: z.int(), rejected: z.int(), reasons: z.array(z.string()).describe('The first ten.') }),
      },
    },
    problems: [...POST_PROBLEMS],
  };
  return {
    name: protocol,
    keys: ['bearer', 'basic', 'token'],
    inWorkers: true,
    needsCatalog: false,
    contentTypes: types,
    routes: [
      ...paths.map((path) => ({ ...route, path: `/v1/receive/${protocol}/{source}${path}` })),
      ...ownPaths.map((path) => ofKey({ ...route, path })),
    ],
    open: (head): Exchange => {
      const type = (head.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
      if (!takes(type)) throw new ProblemError('unsupported_media_type', `${document} come as ${types.join(' or ')}`);
      const source = sourceOf(head, protocol);
      const translation = new Translation();
      return {
        format: 'binary',
        read: (body) =>
          readOr(document, () => {
            translate(jsonOf(body), source, translation, head);
            return translation.body();
          }),
        answer: (receipt) => {
          translation.settle(source.counts, receipt);
          return receiptAnswer(receipt, translation);
        },
      };
    },
    refuse,
  };
}

function refuse(problem: ProblemError): ReceiverAnswer {
  const { status, headers } = refusalOf(problem);
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json; charset=utf-8' },
    body: JSON.stringify({ code: problem.code, status, detail: problem.detail }),
  };
}
