/** Who takes the requests of the product in one process: its own HTTP server, or ingest workers before it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { closeServer } from '../http/bare-server.ts';
import { requestObserver } from '../http/metrics.ts';
import { BODIES_BYTES_MAX } from '../ingest/body.ts';
import { answerWorker, type Desk } from '../ingest/workers/desk.ts';
import { WorkerPool } from '../ingest/workers/pool.ts';
import { openPublicPort } from '../ingest/workers/public-port.ts';
import { gaugesOf } from './gauges.ts';
import { addressUrl, type AppOptions, listen, UnsupportedError } from './parts.ts';

export interface Front {
  readonly url: string;
  /** To be called when a key was made or revoked. */
  keysChanged(): void;
  /** Takes nothing more, and lets what was begun finish. */
  close(): Promise<void>;
}

/** Opens the public port. */
export function openFront(
  options: AppOptions,
  server: FastifyInstance,
  registry: Registry,
  desk: Omit<Desk, 'observe' | 'logger'>,
): Promise<Front> {
  return options.config.ingestWorkers === 0 ? openAlone(options, server) : openWorkers(options, server, registry, desk);
}

async function openAlone({ config }: AppOptions, server: FastifyInstance): Promise<Front> {
  return { url: await listen(server, config), keysChanged: () => undefined, close: () => closeServer(server) };
}

async function openWorkers(
  { config, logger, onFatal, clock }: AppOptions,
  server: FastifyInstance,
  registry: Registry,
  shared: Omit<Desk, 'observe' | 'logger'>,
): Promise<Front> {
  const { ingestWorkers: workers, retentionDays, logLevel, host, port } = config;
  const folder = await privateFolder(config.dataDir);
  const mainSocket = join(folder, 'main');
  await server.listen({ path: mainSocket, listenTextResolver: () => `requests come through ${workers} ingest workers` });
  const desk: Desk = { ...shared, observe: requestObserver(registry), logger };
  const pool = await WorkerPool.start({
    workers,
    setup: { mainSocket, retentionDays, logLevel, bodiesBytesMax: Math.floor(BODIES_BYTES_MAX / workers) },
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
  gaugesOf(registry)('ingest_workers', 'Ingest workers that take requests', () => pool.ready);
  const end = async (): Promise<void> => {
    await pool.close();
    await closeServer(server);
    await rm(folder, { recursive: true, force: true });
  };
  const publicPort = await openPublicPort(host, port, (socket) => {
    pool.give(socket);
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return {
    url: addressUrl(publicPort.address),
    keysChanged: () => {
      pool.sayToAll({ type: 'forget' });
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
