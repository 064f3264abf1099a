/** Partitions of one process insert together what comes together: rows of one table and of the same columns. */
import { expect, it } from 'vitest';
import { gathering } from '../../src/aggregate/gather.ts';
import type { Store } from '../../src/store/store.ts';

type Insert = readonly [table: string, structure: string, bytes: string];

function watched(): { store: Pick<Store, 'insertRowBinary'>; inserts: Insert[] } {
  const inserts: Insert[] = [];
  return {
    inserts,
    store: gathering({
      insertRowBinary(table: string, structure: string, chunks: readonly Uint8Array[]) {
        inserts.push([table, structure, Buffer.concat([...chunks]).toString()]);
        return Promise.resolve();
      },
    } as unknown as Store),
  };
}

const insertAll = (store: Pick<Store, 'insertRowBinary'>, given: readonly Insert[]): Promise<unknown> =>
  Promise.all(given.map(([table, structure, bytes]) => store.insertRowBinary(table, structure, [Buffer.from(bytes)])));

it('inserts that come together are one, in the order in which they came', async () => {
  const { store, inserts } = watched();
  await insertAll(store, [
    ['uptime', 'vm String', '1'],
    ['uptime', 'vm String', '2'],
    ['traffic', 'vm String', '3'],
  ]);
  expect(inserts).toEqual([
    ['uptime', 'vm String', '12'],
    ['traffic', 'vm String', '3'],
  ]);
});

it('rows of other columns never follow one another, though they go into one table', async () => {
  const { store, inserts } = watched();
  await insertAll(store, [
    ['samples', 'vm String', 'a'],
    ['samples', 'vm String, link_mbps UInt32', 'B'],
    ['samples', 'vm String', 'c'],
  ]);
  expect(inserts).toEqual([
    ['samples', 'vm String', 'ac'],
    ['samples', 'vm String, link_mbps UInt32', 'B'],
  ]);
});
