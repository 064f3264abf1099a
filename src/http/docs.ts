import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Api } from './api.ts';
import { installGuides } from './guides.ts';
import { type BodyExamples, openApiDocument } from './openapi.ts';
import { problemsPage } from './problem-pages.ts';

/** The name of the product, where the page would show its framework's. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40" viewBox="0 0 150 40"><text x="0" y="28" font-family="system-ui,sans-serif" font-size="26" font-weight="600" fill="#fff">Uptally</text></svg>`;
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1c2430"/><path d="M4 11V8M7 11V5M10 11V7M13 11V3" stroke="#fff" stroke-width="1.6"/></svg>`;

/** `/openapi.json`, `/docs` (nothing from other servers), `/guides` beside it, and `/problems`. To be called when every route is documented. */
export async function installDocs(api: Api, version: string, examples: BodyExamples): Promise<void> {
  const document = openApiDocument(api.operations, version, examples, api.events);
  const text = JSON.stringify(document);
  const page = problemsPage();
  api.app.get('/openapi.json', (_, reply) => reply.type('application/json; charset=utf-8').send(text));
  api.app.get('/problems', (_, reply) => reply.type('text/html; charset=utf-8').send(page));
  for (const path of ['/openapi.json', '/problems', '/docs']) api.page(path);
  await api.app.register(swagger, {
    mode: 'static',
    specification: { document: document as unknown as StaticDocumentSpec['document'] },
  });
  installGuides(api);
  await api.app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    logo: { type: 'image/svg+xml', content: LOGO, href: '/guides', target: '_self' },
    theme: {
      title: 'Uptally: API',
      favicon: [{ filename: 'uptally.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: ICON }],
    },
  });
}
