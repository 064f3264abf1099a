/**
 * The composition root: opens the parts, connects them, and closes them in the order that loses nothing. Only here and in the worker's
 * entry are several stages known at once.
 */
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { newestCheckpointMs } from './aggregate/checkpoint.ts';
import { type Status, sampleCounts } from './aggregate/status.ts';
import { type AggregatorThread, startAggregatorThread } from './aggregate/thread.ts';
import { loadIssuer } from './billing/issuer.ts';
import { Catalog } from './catalog/catalog.ts';
import type { Config } from './config.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import type { Readiness } from './http/routes/status.ts';
import { buildServer } from './http/server.ts';
import { Door } from './ingest/door.ts';
import { ingestPlugin } from './ingest/plugin.ts';
import { openEmbeddedWriter } from './log/embedded.ts';
import type { LogWriter } from './log/log.ts';
import { catalogRecord } from './log/record.ts';
import { lockFile } from './process-lock.ts';
import { metricsOf, type PartitionHealth } from './metrics.ts';
import { migrate } from './store/migrations.ts';
import { openStore } from './store/open.ts';
import { loadTerms, shippedTermsFolder } from './terms/library.ts';

export interface AppOptions {
  readonly config: Config;
  readonly version: string;
  readonly logger: Logger;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults: Faults;
  /** Something failed that can't be gone on from: the process should stop, and start again. */
  readonly onFatal: (error: Error) => void;
}

export interface App {
  readonly url: string;
  /** The admin key, if one was made at this start: shown once. */
  readonly adminKey: string | undefined;
  readonly server: FastifyInstance;
  /** Finishes what was begun, stores it, saves the state. */
  close(): Promise<void>;
}

const TICK_MS = 1000;
/** How long requests that were begun may take to end once the server is stopping. */
const CLOSE_GRACE_MS = 5000;
/** Samples are kept this much longer than they are accepted: a late one needs those before it. */
const GRACE_DAYS = 3;

/** A configuration that this version can't serve. */
export class UnsupportedError extends Error {}

/** Starts everything; resolves when the server listens. */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, logger, now, faults, onFatal } = options;
  if (config.log === 'kafka') throw new UnsupportedError('UPTALLY_LOG=kafka is not available in this version: use embedded');
  if (config.roles.size !== 3) throw new UnsupportedError('UPTALLY_ROLES: with the embedded log one process has all three roles');
  // A sheet that can't be used is found before anything is begun.
  const sheets = loadTerms([shippedTermsFolder(), join(config.dataDir, 'terms')]);
  const issuer = loadIssuer(config.dataDir);
  await mkdir(config.dataDir, { recursive: true });
  const unlock = await lockFile(join(config.dataDir, 'lock'), 'stop it first, or give this server another UPTALLY_DATA_DIR');

  const givenFaults = faults === NO_FAULTS ? {} : { faults };
  const store = await openStore(config, givenFaults.faults);
  const retentionDays = config.retentionDays === 0 ? 0 : config.retentionDays + GRACE_DAYS;
  await migrate(store, { retentionDays, nowMs: now() });
  const catalog = await Catalog.open({ store, now, randomBytes: options.randomBytes, ...givenFaults });
  const adminKey = await catalog.bootstrapAdminKey(config.adminKey);

  const logPath = join(config.dataDir, 'log');
  const log = openEmbeddedWriter({ path: logPath, onFatal, ...givenFaults });
  const terms = {
    stalenessMs: config.stalenessMs,
    latenessMs: config.latenessMs,
    linkLimitBps: config.linkLimitBps,
    clock: config.clock,
  };
  let trimming: Promise<void> = Promise.resolve();
  const aggregator = await startAggregatorThread({
    logPath,
    checkpointDir: join(config.dataDir, 'checkpoints'),
    store: config.clickhouseUrl === undefined ? store : undefined,
    clickhouseUrl: config.clickhouseUrl,
    terms,
    vmsMax: config.vmsMax,
    nicsMax: config.nicsMax,
    checkpointIntervalMs: config.checkpointIntervalMs,
    onTrim: (beforeSeq) => {
      trimming = trimming
        .then(() => log.trim(beforeSeq))
        .catch((error: unknown) => {
          logger.error({ err: error }, 'the log could not be trimmed');
        });
    },
    onNote: (message) => {
      logger.warn(message);
    },
    onFatal,
  });

  // Whatever the catalog was changed to before a crash, from here on its mark is in the log.
  const mark = async (seq: bigint): Promise<void> => {
    await log.append(catalogRecord(seq), 0);
    aggregator.wake();
  };
  let pricedSeq = catalog.lastSeq;
  await mark(pricedSeq);
  catalog.setOnChange(async ({ kind, seq }) => {
    if (kind !== 'plan' && kind !== 'vm') return;
    await mark(seq);
    pricedSeq = seq;
  });

  const door = new Door({
    log,
    aggregator,
    now,
    retentionDays: config.retentionDays,
    vmsMax: config.vmsMax,
    nicsMax: config.nicsMax,
    faults,
  });
  const status = (): Status => statusOf(log, aggregator, config, pricedSeq);
  const ready = (): Readiness => ({ ready: true });
  const server = await buildServer({
    store,
    catalog,
    watermarkMs: () => status().watermarkMs,
    stalenessMs: config.stalenessMs,
    status,
    ready,
    terms: config,
    sheets,
    issuer,
    now,
    version: options.version,
    logger,
    registry: metricsOf({ status, ready, partitions: () => [partitionOf(log, aggregator, config)], vmsMax: config.vmsMax }),
    plugins: [ingestPlugin(door, faults)],
  });
  await server.listen({ host: config.host, port: config.port });

  let ticking = true;
  const tick = (): void => {
    door
      .tick()
      .catch((error: unknown) => {
        logger.error({ err: error }, 'the clock could not be recorded');
      })
      .finally(() => {
        if (ticking) timer = setTimeout(tick, TICK_MS);
      });
  };
  let timer = setTimeout(tick, 0);

  const address = server.server.address() as AddressInfo;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
    adminKey,
    server,
    async close() {
      ticking = false;
      clearTimeout(timer);
      // Node no longer times out slow requests once it is closing: what has not arrived by then is cut off, its sender has no answer
      const cutOff = setTimeout(() => {
        server.server.closeAllConnections();
      }, CLOSE_GRACE_MS);
      await server.close();
      clearTimeout(cutOff);
      // the refusals since the last tick
      await door.tick().catch((error: unknown) => {
        logger.error({ err: error }, 'the last clock could not be recorded');
      });
      await aggregator.stop(log.headSeq);
      await trimming;
      await log.close();
      await store.close();
      await unlock();
    },
  };
}

function statusOf(log: LogWriter, aggregator: AggregatorThread, config: Config, catalogSeq: bigint): Status {
  const progress = aggregator.progress();
  return {
    log: { appended: log.samplesAppended, aggregated: progress.aggregatedSamples, stored: progress.storedSamples },
    watermarkMs: progress.clockMs === 0 ? null : progress.clockMs - config.latenessMs,
    catalog: { recorded: catalogSeq, applied: progress.catalogSeq < catalogSeq ? progress.catalogSeq : catalogSeq },
    vms: progress.vms,
    samples: sampleCounts(progress.counters, progress.quarantined),
  };
}

/** The embedded log as its only partition. Its state is saved by the clock of this machine. */
function partitionOf(log: LogWriter, aggregator: AggregatorThread, config: Config): PartitionHealth {
  const progress = aggregator.progress();
  return {
    partition: 0,
    appendedSeq: log.headSeq - 1,
    aggregatedSeq: progress.aggregatedSeq,
    storedSeq: progress.storedSeq,
    watermarkMs: progress.clockMs === 0 ? null : progress.clockMs - config.latenessMs,
    checkpointAtMs: newestCheckpointMs(join(config.dataDir, 'checkpoints')),
  };
}
