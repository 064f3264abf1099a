import { collectDefaultMetrics, Histogram, type Registry } from 'prom-client';
import type { Api } from './api.ts';

/** `/metrics`, and how long requests take by route (its pattern, never the address: addresses hold names without end). */
export function installMetrics(api: Api, registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  const seconds = new Histogram({
    name: 'uptally_http_request_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  api.app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    seconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    done();
  });
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
