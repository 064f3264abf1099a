import { createClient } from '@clickhouse/client';
import { DATABASE } from '../../src/store/store.ts';

/** Drops everything of ours on a server, so that the next process starts with nothing. */
export async function emptyClickHouse(url: string): Promise<void> {
  const client = createClient({ url });
  try {
    await client.command({ query: `DROP DATABASE IF EXISTS ${DATABASE} SYNC` });
  } finally {
    await client.close();
  }
}
