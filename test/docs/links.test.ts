/** Every relative link of the documents leads somewhere, every "SPEC §n" to a chapter, and lines are ones that a diff can show. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './pages/markdown.ts';

/** A line may be this long, unless its last word is what makes it longer. */
const COLUMNS_MAX = 150;
const README_BYTES_MAX = 8 * 1024;

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const below = (folder: string, name: RegExp): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path) && !path.includes('node_modules'))
    .map((path) => join(folder, path))
    .toSorted();

const PAGES = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...['docs', 'src', 'schemas', 'examples', 'deploy', 'test'].flatMap((folder) => below(folder, /\.md$/)),
  'bench/README.md',
];

/** A page without what is shown as code: links in there are not links. */
const prose = (text: string): string => text.replaceAll(/^ *```.*?^ *```$/gms, '').replaceAll(/`[^`\n]*`/g, '``');

/** The anchors of a page's headings, as the hosts of repositories make them. */
function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
}

/** What is wrong with a page's links; '' for none. */
function brokenLinks(page: string): string[] {
  return [...prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^(https?|mailto):/.test(link)) return [];
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)));
    if (!existsSync(join(ROOT, target))) return [`${link}: not there`];
    if (anchor === undefined) return [];
    return anchorsOf(read(target)).has(anchor) ? [] : [`${link}: no such heading`];
  });
}

describe('documents', () => {
  it.each(PAGES)('%s: every relative link and anchor leads somewhere', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it.each(PAGES)('%s: its lines are ones that a diff can show', (page) => {
    const long = read(page)
      .replaceAll(/^ *```.*?^ *```$/gms, '')
      .split('\n')
      .filter((line) => line.replace(/\s\S+$/, '').length > COLUMNS_MAX);
    expect(long).toEqual([]);
  });

  // what was decided, released or measured names things as they were
  it.each(PAGES.filter((page) => !/^(CHANGELOG|docs\/(decisions|measured)\/)/.test(page)))(
    '%s: the files that it names are there',
    (page) => {
      const named = [...read(page).matchAll(/`((?:src|test|assembly|bench|schemas|scripts|deploy|docs|examples)\/[\w./-]+)`/g)];
      expect(named.flatMap(([, path = '']) => (existsSync(join(ROOT, path)) ? [] : [path]))).toEqual([]);
    },
  );

  it('the README is one page', () => {
    expect(statSync(join(ROOT, 'README.md')).size).toBeLessThanOrEqual(README_BYTES_MAX);
  });

  it('every page of docs/ is reached from its table of contents', () => {
    const reached = new Set<string>();
    const walk = (page: string): void => {
      if (reached.has(page)) return;
      reached.add(page);
      for (const [, link = ''] of prose(read(page)).matchAll(/\]\(([^)\s#]+\.md)(?:#[^)]*)?\)/g)) {
        const target = normalize(join(dirname(page), link));
        if (target.startsWith('docs/') && existsSync(join(ROOT, target))) walk(target);
      }
    };
    walk('docs/README.md');
    const unreached = below('docs', /\.md$/).filter((page) => !reached.has(page));
    expect(unreached).toEqual([]);
  });

  it('what is packed has every page that a packed page links to', () => {
    const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    });
    const [{ files }] = JSON.parse(listed) as [{ files: readonly { readonly path: string }[] }];
    const packed = new Set(files.map(({ path }) => path));
    const missing = [...packed]
      .filter((page) => page.endsWith('.md'))
      .flatMap((page) =>
        [...prose(read(page)).matchAll(/\]\(([^)\s#:]+)(?:#[^)]*)?\)/g)]
          .map(([, link = '']) => normalize(join(dirname(page), link)))
          .filter((target) => target.includes('.') && !packed.has(target))
          .map((target) => `${page} -> ${target}`),
      );
    expect(missing).toEqual([]);
  });
});

describe('the contract', () => {
  const chapters = new Set([...read('docs/spec.md').matchAll(/^#{2,3} (\d+[a-z]?)\. /gm)].map(([, chapter = '']) => chapter));
  const citing = ['src', 'test', 'assembly', 'bench', 'schemas'].flatMap((folder) => below(folder, /\.(ts|sql|md|json)$/));

  it('has the chapters that SPEC §n names, wherever it is cited', () => {
    const dangling = citing.flatMap((path) =>
      [...read(path).matchAll(/SPEC[^§\n]{0,12}§(\d+[a-z]?)/g)]
        .filter(([, chapter = '']) => !chapters.has(chapter))
        .map(([cited]) => `${path}: ${cited}`),
    );
    expect(dangling).toEqual([]);
  });

  it('is cited', () => {
    expect(citing.filter((path) => read(path).includes('SPEC §')).length).toBeGreaterThan(20);
  });
});

describe('the map of the tree in docs/internals/architecture.md', () => {
  const map = read('docs/internals/architecture.md');
  const [whole = '', ofSources = ''] = map.slice(map.indexOf('## The folders')).split('\nIn `src/`:\n');
  const named = (text: string): string[] => [...text.matchAll(/^- `([a-z-]+)\/`/gm)].map(([, folder = '']) => folder).toSorted();
  const NOT_OURS = new Set(['node_modules', 'dist', 'build', 'data', 'coverage', 'uptally-spool', 'uptally-data']);
  const folders = (path: string): string[] =>
    readdirSync(join(ROOT, path), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !NOT_OURS.has(entry.name))
      .map(({ name }) => name)
      .toSorted();

  it('names the folders that are there', () => {
    expect(named(whole)).toEqual(folders('.'));
  });
  it('names the folders of src/ that are there', () => {
    expect(named(ofSources)).toEqual(folders('src'));
  });
});
