import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may import whom: what stands here holds, and what does not hold cannot stand here. */
const ROOT = join(import.meta.dirname, '..');

/** Every import of a folder's files: from which file, of which one. */
function importsIn(folder: string): { from: string; of: string }[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const from = join(folder, name);
      const text = readFileSync(join(ROOT, from), 'utf8');
      return [...text.matchAll(/(?:from |import\(|new URL\()\s*'(\.{1,2}\/[^']+)'/g)].map((match) => ({
        from,
        of: normalize(relative(ROOT, join(ROOT, dirname(from), match[1] ?? ''))),
      }));
    });
}

describe('walls', () => {
  const all = importsIn('src');

  it('the product imports neither tests nor benches', () => {
    expect(all.length).toBeGreaterThan(1000);
    expect(all.filter(({ of }) => /^(test|bench)\//.test(of))).toEqual([]);
  });

  it('the model of the proof knows nothing of what it proves: names of conditions, and amounts as text, are all that it shares', () => {
    const shared = ['src/domain/condition.ts', 'src/domain/money.ts'];
    const outside = importsIn('src/verify/model').filter(({ of }) => !of.startsWith('src/verify/model/') && !shared.includes(of));
    expect(outside).toEqual([]);
  });

  it('the proof reads answers and the model, and no arithmetic of the product', () => {
    const allowed = /^src\/(verify|domain\/(condition|instant|money)\.ts|client\/)/;
    expect(importsIn('src/verify').filter(({ of }) => !allowed.test(of))).toEqual([]);
  });

  it('what is exported stands by itself: the client, and the agent upon it', () => {
    const client = /^src\/(client|domain|samples|problems)\//;
    expect(importsIn('src/client').filter(({ of }) => !client.test(of))).toEqual([]);
    const agent = /^src\/(agent|client|domain|samples|process)\//;
    expect(importsIn('src/agent').filter(({ of }) => !agent.test(of))).toEqual([]);
  });

  it('the demonstration knows no command', () => {
    expect(importsIn('src/demo').filter(({ of }) => of.startsWith('src/cli/'))).toEqual([]);
  });
});
