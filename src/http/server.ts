/** The HTTP server of a process: the frame, with whatever calls its parts bring. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Api, type HttpPlugin } from './api.ts';
import { checkKeyAgain, keyChecks } from './auth.ts';
import { bareServer, type BareOptions, HTTP_LIMITS } from './bare-server.ts';
import { boundBodies } from './body-budget.ts';
import { installDocs } from './docs.ts';
import type { OnceParts } from './idempotency.ts';
import type { KeysInForce, Owners, SessionsInForce } from './keys.ts';
import { installMetrics } from './metrics.ts';
import type { BodyExamples } from './openapi.ts';
import { WrongKeys } from './wrong-keys.ts';
import { installNotFound } from './problem-pages.ts';

export interface FrameOptions extends BareOptions {
  readonly keys: KeysInForce;
  /** Left out: nobody has a session here. */
  readonly sessions?: SessionsInForce;
  /** Awaited before a call of the API is looked at: what other processes have stored and recorded is seen. */
  readonly freshen?: () => Promise<void>;
  /** Awaited before a key that is not known is turned away: another process may have made it. */
  readonly onUnknownKey?: () => Promise<void>;
  /** What is known of wrong keys; left out: nothing yet. */
  readonly wrongKeys?: WrongKeys;
  /** What belongs to whom; left out: customers have nothing here. */
  readonly owners?: Owners;
  /** What is known of requests that are carried out once. */
  readonly once?: OnceParts;
  /** The product's version, shown in the OpenAPI document. */
  readonly version: string;
  /** Bodies that the OpenAPI document shows. */
  readonly examples: BodyExamples;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The calls, in the order in which they are documented. */
  readonly plugins: readonly HttpPlugin[];
}

/** Builds the server, ready to listen. What the options hold is the caller's, who closes it after the server. */
export async function buildServer(options: FrameOptions): Promise<FastifyInstance> {
  const { keys, sessions, wrongKeys = new WrongKeys(), onUnknownKey, freshen, registry, plugins } = options;
  const app = bareServer(options.logger, options);
  boundBodies(app, options.limits?.bodyBytesMax ?? HTTP_LIMITS.bodyBytesMax);
  const freshened =
    freshen === undefined
      ? undefined
      : (request: FastifyRequest): Promise<void> => (isFreshened(request) ? freshen() : Promise.resolve());
  if (freshened !== undefined) app.addHook('onRequest', freshened);
  checkKeyAgain(app, { keys, sessions }, freshened);

  const api = new Api(app, keyChecks({ keys, sessions, wrongKeys, onUnknownKey }), {
    once: options.once,
    owners: options.owners,
    wrongKeys,
  });
  installNotFound(app, (path) => api.methodsOf(path));
  installMetrics(api, registry);
  for (const plugin of plugins) await plugin(api);
  await installDocs(api, options.version, options.examples);
  return app;
}

/** Samples are taken whatever the store does, and their receivers say so; health and metrics say what they know. */
function isFreshened({ routeOptions: { url = '', config } }: FastifyRequest): boolean {
  return url.startsWith('/v1/') && config.asKnown !== true;
}
