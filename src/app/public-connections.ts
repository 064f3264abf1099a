/** The connections of the public port: how many this process may have, and what Prometheus is told of them. */
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { Config } from '../process/config.ts';
import { connectionsFor, CUT_REASONS, type CutReason } from '../http/connections.ts';
import { openFilesMax } from '../process/process-files.ts';
import { gaugesOf } from './gauges.ts';

/** With fewer files than these a fleet of some size is soon out of connections, and ClickHouse out of parts. */
const FILES_WANTED = 8192;

export interface PublicConnections {
  /** Of one process that takes connections itself. */
  readonly max: number;
  /** As many as its files allow, whatever it was told. */
  readonly possible: number;
  readonly onCut: (reason: CutReason) => void;
  /** @param open how many there are now, @param max how many there may be */
  show(open: () => number, max: number): void;
}

export function publicConnections({ connectionsMax }: Config, logger: Logger, registry: Registry): PublicConnections {
  const files = openFilesMax();
  const possible = connectionsFor(files);
  if (files < FILES_WANTED)
    logger.warn(
      { files, connections: possible },
      `this process may have ${files} files open: raise the limit (ulimit -n, LimitNOFILE)`,
    );
  if (connectionsMax !== undefined && connectionsMax > possible)
    logger.warn({ files, connections: possible }, 'UPTALLY_MAX_CONNECTIONS is more than the limit of open files allows');
  const cut = new Counter({
    name: 'uptally_http_connections_cut',
    help: 'Connections that were cut off, by reason: full, lingering (after the last answer), slow_reader',
    labelNames: ['reason'],
    registers: [registry],
  });
  for (const reason of CUT_REASONS) cut.inc({ reason }, 0);
  return {
    possible,
    max: Math.min(connectionsMax ?? possible, possible),
    onCut: (reason) => {
      cut.inc({ reason });
    },
    show(open, max) {
      const gauge = gaugesOf(registry);
      gauge('http_connections', 'Connections of the public port', open);
      gauge('http_connections_max', 'Connections that there may be', () => max);
    },
  };
}
