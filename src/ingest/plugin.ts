/** `POST /v1/samples` (SPEC §7). The body stays bytes from the socket to the kernel. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ProblemError } from '../problems/problem.ts';
import { type Rejection, rejectionMessage } from '../samples/rejection.ts';
import type { Faults } from '../process/faults.ts';
import { keyOf } from '../http/auth.ts';
import type { HttpPlugin } from '../http/api.ts';
import { BODY_BYTES_MAX, type BodyFormat } from '../kernel/decoder.ts';
import { isWaiting } from '../http/expect.ts';
import { BODIES_BYTES_MAX, BodyBudget, type BodyToRead, checkAnnounced, readBody } from './body.ts';
import { otherwiseWritten, type SampleDoor } from './judge.ts';
import { receiptShape, sampleShape } from './shapes.ts';

/** The media type of the binary format (schemas/samples-binary.md). */
export const BINARY_TYPE = 'application/vnd.uptally.samples';
const CONTENT_TYPES: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/x-ndjson', 'ndjson'],
  ['application/json', 'json'],
  [BINARY_TYPE, 'binary'],
]);

interface RawBody {
  readonly chunks: readonly Buffer[];
  readonly release: () => void;
}

function formatOf(request: FastifyRequest): BodyFormat {
  const header = request.headers['content-type'] ?? '';
  const usual = CONTENT_TYPES.get(header);
  if (usual !== undefined) return usual;
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const format = CONTENT_TYPES.get(type);
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (format === undefined || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw new ProblemError(
      'unsupported_media_type',
      `samples come as application/x-ndjson or application/json, in UTF-8, or as ${BINARY_TYPE}`,
    );
  }
  return format;
}

function isGzip(request: FastifyRequest): boolean {
  const header = request.headers['content-encoding'];
  if (header === undefined || header === 'identity') return false;
  if (header === 'gzip') return true;
  // names in any case, x-gzip for gzip (RFC 9110, 8.4.1), and identity says nothing
  const codings = header.split(',').map((coding) => coding.trim().toLowerCase());
  const [first, ...others] = codings.filter((coding) => coding !== '' && coding !== 'identity');
  if (first === undefined) return false;
  if (others.length === 0 && (first === 'gzip' || first === 'x-gzip')) return true;
  throw new ProblemError('unsupported_encoding', 'a body may be sent as it is or with gzip');
}

function described(errors: readonly Rejection[]): object[] {
  return errors.map((error) => ({ ...error, message: rejectionMessage(error) }));
}

/** The plugin for `buildServer`. @param bodiesBytesMax bytes of bodies that may be in memory at once */
export function ingestPlugin(door: SampleDoor, faults: Faults, bodiesBytesMax = BODIES_BYTES_MAX): HttpPlugin {
  const budget = new BodyBudget(bodiesBytesMax);
  return async (api) => {
    api.document({
      method: 'POST',
      path: '/v1/samples',
      tag: 'samples',
      summary: 'Post samples',
      description:
        'One sample a line (NDJSON), a JSON document that is a sample or an array of samples, or the binary format of schemas/samples-binary.md; at most 8 MiB inflated and 50,000 samples. 202 means that the accepted samples are durable; at any other answer nothing is. Sending the same again is harmless.',
      roles: ['agent', 'admin'],
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
    });
    await api.app.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      const parse = async (request: FastifyRequest, payload: FastifyRequest['raw']): Promise<RawBody> => {
        formatOf(request);
        const body: BodyToRead = {
          announced: Number(request.headers['content-length'] ?? 0),
          gzip: isGzip(request),
          holder: keyOf(request).id,
        };
        if (isWaiting(request.raw)) {
          checkAnnounced(body, budget);
          door.refuseNow?.();
        }
        return await readBody(payload, body, budget);
      };
      // the usual types by name: what falls to '*' has its header taken apart at every request
      scope.addContentTypeParser([...CONTENT_TYPES.keys(), '*'], { bodyLimit: BODY_BYTES_MAX }, parse);
      scope.post(
        '/v1/samples',
        { onRequest: api.requireRole('agent', 'admin'), bodyLimit: BODY_BYTES_MAX },
        async (request, reply) => {
          const format = formatOf(request);
          const body = request.body as RawBody | null | undefined;
          let receipt;
          try {
            receipt = await door.take(body?.chunks ?? [], format, keyOf(request));
          } finally {
            body?.release();
          }
          const { accepted, rejected, errors } = receipt;
          if (accepted === 0) {
            const why = rejected === 0 ? 'the body holds no sample' : `all ${rejected} samples were rejected; errors says why`;
            const detail = `${why}${otherwiseWritten(body?.chunks ?? [])}`;
            throw new ProblemError('no_usable_sample', detail, { accepted, rejected, errors: described(errors) });
          }
          void reply.code(202).header('content-type', 'application/json; charset=utf-8');
          const told = errors.length === 0 ? '[]' : JSON.stringify(described(errors));
          await reply.send(`{"accepted":${accepted},"rejected":${rejected},"errors":${told}}`);
          faults.at('after-answer');
          return reply;
        },
      );
      done();
    });
  };
}
