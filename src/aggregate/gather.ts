/**
 * A store that makes one insert of those that come together: partitions of one process take their steps at the same ticks, and every insert
 * makes a part that ClickHouse has to merge. Rows in RowBinary simply follow one another.
 */
import type { Store } from '../store/store.ts';

/** How long the first insert waits for the others. */
const WINDOW_MS = 10;
/** What is larger goes by itself. */
const LARGE_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly table: string;
  readonly structure: string;
  readonly chunks: Uint8Array[];
  readonly waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[];
}

/** Inserts with a token of their own, large ones and everything else pass as they are. */
export function gathering(store: Store): Store {
  // By table and structure: rows of other columns are no rows of one insert.
  const waiting = new Map<string, Waiting>();
  const send = (key: string): void => {
    const gathered = waiting.get(key);
    waiting.delete(key);
    if (gathered === undefined) return;
    store.insertRowBinary(gathered.table, gathered.structure, gathered.chunks).then(
      () => {
        for (const { resolve } of gathered.waiters) resolve();
      },
      (error: unknown) => {
        for (const { reject } of gathered.waiters) reject(error);
      },
    );
  };
  return {
    ...store,
    async insertRowBinary(table, structure, chunks, token) {
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      if (bytes === 0) return;
      if (token !== undefined || bytes > LARGE_BYTES) {
        await store.insertRowBinary(table, structure, chunks, token);
        return;
      }
      const key = `${table} ${structure}`;
      let open = waiting.get(key);
      if (open === undefined) {
        open = { table, structure, chunks: [], waiters: [] };
        waiting.set(key, open);
        setTimeout(() => {
          send(key);
        }, WINDOW_MS);
      }
      const { chunks: gathered, waiters } = open;
      gathered.push(...chunks);
      await new Promise<void>((resolve, reject) => {
        waiters.push({ resolve, reject });
      });
    },
  };
}
