/** An HTTP server without a call: its limits, its log, its errors and how it ends. The API and the ingest workers are built on it. */
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import { type Logger, pino } from 'pino';
import { withNamedStep } from '../domain/path-steps.ts';
import { afterOwnTime } from '../patience.ts';
import { ProblemError } from '../errors.ts';
import { answerClientError, endWith, installErrors, problemOf, sendProblem } from './problems.ts';

/** The limits of one connection and request. Fastify's own defaults are none. */
export const HTTP_LIMITS = {
  bodyBytesMax: 1024 * 1024,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  connectionTimeoutMs: 120_000,
  keepAliveTimeoutMs: 72_000,
  headerBytesMax: 16 * 1024,
  paramLengthMax: 128,
} as const;

/** The log of the process: structured, and without keys. */
export function makeLogger(level: string): Logger {
  return pino({ level, redact: ['req.headers.authorization', 'headers.authorization', 'authorization', '*.adminKey', 'key'] });
}

/** A server that knows no path yet. */
export function bareServer(logger?: Logger): FastifyInstance {
  const app = fastify({
    loggerInstance: logger ?? makeLogger('silent'),
    // A line for every request would cost more than most requests; what fails is logged, the rest is in the metrics.
    logController: new LogController({ disableRequestLogging: true }),
    // and a logger for every request a tenth of a post of samples: what is logged names its request itself
    childLoggerFactory: (logger) => logger,
    bodyLimit: HTTP_LIMITS.bodyBytesMax,
    requestTimeout: HTTP_LIMITS.requestTimeoutMs,
    connectionTimeout: HTTP_LIMITS.connectionTimeoutMs,
    keepAliveTimeout: HTTP_LIMITS.keepAliveTimeoutMs,
    http: {
      headersTimeout: HTTP_LIMITS.headersTimeoutMs,
      maxHeaderSize: HTTP_LIMITS.headerBytesMax,
      connectionsCheckingInterval: 5_000,
    },
    routerOptions: { maxParamLength: HTTP_LIMITS.paramLengthMax, ignoreTrailingSlash: true },
    rewriteUrl: (request) => withNamedStep(request.url ?? '/'),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _, reply) => {
      sendProblem(reply, problemOf(error));
    },
  }) as unknown as FastifyInstance;
  app.removeContentTypeParser('text/plain');
  // this is no proxy: Node would hang up without a word
  app.server.on('connect', (_request, socket: Socket) => {
    endWith(socket, 'method_not_allowed');
  });
  app.decorateRequest('key', null);
  installErrors(app);

  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    // Who is still connected goes elsewhere; what was already begun is finished.
    if (closing)
      done(new ProblemError('shutting_down', 'the server is going down', {}, { connection: 'close', 'retry-after': '1' }));
    else done();
  });
  return app;
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
