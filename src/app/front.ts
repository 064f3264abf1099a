/** Who takes the requests of the product in one process: its own HTTP server, or ingest workers before it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { closeServer } from '../http/bare-server.ts';
import { requestObserver } from '../http/metrics.ts';
import { BODIES_BYTES_MAX } from '../ingest/body.ts';
import { answerWorker, type Desk } from '../ingest/workers/desk.ts';
import { WorkerPool } from '../ingest/workers/pool.ts';
import { openPublicPort } from '../ingest/workers/public-port.ts';
import { gaugesOf } from './gauges.ts';
import { addressUrl, type AppOptions, listen } from './parts.ts';

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
  { config, logger, onFatal }: AppOptions,
  server: FastifyInstance,
  registry: Registry,
  shared: Omit<Desk, 'observe' | 'logger'>,
): Promise<Front> {
  const { ingestWorkers: workers, retentionDays, logLevel, host, port } = config;
  const folder = await privateFolder();
  const mainSocket = join(folder, 'main');
  await server.listen({ path: mainSocket, listenTextResolver: () => `requests come through ${workers} ingest workers` });
  const desk: Desk = { ...shared, observe: requestObserver(registry), logger };
  const pool = await WorkerPool.start({
    workers,
    setup: { mainSocket, retentionDays, logLevel, bodiesBytesMax: Math.floor(BODIES_BYTES_MAX / workers) },
    onItem: (item, say) => {
      answerWorker(desk, item, say);
    },
    logger,
    monotonicMs: () => performance.now(),
    onFatal,
  });
  gaugesOf(registry)('ingest_workers', 'Ingest workers that take requests', () => pool.ready);
  const publicPort = await openPublicPort(host, port, (socket) => {
    pool.give(socket);
  }).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  return {
    url: addressUrl(publicPort.address),
    keysChanged: () => {
      pool.sayToAll({ type: 'forget' });
    },
    async close() {
      publicPort.close();
      await pool.close();
      await closeServer(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The longest path of a Unix socket, and what this adds to the folder's. */
const SOCKET_PATH_MAX = 107;
const NAMES_MAX = '/uptally-XXXXXX/worker-4194304'.length;

/** A new folder for sockets, for this user only. */
function privateFolder(): Promise<string> {
  const temporary = tmpdir();
  const parent = Buffer.byteLength(temporary) + NAMES_MAX <= SOCKET_PATH_MAX ? temporary : '/tmp';
  return mkdtemp(join(parent, 'uptally-'));
}
