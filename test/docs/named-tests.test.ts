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
});
