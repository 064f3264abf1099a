/** Who takes the requests of the product in one process: its own HTTP server, or ingest workers before it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { closeServer, noFileLeft } from '../http/bare-server.ts';
import { requestObserver } from '../http/metrics.ts';
import { BODIES_BYTES_MAX } from '../ingest/body.ts';
import { answerWorker, type Desk } from '../ingest/workers/desk.ts';
import { WorkerPool } from '../ingest/workers/pool.ts';
import { openPublicPort } from '../ingest/workers/public-port.ts';
import { gaugesOf } from './gauges.ts';
import type { PublicConnections } from './public-connections.ts';
import { addressUrl, type AppOptions, listen, UnsupportedError } from './parts.ts';

type SharedDesk = Omit<Desk, 'observe' | 'onCut' | 'logger'>;

/** Requests that each worker may forward at once, at least. */
const FORWARDS_MIN = 4;

export interface Front {
  readonly url: string;
  /** To be called when a key was made or revoked. */
  keysChanged(): void;
  /** To be called when a source was made, changed or deleted. */
  sourcesChanged(): void;
  /** Takes nothing more, and lets what was begun finish. */
  close(): Promise<void>;
}

/** Opens the public port. */
export function openFront(
  options: AppOptions,
  server: FastifyInstance,
  registry: Registry,
  connections: PublicConnections,
  desk: SharedDesk,
): Promise<Front> {
  if (options.config.ingestWorkers > 0) return openWorkers(options, server, registry, connections, desk);
  connections.show(() => server.connections.open, connections.max);
  return openAlone(options, server);
}

async function openAlone({ config }: AppOptions, server: FastifyInstance): Promise<Front> {
  return {
    url: await listen(server, config),
    keysChanged: () => undefined,
    sourcesChanged: () => undefined,
    close: () => closeServer(server),
  };
}

async function openWorkers(
  { config, logger, onFatal, clock }: AppOptions,
  server: FastifyInstance,
  registry: Registry,
  connections: PublicConnections,
  shared: SharedDesk,
): Promise<Front> {
  const { ingestWorkers: workers, retentionDays, logLevel, host, port } = config;
  const folder = await privateFolder(config.dataDir);
  const mainSocket = join(folder, 'main');
  await server.listen({ path: mainSocket, listenTextResolver: () => `requests come through ${workers} ingest workers` });
  const desk: Desk = { ...shared, observe: requestObserver(registry), onCut: connections.onCut, logger };
  const pool = await WorkerPool.start({
    workers,
    setup: {
      ...{ mainSocket, retentionDays, logLevel },
      bodiesBytesMax: Math.floor(BODIES_BYTES_MAX / workers),
      connectionsMax: Math.ceil((config.connectionsMax ?? Infinity) / workers),
      // a request that this process answers takes a file of it
      forwardsMax: Math.max(FORWARDS_MIN, Math.floor(connections.possible / 2 / workers)),
    },
    waitingMax: Math.floor(connections.possible / 2),
    onDropped: () => {
      connections.onCut('full');
    },
    first: () => [{ type: 'sources', sources: shared.sources.all() }],
    clockAheadMs: () => -(clock?.refusedMs ?? 0),
    onItem: (item, say) => {
      answerWorker(desk, item, say);
    },
    logger,
    monotonicMs: () => performance.now(),
    onFatal,
  });
  if (clock !== undefined)
    clock.onFollow = () => {
      pool.sayToAll({ type: 'follow' });
    };
  connections.show(() => pool.connections, pool.connectionsMax);
  gaugesOf(registry)('ingest_workers', 'Ingest workers that take requests', () => pool.ready);
  const end = async (): Promise<void> => {
    await pool.close();
    await closeServer(server);
    await rm(folder, { recursive: true, force: true });
  };
  const publicPort = await openPublicPort(
    host,
    port,
    (socket) => {
      pool.give(socket);
    },
    noFileLeft(logger),
  ).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return {
    url: addressUrl(publicPort.address),
    keysChanged: () => {
      pool.sayToAll({ type: 'forget' });
    },
    sourcesChanged: () => {
      pool.sayToAll({ type: 'sources', sources: shared.sources.all() });
    },
    async close() {
      publicPort.close();
      await end();
    },
  };
}

/** The longest path of a Unix socket, and what is added to the parent's. */
const SOCKET_PATH_MAX = 107;
const NAMES_MAX = '/uptally-XXXXXX/worker-4194304'.length;

/** A new folder for sockets, for this user only: where temporary files go, or else with the data. */
async function privateFolder(dataDir: string): Promise<string> {
  const parents = [tmpdir(), '/tmp', resolve(dataDir)].filter(
    (parent) => Buffer.byteLength(parent) + NAMES_MAX <= SOCKET_PATH_MAX,
  );
  for (const [i, parent] of parents.entries()) {
    try {
      return await mkdtemp(join(parent, 'uptally-'));
    } catch (error) {
      if (i === parents.length - 1) throw error;
    }
  }
  throw new UnsupportedError(`UPTALLY_INGEST_WORKERS: no folder for sockets: every path is longer than ${SOCKET_PATH_MAX} bytes`);
}
