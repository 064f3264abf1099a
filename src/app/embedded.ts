/** The product in one process: the log and ClickHouse are embedded (or ClickHouse is a server), the aggregator has a thread of its own. */
import { join } from 'node:path';
import { newestCheckpointMs } from '../aggregate/checkpoint.ts';
import { type Status, sampleCounts } from '../aggregate/status.ts';
import { type AggregatorThread, startAggregatorThread } from '../aggregate/thread.ts';
import { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config.ts';
import type { Readiness } from '../http/routes/status.ts';
import { buildServer } from '../http/server.ts';
import { Door } from '../ingest/door.ts';
import { openNameShares } from '../ingest/name-shares.ts';
import { ingestPlugin } from '../ingest/plugin.ts';
import { openEmbeddedWriter } from '../log/embedded.ts';
import type { LogWriter } from '../log/log.ts';
import { catalogRecord } from '../log/record.ts';
import { clusterOf } from '../store/cluster.ts';
import { migrate } from '../store/migrations.ts';
import { openStore } from '../store/open.ts';
import type { Outage } from '../store/retry.ts';
import { metricsOf, type PartitionHealth } from '../metrics.ts';
import { openFront } from './front.ts';
import {
  aggregateSettings,
  type App,
  type AppOptions,
  givenFaults,
  keptDays,
  loadDocuments,
  lockFolder,
  repeat,
  UnsupportedError,
  watermarkOf,
} from './parts.ts';

const TICK_MS = 1000;

/** Starts everything in one process; resolves when the server listens. */
export async function startEmbedded(options: AppOptions): Promise<App> {
  const { config, logger, now, faults, onFatal } = options;
  if (config.roles.size !== 3) throw new UnsupportedError('UPTALLY_ROLES: with the embedded log one process has all three roles');
  const documents = await loadDocuments(config);
  const lock = await lockFolder(options);

  const asked = givenFaults(faults);
  let waiting = false;
  const onOutage = (outage: Outage | undefined): void => {
    if (outage === undefined) logger.info('ClickHouse does as it is asked again');
    else if (!waiting)
      logger.error({ err: outage.error }, 'ClickHouse does not do as it is asked: samples are kept in the log until it does');
    waiting = outage !== undefined;
  };
  const store = await openStore({ ...config, onOutage }, asked.faults);
  await migrate(store, { retentionDays: keptDays(config), nowMs: now(), cluster: clusterOf(config) });
  // what a server holds others may write to as well
  const shared = config.clickhouseUrl !== undefined;
  const catalog = await Catalog.open({ store, now, randomBytes: options.randomBytes, shared, ...asked });
  const adminKey = await catalog.bootstrapAdminKey(config.adminKey, (why) => {
    logger.warn(why);
  });

  const logPath = join(config.dataDir, 'log');
  const log = openEmbeddedWriter({
    path: logPath,
    onFatal,
    stillOurs: () => {
      lock.check();
    },
    ...asked,
  });
  let trimming: Promise<void> = Promise.resolve();
  const aggregator = await startAggregatorThread({
    logPath,
    checkpointDir: join(config.dataDir, 'checkpoints'),
    ...aggregateSettings(config, store),
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
  let keysChanged = (): void => undefined;
  catalog.setOnChange(async ({ kind, seq }) => {
    if (kind === 'key') keysChanged();
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
    keyVmsMax: config.keyVmsMax,
    shares: await openNameShares(store, now),
    faults,
  });
  const status = (): Status => statusOf(log, aggregator, config, pricedSeq);
  const ready = (): Readiness => ({ ready: true });
  const registry = metricsOf({ status, ready, partitions: () => [partitionOf(log, aggregator, config)], vmsMax: config.vmsMax });
  const server = await buildServer({
    store,
    catalog,
    watermarkMs: () => status().watermarkMs,
    eventClockMs: () => {
      const { clockMs } = aggregator.progress();
      return clockMs === 0 ? null : clockMs;
    },
    stalenessMs: config.stalenessMs,
    status,
    ready,
    terms: config,
    ...documents,
    now,
    version: options.version,
    logger,
    registry,
    plugins: [ingestPlugin(door, faults)],
  });
  const front = await openFront(options, server, registry, { catalog, door });
  keysChanged = () => {
    front.keysChanged();
  };
  const stopTicking = repeat(
    TICK_MS,
    () => door.tick(),
    (error) => {
      logger.error({ err: error }, 'the clock could not be recorded');
    },
  );
  return {
    url: front.url,
    adminKey,
    server,
    async close() {
      stopTicking();
      await front.close();
      // the refusals since the last tick
      await door.tick().catch((error: unknown) => {
        logger.error({ err: error }, 'the last clock could not be recorded');
      });
      await aggregator.stop(log.headSeq);
      await trimming;
      await log.close();
      await store.close();
      await lock.release();
    },
  };
}

function statusOf(log: LogWriter, aggregator: AggregatorThread, config: Config, catalogSeq: bigint): Status {
  const progress = aggregator.progress();
  return {
    log: { appended: log.samplesAppended, aggregated: progress.aggregatedSamples, stored: progress.storedSamples },
    watermarkMs: watermarkOf(progress.clockMs, config),
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
    watermarkMs: watermarkOf(progress.clockMs, config),
    checkpointAtMs: newestCheckpointMs(join(config.dataDir, 'checkpoints')),
  };
}
