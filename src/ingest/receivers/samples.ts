/** `POST /v1/samples` (SPEC §7): JSON, NDJSON and the binary format, which the kernel reads as they come. */
import { z } from 'zod';
import { otherwiseWritten } from '../../domain/signature.ts';
import type { BodyFormat } from '../../kernel/decoder.ts';
import { ProblemError } from '../../problems/problem.ts';
import { type Rejection, rejectionMessage } from '../../samples/rejection.ts';
import { sampleShape } from '../../samples/sample-shape.ts';
import type { Exchange, Receipt, Receiver, ReceiverAnswer, RequestHead } from './shared/receiver.ts';

/** The media type of the binary format (schemas/samples-binary.md). */
const BINARY_TYPE = 'application/vnd.uptally.samples';
const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** The answer to a post of samples. */
const receiptShape = z.object({
  accepted: z.int().describe('Samples that are durable now'),
  rejected: z.int(),
  errors: z
    .array(z.object({ index: z.int(), code: z.string(), field: z.string(), message: z.string() }))
    .describe('The first 100'),
});

/** One exchange a format serves all posts: nothing of a post is remembered. */
const EXCHANGES: ReadonlyMap<string, Exchange> = new Map([
  ['application/x-ndjson', exchangeOf('ndjson')],
  ['application/json', exchangeOf('json')],
  [BINARY_TYPE, exchangeOf('binary')],
]);

export const samplesReceiver: Receiver = {
  name: 'samples',
  keys: ['bearer'],
  inWorkers: true,
  needsCatalog: false,
  contentTypes: [...EXCHANGES.keys()],
  routes: [
    {
      method: 'POST',
      path: '/v1/samples',
      tag: 'samples',
      summary: 'Post samples',
      description:
        'One sample a line (NDJSON), a JSON document that is a sample or an array of samples, or the binary format of schemas/samples-binary.md; at most 8 MiB inflated and 50,000 samples. 202 means that the accepted samples are durable; at any other answer nothing is. Sending the same again is harmless.',
      body: {
        'application/x-ndjson': sampleShape,
        'application/json': z.union([sampleShape, z.array(sampleShape)]),
        [BINARY_TYPE]: z.string().meta({ format: 'binary' }),
      },
      answers: { 202: { description: 'Durable', schema: receiptShape } },
      problems: [
        'no_usable_sample',
        'bad_request',
        'body_too_large',
        'too_many_samples',
        'unsupported_media_type',
        'unsupported_encoding',
        'too_many_requests',
        'capacity_full',
        'log_corrupt',
        'log_unavailable',
        'shutting_down',
      ],
    },
  ],
  open,
};

function open({ headers }: RequestHead): Exchange {
  const header = headers['content-type'] ?? '';
  const usual = EXCHANGES.get(header);
  if (usual !== undefined) return usual;
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const exchange = EXCHANGES.get(type);
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (exchange === undefined || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw new ProblemError(
      'unsupported_media_type',
      `samples come as application/x-ndjson or application/json, in UTF-8, or as ${BINARY_TYPE}`,
    );
  }
  return exchange;
}

function exchangeOf(format: BodyFormat): Exchange {
  return { format, read: (body) => body, answer };
}

function answer({ accepted, rejected, errors }: Receipt, body: readonly Uint8Array[]): ReceiverAnswer {
  if (accepted === 0) {
    const why = rejected === 0 ? 'the body holds no sample' : `all ${rejected} samples were rejected; errors says why`;
    throw new ProblemError('no_usable_sample', `${why}${otherwiseWritten(body)}`, {
      accepted,
      rejected,
      errors: described(errors),
    });
  }
  const rejections = errors.length === 0 ? '[]' : JSON.stringify(described(errors));
  return {
    status: 202,
    headers: JSON_HEADERS,
    body: `{"accepted":${accepted},"rejected":${rejected},"errors":${rejections}}`,
  };
}

function described(errors: readonly Rejection[]): object[] {
  return errors.map((error) => ({ ...error, message: rejectionMessage(error) }));
}
