/** What the documents say is tested by a file is: the file is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));

describe('tests that a page names', () => {
  const named = pages.flatMap((page) => {
    const text = readFileSync(join(root, 'docs', page), 'utf8');
    return [...text.matchAll(/`(test\/[\w./-]+\.test\.ts)`/g)].map(([, file]) => `${page}: ${file ?? ''}`);
  });

  it('are there', () => {
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((each) => !existsSync(join(root, each.slice(each.indexOf(': ') + 2))))).toEqual([]);
  });

  it('have the names that the list of senders’ cases gives them', () => {
    const text = readFileSync(join(root, 'docs/internals/testing.md'), 'utf8');
    const cases = [...text.matchAll(/^- \*\*([GT]\d+)\*\* ((?:.|\n(?!- ))+)/gm)].map(([, name = '', rest = '']) => {
      const files = [...rest.matchAll(/`(test\/[\w./-]+\.test\.ts)`/g)].map(([, file = '']) => file);
      return { name, files };
    });
    const wanted = [13, 16].flatMap((n, i) => Array.from({ length: n }, (_, k) => `${i === 0 ? 'G' : 'T'}${k + 1}`));
    expect(cases.map(({ name }) => name)).toEqual(wanted);
    const lacking = cases.flatMap(({ name, files }) =>
      files
        .filter((file) => !new RegExp(`['"\`](?:[GT]\\d+, )*${name}[:,] `).test(readFileSync(join(root, file), 'utf8')))
        .map((file) => `${name}: ${file}`),
    );
    expect([lacking, cases.filter(({ files }) => files.length === 0)]).toEqual([[], []]);
  });
});
