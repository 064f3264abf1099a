import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Histogram, type Registry } from 'prom-client';
import type { Api } from './api.ts';

/** Is told of a request that was answered. @param route the pattern of its path, never the path: those hold names without end */
export type ObserveRequest = (method: string, route: string, status: string, seconds: number) => void;

const REQUEST_SECONDS = 'uptally_http_request_seconds';

/** Counts requests in the registry's histogram of how long they take, which is made the first time. */
export function requestObserver(registry: Registry): ObserveRequest {
  const made = registry.getSingleMetric(REQUEST_SECONDS) as Histogram | undefined;
  const seconds =
    made ??
    new Histogram({
      name: REQUEST_SECONDS,
      help: 'Time from the first byte of a request to the last of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  return (method, route, status, took) => {
    seconds.observe({ method, route, status }, took);
  };
}

/** Has `observe` told of every request; one that belongs to no call has the route `none`. */
export function observeRequests(app: FastifyInstance, observe: ObserveRequest): void {
  app.addHook('onResponse', (request, reply, done) => {
    observe(request.method, request.routeOptions.url ?? 'none', String(reply.statusCode), reply.elapsedTime / 1000);
    done();
  });
}

/** `/metrics`, and how long requests take. */
export function installMetrics(api: Api, registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  observeRequests(api.app, requestObserver(registry));
  api.document({
    method: 'GET',
    path: '/metrics',
    tag: 'service',
    summary: 'Metrics for Prometheus',
    roles: null,
    answers: { 200: { description: 'Prometheus text' } },
    problems: [],
  });
  api.app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}
