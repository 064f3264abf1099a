import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may import whom: what stands here holds, and what does not hold cannot stand here. */
const ROOT = join(import.meta.dirname, '..');

/**
 * The rooms of `src/`, and what each may know. Rooms come after all that they know, so the list is also the order to read them in, and no
 * room can be in a circle.
 */
const ROOMS: readonly (readonly [room: string, knows: readonly string[]])[] = [
  ['domain', []],
  ['process', []],
  ['problems', []],
  ['samples', ['domain']],
  ['client', ['domain', 'problems', 'samples']],
  ['kernel', ['process', 'samples']],
  ['log', ['process', 'samples', 'kernel']],
  ['store', ['domain', 'process']],
  ['journal', ['process', 'store']],
  ['catalog', ['domain', 'problems', 'samples', 'store', 'journal']],
  ['access', ['catalog', 'journal', 'problems']],
  ['sources', ['domain', 'process', 'problems', 'samples', 'store', 'journal']],
  ['aggregate', ['domain', 'process', 'samples', 'kernel', 'log', 'store', 'journal', 'catalog']],
  ['log-tool', ['process', 'kernel', 'log', 'store', 'aggregate']],
  ['ledger', ['domain']],
  ['terms', ['domain', 'process', 'catalog']],
  ['query', ['domain', 'problems', 'store', 'catalog', 'aggregate', 'terms']],
  ['rating', ['domain']],
  ['print', ['domain', 'terms', 'rating']],
  ['books', ['domain', 'process', 'problems', 'journal', 'catalog', 'ledger', 'terms', 'rating', 'print']],
  [
    'billing',
    ['domain', 'process', 'problems', 'store', 'catalog', 'aggregate', 'ledger', 'terms', 'query', 'rating', 'print', 'books'],
  ],
  ['findings', ['domain', 'print', 'billing']],
  ['scheduler', ['domain', 'problems', 'store', 'journal', 'catalog', 'books', 'billing']],
  [
    'notices',
    ['domain', 'process', 'problems', 'store', 'journal', 'catalog', 'terms', 'query', 'rating', 'print', 'books', 'billing'],
  ],
  ['http', ['domain', 'process', 'problems', 'store']],
  ['ingest', ['domain', 'process', 'problems', 'samples', 'kernel', 'log', 'store', 'sources', 'http']],
  [
    'api',
    [
      'domain',
      'problems',
      'samples',
      'store',
      'journal',
      'catalog',
      'access',
      'sources',
      'aggregate',
      'ledger',
      'terms',
      'query',
      'rating',
      'print',
      'books',
      'billing',
      'findings',
      'scheduler',
      'notices',
      'http',
    ],
  ],
  ['agent', ['domain', 'process', 'samples', 'client']],
  ['verify', ['domain', 'client']],
  ['demo', ['domain', 'process', 'samples', 'client', 'agent']],
  [
    'app',
    [
      'domain',
      'process',
      'problems',
      'samples',
      'kernel',
      'log',
      'store',
      'journal',
      'catalog',
      'access',
      'sources',
      'aggregate',
      'terms',
      'books',
      'billing',
      'scheduler',
      'notices',
      'http',
      'ingest',
      'api',
    ],
  ],
  [
    'cli',
    [
      'domain',
      'process',
      'problems',
      'samples',
      'client',
      'log',
      'store',
      'sources',
      'aggregate',
      'log-tool',
      'terms',
      'http',
      'ingest',
      'agent',
      'verify',
      'demo',
      'app',
    ],
  ],
];

interface Import {
  readonly from: string;
  readonly of: string;
}

/** Every import of a folder's files: from which file, of which one. */
function importsIn(folder: string): Import[] {
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

/** `src/api/billing/invoices.ts` stands in the room `api`. */
const roomOf = (file: string): string => file.split('/')[1] ?? '';

/** Groups of two and more that know each other, directly or by way of others (Tarjan's strongly connected components). */
function circlesOf(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const path: string[] = [];
  const visit = (node: string): number => {
    index.set(node, index.size);
    let lowest = index.size - 1;
    path.push(node);
    for (const next of arrows.get(node) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next));
      else if (path.includes(next)) lowest = Math.min(lowest, index.get(next) ?? lowest);
    }
    low.set(node, lowest);
    if (lowest === index.get(node)) {
      const circle = path.splice(path.indexOf(node));
      if (circle.length > 1) found.push(circle.toSorted());
    }
    return lowest;
  };
  for (const node of arrows.keys()) if (!index.has(node)) visit(node);
  return found;
}

function arrowsBetween(imports: readonly Import[], placeOf: (file: string) => string): Map<string, Set<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const { from, of } of imports) {
    const [a, b] = [placeOf(from), placeOf(of)];
    if (a === b || !of.endsWith('.ts')) continue;
    arrows.set(a, (arrows.get(a) ?? new Set()).add(b));
  }
  return arrows;
}

describe('walls', () => {
  const all = importsIn('src');

  it('the product imports neither tests nor benches', () => {
    expect(all.length).toBeGreaterThan(1000);
    expect(all.filter(({ of }) => /^(test|bench)\//.test(of))).toEqual([]);
  });

  it('every folder of src/ is a room, and nothing lies loose beside them', () => {
    expect(readdirSync(join(ROOT, 'src')).toSorted()).toEqual(ROOMS.map(([room]) => room).toSorted());
  });

  it('rooms know only rooms before them, and of those only what the list says', () => {
    const order = ROOMS.map(([room]) => room);
    for (const [room, knows] of ROOMS) {
      expect(
        knows.filter((known) => order.indexOf(known) >= order.indexOf(room)),
        `${room} knows what comes after it`,
      ).toEqual([]);
    }
    const allowed = new Map<string, ReadonlySet<string>>(ROOMS.map(([room, knows]) => [room, new Set(knows)]));
    const found = arrowsBetween(all, roomOf);
    const strange = [...found].flatMap(([room, known]) =>
      [...known].filter((other) => allowed.get(room)?.has(other) !== true).map((other) => `${room} -> ${other}`),
    );
    expect(strange).toEqual([]);
    const unused = ROOMS.flatMap(([room, knows]) =>
      knows.filter((known) => found.get(room)?.has(known) !== true).map((known) => `${room} -> ${known}`),
    );
    expect(unused, 'arrows that nobody needs any more').toEqual([]);
  });

  it('no file is in a circle with others', () => {
    expect(circlesOf(arrowsBetween(all, (file) => file))).toEqual([]);
  });

  it('no folder is in a circle with others', () => {
    expect(circlesOf(arrowsBetween(all, dirname))).toEqual([]);
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
