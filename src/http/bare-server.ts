/** An HTTP server without a call: its limits, its log, its errors and how it ends. The API and the ingest workers are built on it. */
import type { Server, Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { type Logger, pino } from 'pino';
import { withNamedStep } from '../domain/path-steps.ts';
import { afterOwnTime } from '../process/patience.ts';
import { ProblemError } from '../problems/problem.ts';
import { Connections, type CutReason } from './connections.ts';
import { installExpect } from './expect.ts';
import { keepListening } from './listening.ts';
import { answerClientError, endWith, installErrors, problemOf, sendProblem } from './problem-pages.ts';

/** The limits of one connection and request. Fastify's own defaults are none. */
export const HTTP_LIMITS = {
  bodyBytesMax: 1024 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  connectionTimeoutMs: 120_000,
  keepAliveTimeoutMs: 72_000,
  /** How often the times above are looked at. */
  checkIntervalMs: 1_000,
  /** How long a client may leave its side open after the last answer. */
  lingerMs: 3_000,
  /** Of an answer that waits for its client, so many bytes are taken in each such time. */
  readWithinMs: 30_000,
  readBytesMin: 64 * 1024,
  headerBytesMax: 16 * 1024,
  paramLengthMax: 128,
} as const;

export type HttpLimits = Readonly<Record<keyof typeof HTTP_LIMITS, number>>;

declare module 'fastify' {
  interface FastifyInstance {
    /** Those that the server accepted, or was given. */
    connections: Connections;
    /** Servers that take connections for this one, and stop when it does. */
    besides: Server[];
  }
}

/** By it a worker tells where a request that it forwards came from. */
export const ADDRESS_HEADER = 'x-uptally-address';

export interface BareOptions {
  /** Only this server's own workers reach it, and say where requests came from. */
  readonly behindWorkers?: boolean;
  /** How many connections there may be; left out: as many as come. */
  readonly connectionsMax?: number;
  readonly limits?: Partial<HttpLimits>;
  readonly onCut?: (reason: CutReason) => void;
}

/** What no line of the log has. */
const SECRETS = [
  ...['req.headers.authorization', 'headers.authorization', 'authorization', '*.adminKey', 'key'],
  ...['req.headers.cookie', 'headers.cookie', 'cookie', 'headers["set-cookie"]', 'token'],
];

/** The log of the process: structured, and without keys. */
export function makeLogger(level: string): Logger {
  return pino({ level, redact: [...SECRETS] });
}

/** How often one thing that goes on and on is told. */
const TELL_EVERY_MS = 60_000;

/** A server that knows no path yet. */
export function bareServer(logger?: Logger, options: BareOptions = {}): FastifyInstance {
  const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
  const app = fastify({
    loggerInstance: logger ?? makeLogger('silent'),
    // A line for every request would cost more than most requests; what fails is logged, the rest is in the metrics.
    logController: new LogController({ disableRequestLogging: true }),
    // and a logger for every request a tenth of a post of samples: what is logged names its request itself
    childLoggerFactory: (logger) => logger,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      connectionsCheckingInterval: limits.checkIntervalMs,
    },
    routerOptions: { maxParamLength: limits.paramLengthMax, ignoreTrailingSlash: true },
    rewriteUrl: (request) => withNamedStep(request.url ?? '/'),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _, reply) => {
      sendProblem(reply, problemOf(error));
    },
  }) as unknown as FastifyInstance;
  app.removeContentTypeParser('text/plain');
  installConnections(app, limits, options);
  installExpect(app);
  // this is no proxy: Node would hang up without a word
  app.server.on('connect', (_request, socket: Socket) => {
    endWith(socket, 'method_not_allowed');
  });
  app.decorateRequest('key', null);
  app.decorateRequest('session', null);
  app.decorateRequest('address', {
    getter(this: FastifyRequest): string {
      const told = options.behindWorkers === true ? this.headers[ADDRESS_HEADER] : undefined;
      return typeof told === 'string' ? told : (this.socket.remoteAddress ?? '');
    },
  });
  installErrors(app);

  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    for (const server of app.besides) server.close();
    done();
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    // Who is still connected goes elsewhere; what was already begun is finished.
    if (closing) done(new ProblemError('shutting_down', 'the server is going down', {}, { connection: 'close' }));
    else done();
  });
  return app;
}

/** Keeps the server's connections within bounds, whoever gives them to it. */
function installConnections(app: FastifyInstance, limits: HttpLimits, { connectionsMax = Infinity, onCut }: BareOptions): void {
  const tell = notTooOften(TELL_EVERY_MS);
  const connections = new Connections({
    ...{ max: connectionsMax, lingerMs: limits.lingerMs, readWithinMs: limits.readWithinMs, readBytesMin: limits.readBytesMin },
    onCut: (reason) => {
      onCut?.(reason);
      if (reason === 'full')
        tell(() => {
          app.log.warn({ connectionsMax }, 'there are as many connections as may be: those without a key go, the oldest first');
        });
    },
  });
  app.decorate('connections', connections);
  app.decorate('besides', []);
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket);
  });
  const looking = setInterval(() => {
    connections.cutSlowReaders(performance.now());
  }, limits.checkIntervalMs).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(looking);
    done();
  });
  app.server.once('listening', () => {
    keepListening(app.server, noFileLeft(app.log), () => connections.cutOne());
  });
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (request.key !== null) connections.heldBy(request.raw.socket, request.key.id);
    done(null, payload);
  });
}

/** Tells, now and then, that a connection could not be taken. */
export function noFileLeft(logger: Pick<Logger, 'error'>): (error: Error) => void {
  const tell = notTooOften(TELL_EVERY_MS);
  return (error) => {
    tell(() => {
      logger.error(
        { err: error },
        'no file is left for a new connection: it was closed, and others are taken when files are free again',
      );
    });
  };
}

function notTooOften(everyMs: number): (tell: () => void) => void {
  let toldAtMs = -Infinity;
  return (tell) => {
    if (performance.now() - toldAtMs < everyMs) return;
    toldAtMs = performance.now();
    tell();
  };
}

/** How long requests that were begun may take to end once the server is stopping. */
const CLOSE_GRACE_MS = 5000;
/** How often connections are looked for whose last request has ended since. */
const CLOSE_IDLE_EVERY_MS = 100;

/**
 * Lets the requests under way finish.
 * @param drained resolves when the connections that the server did not accept itself are closed
 */
export async function closeServer(
  server: FastifyInstance,
  drained: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  // Node no longer times out slow requests once it is closing: what has not arrived by then is cut off, its sender has no answer
  const cancelCutOff = afterOwnTime(CLOSE_GRACE_MS, () => {
    server.server.closeAllConnections();
  });
  const idle = setInterval(() => {
    server.server.closeIdleConnections();
  }, CLOSE_IDLE_EVERY_MS);
  await server.close();
  await drained();
  cancelCutOff();
  clearInterval(idle);
}
