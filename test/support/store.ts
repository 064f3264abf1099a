import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../src/store/embedded-engine.ts';
import { migrate } from '../../src/store/migrations.ts';
import type { Outage } from '../../src/store/retry.ts';
import { openServerStore } from '../../src/store/server.ts';
import type { Store } from '../../src/store/store.ts';
import { startClickHouseServer } from './clickhouse-server.ts';

export interface TestStore {
  store: Store;
  directory: string;
  remove(): Promise<void>;
}

/**
 * A real embedded ClickHouse in a directory of its own, migrated. One a process, so one a test file.
 * With UPTALLY_TEST_STORE=server a real server instead, which must make no difference.
 */
export async function openTestStore(
  options: { migrated?: boolean; onOutage?: (outage: Outage | undefined) => void } = {},
): Promise<TestStore> {
  const directory = await mkdtemp(join(tmpdir(), 'uptally-store-'));
  const server = process.env['UPTALLY_TEST_STORE'] === 'server' ? await startClickHouseServer() : undefined;
  const { onOutage = () => undefined } = options;
  const store =
    server === undefined
      ? await openEmbeddedStore({ path: join(directory, 'clickhouse'), scratchDir: join(directory, 'scratch'), onOutage })
      : await openServerStore({ url: server.url, onOutage });
  if (options.migrated !== false) await migrate(store, { nowMs: 0 });
  return {
    store,
    directory,
    async remove() {
      await store.close();
      await server?.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
