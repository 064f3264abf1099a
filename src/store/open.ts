import { join } from 'node:path';
import type { Faults } from '../faults.ts';
import { openEmbeddedStore } from './embedded.ts';
import { openServerStore } from './server.ts';
import type { Store } from './store.ts';

/** Opens the store that the configuration names: a server when there is a URL, the embedded engine under the data directory otherwise. */
export function openStore(options: { clickhouseUrl: string | undefined; dataDir: string }, faults?: Faults): Promise<Store> {
  if (options.clickhouseUrl !== undefined) return openServerStore({ url: options.clickhouseUrl });
  const path = join(options.dataDir, 'clickhouse');
  const scratchDir = join(options.dataDir, 'scratch');
  return openEmbeddedStore({ path, scratchDir, ...(faults === undefined ? {} : { faults }) });
}
