/**
 * The pages that are built into the product (`dist/web/`): an app's page for every address below it, since its own script tells them apart, and
 * its files, whose names change with what they hold.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';
import { compiledFile } from '../process/compiled.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Api, HttpPlugin } from './api.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** Nothing but this server's own files and answers, no script or style within the page, and in the frame of whom it is allowed. */
const policyOf = (ancestors: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${ancestors.length === 0 ? "'none'" : ancestors.map((origin) => (origin === 'self' ? "'self'" : origin)).join(' ')}`,
  ].join('; ');

const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

interface Built {
  readonly page: Buffer;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** An app's files, in memory: they are some hundred kilobytes. Undefined where it was not built. */
function built(app: string): Built | undefined {
  const folder = compiledFile(`web/${app}/`);
  if (!existsSync(new URL('index.html', folder))) return undefined;
  const assets = new URL('assets/', folder);
  const files = readdirSync(fileURLToPath(assets)).map((name) => [name, readFileSync(new URL(name, assets))] as const);
  return { page: readFileSync(new URL('index.html', folder)), files: new Map(files) };
}

/**
 * The app at `/NAME`. It needs no key: what it shows it asks the API for, as whoever logged in.
 * @param frameAncestors origins whose pages may have it in a frame, `self` among them; none: nobody
 */
export function webPages(app: string, frameAncestors: readonly string[] = []): HttpPlugin {
  return (api) => {
    installWebPages(api, app, { ...HEADERS, 'content-security-policy': policyOf(frameAncestors) });
  };
}

function installWebPages(api: Api, app: string, headers: Readonly<Record<string, string>>): void {
  const found = built(app);
  if (found === undefined) return;
  const page = (reply: FastifyReply): FastifyReply =>
    reply
      .headers({ ...headers, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(found.page);
  api.app.get(`/${app}`, (_, reply) => page(reply));
  api.app.get(`/${app}/*`, (_, reply) => page(reply));
  api.app.get<{ Params: { file: string } }>(`/${app}/assets/:file`, (request, reply) => {
    const file = found.files.get(request.params.file);
    if (file === undefined) throw new ProblemError('not_found', 'there is no such file; the page has been built anew');
    return reply
      .headers({ ...headers, 'cache-control': 'public, max-age=31536000, immutable' })
      .type(TYPES[extname(request.params.file)] ?? 'application/octet-stream')
      .send(file);
  });
  api.page(`/${app}`);
}
