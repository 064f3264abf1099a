/** The documents of the package as pages: `/guides` is their table of contents, and a path below it a file's own in the package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FastifyReply } from 'fastify';
import { Marked } from 'marked';
import { ProblemError } from '../problems/problem.ts';
import { productRoot } from '../process/version.ts';
import type { Api } from './api.ts';

/** What is shown: folders with all that is below them, of others the page that says what is in them. */
const FOLDERS = ['docs', 'examples', 'schemas', 'deploy'];
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'LICENSE', 'bench/README.md'];
/** Folders of sources: their READMEs alone. */
const SOURCES = 'src';
const CONTENTS = 'docs/README.md';

/** Markdown becomes a page; all else is shown as text, but for pictures. */
const TYPES: Readonly<Record<string, string>> = { '.md': 'text/html; charset=utf-8', '.svg': 'image/svg+xml' };
const TEXT = 'text/plain; charset=utf-8';

/** Nothing is run, and nothing comes from another server. */
const POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:52rem;padding:1rem 1.5rem 4rem;color:#1c2430}
nav{border-bottom:1px solid #d5dbe3;padding-bottom:.6rem;margin-bottom:1.5rem}nav a{margin-right:1.2rem}
a{color:#0b5cad}h1,h2,h3{line-height:1.25;margin-top:2rem}img{max-width:100%}
code{font:.9em ui-monospace,monospace;background:#f2f4f7;padding:.1em .3em;border-radius:3px}
pre{background:#f2f4f7;padding:.8rem 1rem;overflow-x:auto;border-radius:4px}pre code{background:none;padding:0}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #d5dbe3;padding:.3rem .7rem;text-align:left;vertical-align:top}`;

/** Adds `/guides` and what is below it; whoever opens the server's address in a browser finds them. */
export function installGuides(api: Api): void {
  let files: ReadonlySet<string> | undefined;
  const show = (reply: FastifyReply, path: string): FastifyReply => {
    files ??= shownFiles();
    if (!files.has(path)) throw new ProblemError('not_found', 'there is no such page; /guides has the table of contents');
    const text = readFileSync(new URL(path, productRoot()), 'utf8');
    const type = TYPES[extname(path)] ?? TEXT;
    return reply
      .type(type)
      .headers({ 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' })
      .send(type.startsWith('text/html') ? pageOf(path, text) : text);
  };
  api.app.get('/', (_, reply) => reply.redirect('/guides'));
  api.app.get('/guides', (_, reply) => reply.redirect(`/guides/${CONTENTS}`));
  api.app.get<{ Params: { '*': string } }>('/guides/*', (request, reply) => {
    const path = request.params['*'];
    return path === '' ? reply.redirect(`/guides/${CONTENTS}`) : show(reply, path);
  });
  api.page('/');
  api.page('/guides');
}

/** Every file that may be asked for, by its path in the package: what is not in here is not read. */
function shownFiles(): Set<string> {
  const root = fileURLToPath(productRoot());
  const below = (folder: string): string[] =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
          .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      : [];
  return new Set([
    ...PAGES.filter((page) => existsSync(join(root, page))),
    ...FOLDERS.flatMap(below).filter((path) => !path.startsWith('deploy/secrets/')),
    ...below(SOURCES).filter((path) => path.endsWith('/README.md')),
  ]);
}

/** An anchor as the hosts of repositories make it of a heading. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** A page of Markdown. Links are relative to the file, so they hold here as they do in the repository. */
function pageOf(path: string, text: string): string {
  const seen = new Map<string, number>();
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text: heading }) {
        const slug = slugOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
        const times = seen.get(slug) ?? 0;
        seen.set(slug, times + 1);
        return `<h${depth} id="${times === 0 ? slug : `${slug}-${times}`}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  const body = marked.parse(text, { async: false });
  const title = /^# (.+)$/m.exec(text)?.[1]?.replaceAll(/[`<>&]/g, '') ?? path;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}: Uptally</title>
<style>${STYLE}</style><nav><a href="/guides">Documents</a><a href="/guides/docs/start.md">Start</a><a href="/docs">API</a><a href="/problems">Problems</a></nav>
${body}</html>`;
}
