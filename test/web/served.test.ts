/** The console as it is built and served: small, cached by name, and allowed nothing but what is this server's own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledFile } from '../../src/process/compiled.ts';
import { newFolder, type ServedFolder, type TestServer } from '../support/server.ts';

/** Of the first view, and of all that there is. */
const FIRST_BYTES_MAX = 60 * 1024;
const ALL_BYTES_MAX = 100 * 1024;

const FOLDER = fileURLToPath(compiledFile('web/console/'));
const PAGE = readFileSync(join(FOLDER, 'index.html'), 'utf8');
const gzipped = (file: string): number => gzipSync(readFileSync(join(FOLDER, 'assets', file))).length;
const FILES = readdirSync(join(FOLDER, 'assets'));
const NAMED = [...PAGE.matchAll(/(?:src|href)="\/console\/assets\/([^"]+)"/g)].map(([, file = '']) => file);

/** What a view loads: its own file and those that it imports. */
function withImports(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith('.js')) return seen;
  const text = readFileSync(join(FOLDER, 'assets', file), 'utf8');
  for (const [, name = ''] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) withImports(name, seen);
  return seen;
}

describe('the built console', () => {
  it('needs at most 60 kB, compressed, for its first view in any language', () => {
    const now = FILES.find((file) => /^now-.*\.js$/.test(file)) ?? '';
    for (const words of FILES.filter((file) => file.startsWith('zh-'))) {
      const first = new Set([...NAMED, now, words].flatMap((file) => [...withImports(file)]));
      const bytes = [...first].reduce((sum, file) => sum + gzipped(file), gzipSync(PAGE).length);
      expect(bytes, [...first].join(' ')).toBeLessThanOrEqual(FIRST_BYTES_MAX);
    }
  });

  it('is at most 100 kB, compressed, with every view and language', () => {
    expect(FILES.reduce((sum, file) => sum + gzipped(file), 0)).toBeLessThanOrEqual(ALL_BYTES_MAX);
  });

  it('has no script and no style within its page, and asks nobody else', () => {
    expect(PAGE).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
    for (const file of FILES) {
      const text = readFileSync(join(FOLDER, 'assets', file), 'utf8');
      expect(text.match(/https?:\/\/(?!www\.w3\.org\/)[\w.]+/g) ?? [], file).toEqual([]);
    }
  });
});

describe('the served console', () => {
  let folder: ServedFolder;
  let server: TestServer;
  beforeAll(async () => {
    folder = await newFolder('web');
    server = await folder.start();
  });
  afterAll(() => folder.remove());

  it('has one page for every address below it, under a strict policy', async () => {
    for (const path of ['/console', '/console/', '/console/vms/web-1?month=2026-03', '/console/accounts/a.b']) {
      const { status, headers, text } = await server.call(path, { key: null });
      expect([path, status, text]).toEqual([path, 200, PAGE]);
      expect(headers).toMatchObject({
        'cache-control': 'no-cache',
        'cross-origin-opener-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      );
    }
  });

  it('has files that never change under their names, and none but those that were built', async () => {
    for (const file of NAMED) {
      const { status, headers } = await server.call(`/console/assets/${file}`, { key: null });
      expect([status, headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
      expect(headers['content-type']).toMatch(file.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    for (const path of ['index.html', '..%2findex.html', '%2e%2e%2f%2e%2e%2fcli%2fmain.js', 'none.js'])
      expect((await server.call(`/console/assets/${path}`, { key: null })).status, path).toBe(404);
  });
});
