import { join } from 'node:path';
import type { Faults } from '../process/faults.ts';
import { openEmbeddedStore } from './embedded-engine.ts';
import type { Outage } from './retry.ts';
import { openServerStore } from './server.ts';
import type { Store } from './store.ts';

/** How long a request waits for a server that is away before it is answered 503. */
const PATIENCE_MS = 5_000;

export interface OpenOptions {
  readonly clickhouseUrl: string | undefined;
  readonly clickhouseCluster?: string | undefined;
  readonly dataDir: string;
  /** Of a server: how long a call is tried again (default 5 s, for requests; 'endless' for what can wait). */
  readonly patienceMs?: number | 'endless';
  readonly onOutage?: (outage: Outage | undefined) => void;
}

/** Opens the store that the configuration names: a server when there is a URL, the embedded engine under the data directory otherwise. */
export function openStore(options: OpenOptions, faults?: Faults): Promise<Store> {
  const { clickhouseUrl: url, clickhouseCluster: cluster, patienceMs = PATIENCE_MS, onOutage } = options;
  if (url !== undefined) {
    const outages = onOutage === undefined ? {} : { onOutage };
    return openServerStore({ url, cluster, patienceMs: patienceMs === 'endless' ? undefined : patienceMs, ...outages });
  }
  const paths = { path: join(options.dataDir, 'clickhouse'), scratchDir: join(options.dataDir, 'scratch') };
  return openEmbeddedStore({ ...paths, faults, onOutage });
}
