/**
 * A store whose inserts carry a deduplication token made of what is inserted and where: an insert that is tried again after an unclear
 * outcome is dropped if it had arrived, and a step that is done again with other bytes (never the same rows by chance: they hold versions) is not.
 */
import { createHash } from 'node:crypto';
import type { Store } from '../store/store.ts';

/** @param step names the records under way: `firstOffset-lastOffset` */
export function withTokens(store: Store, partition: number, step: () => string): Store {
  return {
    ...store,
    async insertRowBinary(table, structure, chunks, token) {
      if (token !== undefined) {
        await store.insertRowBinary(table, structure, chunks, token);
        return;
      }
      const hash = createHash('sha256');
      for (const chunk of chunks) hash.update(chunk);
      await store.insertRowBinary(table, structure, chunks, `${partition}-${step()}-${table}-${hash.digest('hex').slice(0, 32)}`);
    },
  };
}
