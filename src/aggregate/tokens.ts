/**
 * A store whose inserts carry a deduplication token made of what is inserted: one that is tried again after an unclear outcome is dropped if
 * it had arrived. A step that is done again with other bytes is another insert: rows hold their partition's positions, so equal bytes are the
 * same rows.
 */
import { createHash } from 'node:crypto';
import type { Store } from '../store/store.ts';

export function withTokens(store: Store): Store {
  return {
    ...store,
    async insertRowBinary(table, structure, chunks, token) {
      await store.insertRowBinary(table, structure, chunks, token ?? `${table}-${digestOf(chunks)}`);
    },
  };
}

function digestOf(chunks: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex').slice(0, 32);
}
