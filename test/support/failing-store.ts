import type { Store } from '../../src/store/store.ts';

export class Crash extends Error {}

/** A store that takes n − 1 writes and then nothing more. */
export function failingStore(inner: Store, n: number): { store: Store; stopped: () => Promise<void> } {
  let writes = 0;
  const underWay = new Set<Promise<unknown>>();
  const write = async (run: () => Promise<void>): Promise<void> => {
    if (++writes >= n) throw new Crash(`at write ${n}`);
    const running = run();
    underWay.add(running);
    await running;
  };
  return {
    store: {
      ...inner,
      command: (sql, params) => write(() => inner.command(sql, params)),
      insertRowBinary: (table, structure, chunks, token) =>
        chunks.every((chunk) => chunk.length === 0)
          ? Promise.resolve()
          : write(() => inner.insertRowBinary(table, structure, chunks, token)),
    },
    stopped: async () => {
      await Promise.allSettled(underWay);
    },
  };
}
