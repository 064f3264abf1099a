import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openTestStore, type TestStore } from '../support/store.ts';
import { openCatalogOf } from '../support/records.ts';

let test: TestStore;
let catalog: Catalog;
let filler = 0;
const openAgain = () =>
  openCatalogOf({
    store: test.store,
    now: () => 1_772_323_200_000,
    randomBytes: (size) => new Uint8Array(size).fill((filler += 1)),
  });

beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.remove());

it('takes no key from the environment that was ever revoked, whichever came after it and however often it starts', async () => {
  const told: string[] = [];
  const start = async (key: string): Promise<boolean> => {
    catalog = await openAgain();
    await catalog.keys.bootstrapAdmin(key, (why) => told.push(why));
    return catalog.keys.findKey(key) !== undefined;
  };
  expect(await start('a-key-of-my-own-choice')).toBe(true);
  const second = await catalog.keys.create({ role: 'admin', name: 'second', vms: null }, 'system');
  await catalog.keys.revoke('bootstrap', 'second#1');
  expect(await start('a-key-of-my-own-choice')).toBe(false);
  expect(told).toEqual([
    expect.stringMatching(/it was key bootstrap, revoked on 2026-03-01T00:00:00Z by second#1\. Set another one/),
  ]);
  expect(await start('another-of-my-own-choice')).toBe(true);
  expect(catalog.keys.all().map((key) => key.id)).toContain('bootstrap-2');
  expect(await start('a-key-of-my-own-choice')).toBe(false);
  expect(catalog.keys.findKey('another-of-my-own-choice')?.id).toBe('bootstrap-2');
  await catalog.keys.revoke('bootstrap-2', 'second#1');
  expect(await start('another-of-my-own-choice')).toBe(false);
  // a key that was shown once and revoked is no way back either, nor is a smaller one a way up
  await catalog.keys.revoke((await catalog.keys.create({ role: 'admin', name: 'third', vms: null }, 'system')).entry.id, 'x');
  const agent = await catalog.keys.create({ role: 'agent', name: 'h1', vms: ['*'] }, 'system');
  expect(await start(agent.key)).toBe(true);
  expect(catalog.keys.findKey(agent.key)?.role).toBe('agent');
  expect(told.at(-1)).toMatch(/it is key .+ \(h1\) of role agent/);
  expect(await start(second.key)).toBe(true);
  expect(catalog.keys.all().map((key) => key.body.name)).toEqual(expect.arrayContaining(['second', 'h1']));
  expect(await start('a-third-of-my-own-choice')).toBe(true);
});
