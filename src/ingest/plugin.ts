/** The frame of all receivers: from the head of a post to its answer. The body stays bytes from the socket to the kernel. */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { type Api, type HttpPlugin, routeOf } from '../http/api.ts';
import { keyOf } from '../http/auth.ts';
import { isWaiting } from '../http/expect.ts';
import type { KeyRole } from '../http/keys.ts';
import { notedProblem } from '../http/problem-pages.ts';
import { BODY_BYTES_MAX } from '../kernel/decoder.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Faults } from '../process/faults.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { BODIES_BYTES_MAX, type BodyToRead, checkAnnounced, readBody } from './body.ts';
import type { SampleDoor } from './judge.ts';
import type { Exchange, Receiver, ReceiverAnswer, RequestHead } from './receivers/shared/receiver.ts';
import { RECEIVERS } from './receivers/receivers.ts';
import { type Elect, OpenElection } from '../sources/replicas/candidate.ts';
import { NO_SOURCES, type Sources } from '../sources/sources.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Sources in force, where samples are taken. */
    readonly sources: Sources;
  }
}

/** Who may post samples. */
const ROLES: readonly KeyRole[] = ['agent', 'admin'];

export interface IngestOptions {
  /** Bytes of bodies that may be in memory at once, over all receivers. */
  readonly bodiesBytesMax?: number;
  readonly receivers?: readonly Receiver[];
  readonly sources?: Sources;
  /** Decides which of the replicas that tell the same are heard. */
  readonly elect?: Elect;
}

/** A body that has come, and the post that it belongs to. */
interface RawBody {
  readonly exchange: Exchange;
  readonly chunks: readonly Buffer[];
  readonly release: () => void;
}

/** The plugin for a server: every receiver's routes. */
export function ingestPlugin(door: SampleDoor, faults: Faults, options: IngestOptions = {}): HttpPlugin {
  const { bodiesBytesMax = BODIES_BYTES_MAX, receivers = RECEIVERS, sources = NO_SOURCES, elect = nobody } = options;
  const budget = BodyBudget.shared(bodiesBytesMax, BODY_BYTES_MAX);
  return async (api) => {
    // read off the server: nothing is made for a request
    api.app.decorateRequest('sources', { getter: () => sources });
    for (const receiver of receivers) await register(api, receiver, { door, faults, budget, elect });
  };
}

interface Parts {
  readonly door: SampleDoor;
  readonly faults: Faults;
  readonly budget: BodyBudget;
  readonly elect: Elect;
}

async function register(api: Api, receiver: Receiver, { door, faults, budget, elect }: Parts): Promise<void> {
  const common = { config: { asKnown: !receiver.needsCatalog }, ...refusing(receiver) };
  await api.app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    takeBodies(scope, receiver, door, budget);
    for (const route of receiver.routes) {
      api.document({ ...route, roles: ROLES });
      scope.route({
        ...{ method: route.method, url: routeOf(route.path), ...common, bodyLimit: BODY_BYTES_MAX },
        onRequest: api.requireKey(receiver.keys, ...ROLES),
        handler: async (request, reply) => {
          const body = request.body as RawBody | null | undefined;
          const opened = body?.exchange ?? receiver.open(request);
          const chunks = body?.chunks ?? [];
          let receipt;
          let exchange;
          try {
            const read = await readDecided({ receiver, request, opened, chunks, elect });
            exchange = read.exchange;
            receipt = await door.take(read.judged, exchange.format, keyOf(request));
          } finally {
            body?.release();
          }
          await give(reply, exchange.answer(receipt, chunks));
          faults.at('after-answer');
          return reply;
        },
      });
    }
    done();
  });
  const { besides = [] } = receiver;
  if (besides.length === 0) return;
  await api.app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // whatever they send along: it is bounded, and nobody reads it
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, parsed) => {
      parsed(null);
    });
    for (const { answer, ...operation } of besides) {
      api.document(operation);
      scope.route({
        ...{ method: operation.method, url: routeOf(operation.path), ...common },
        ...(operation.roles === null ? {} : { onRequest: api.requireKey(receiver.keys, ...operation.roles) }),
        handler: (request, reply) => give(reply, answer(request)),
      });
    }
    done();
  });
}

/** How often a post may be read anew because something else of it is open. */
const READINGS_MAX = 5;

interface ToRead {
  readonly receiver: Receiver;
  readonly request: RequestHead;
  readonly opened: Exchange;
  readonly chunks: readonly Uint8Array[];
  readonly elect: Elect;
}

/** Reads a post; where it is open which replica is heard that is decided, and the post is read once more from its head. */
async function readDecided({ receiver, request, opened, chunks, elect }: ToRead): Promise<{
  readonly exchange: Exchange;
  readonly judged: readonly Uint8Array[];
}> {
  let exchange = opened;
  for (let reading = 1; ; reading++) {
    try {
      return { exchange, judged: exchange.read(chunks) };
    } catch (error) {
      if (!(error instanceof OpenElection)) throw error;
      if (reading >= READINGS_MAX) throw new ProblemError('replica_open', 'which replica is heard changes all the time');
      await elect(error.asked);
      exchange = receiver.open(request);
    }
  }
}

const nobody: Elect = () => Promise.reject(new Error('nobody decides here which replica is heard'));

/** Reads bodies as bytes, of whatever type: the receiver has looked at the head before one is asked for. */
function takeBodies(scope: FastifyInstance, receiver: Receiver, door: SampleDoor, budget: BodyBudget): void {
  const inflates = receiver.inflates ?? isGzip;
  const parse = async (request: FastifyRequest, payload: FastifyRequest['raw']): Promise<RawBody> => {
    const exchange = receiver.open(request);
    const body: BodyToRead = {
      announced: Number(request.headers['content-length'] ?? 0),
      gzip: inflates(request),
      holder: keyOf(request).id,
    };
    if (isWaiting(request.raw)) {
      checkAnnounced(body, budget);
      door.refuseNow?.();
    }
    const { chunks, release } = await readBody(payload, body, budget);
    return { exchange, chunks, release };
  };
  // the usual types by name: what falls to '*' has its header taken apart at every request
  scope.addContentTypeParser([...receiver.contentTypes, '*'], { bodyLimit: BODY_BYTES_MAX }, parse);
}

/** A receiver's own words for problems, where it has some. */
function refusing(receiver: Receiver): Pick<RouteShorthandOptions, 'errorHandler'> {
  if (receiver.refuse === undefined) return {};
  const { refuse } = receiver;
  return {
    errorHandler: (error, request, reply) => {
      void give(reply, refuse(notedProblem(error, request), request));
    },
  };
}

function give(reply: FastifyReply, { status, headers, body }: ReceiverAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function isGzip({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const header = headers['content-encoding'];
  if (header === undefined || header === 'identity') return false;
  if (header === 'gzip') return true;
  // names in any case, x-gzip for gzip (RFC 9110, 8.4.1), and identity says nothing
  const codings = header.split(',').map((coding) => coding.trim().toLowerCase());
  const [first, ...others] = codings.filter((coding) => coding !== '' && coding !== 'identity');
  if (first === undefined) return false;
  if (others.length === 0 && (first === 'gzip' || first === 'x-gzip')) return true;
  throw new ProblemError('unsupported_encoding', 'a body may be sent as it is or with gzip');
}
