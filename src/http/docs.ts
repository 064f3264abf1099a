import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Api } from './api.ts';
import { openApiDocument } from './openapi.ts';
import { problemsPage } from './problems.ts';

/** `/openapi.json`, `/docs` (nothing from other servers) and `/problems`. To be called when every route is documented. */
export async function installDocs(api: Api, version: string): Promise<void> {
  const document = openApiDocument(api.operations, version);
  const text = JSON.stringify(document);
  const page = problemsPage();
  api.app.get('/openapi.json', (_, reply) => reply.type('application/json; charset=utf-8').send(text));
  api.app.get('/problems', (_, reply) => reply.type('text/html; charset=utf-8').send(page));
  for (const path of ['/openapi.json', '/problems', '/docs']) api.page(path);
  await api.app.register(swagger, {
    mode: 'static',
    specification: { document: document as unknown as StaticDocumentSpec['document'] },
  });
  await api.app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
}
