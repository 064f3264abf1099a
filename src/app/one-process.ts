/** The product in one process: the log and ClickHouse are embedded (or ClickHouse is a server), the aggregator has a thread of its own. */
import type { MeteringStatus } from '../aggregate/metering-status.ts';
import { startAggregatorThread } from '../aggregate/embedded/thread.ts';
import type { Readiness } from '../api/service/status.ts';
import { bodyExamples } from '../api/body-examples.ts';
import { apiPlugin, servicePlugin } from '../api/routes.ts';
import { buildServer } from '../http/server.ts';
import { webPages } from '../http/web-pages.ts';
import { Door } from '../ingest/door.ts';
import { openNameShares } from '../ingest/name-shares.ts';
import { AgentsSeen, registerAgents } from '../ingest/agents-seen.ts';
import { ingestPlugin } from '../ingest/plugin.ts';
import { registerSources } from '../ingest/source-gauges.ts';
import { catalogRecord } from '../log/record.ts';
import { clusterOf } from '../store/cluster.ts';
import { migrate } from '../store/migrations.ts';
import { readGaps } from '../store/named-log.ts';
import { openStore } from '../store/open.ts';
import type { Outage } from '../store/retry.ts';
import { apiContextOf } from './api-context.ts';
import { metricsOf } from './metrics.ts';
import { clockGauges } from './clock-gauges.ts';
import { startExpiry } from './expiry.ts';
import { openFront } from './front.ts';
import { readinessOf, refusalNow, storeHealth } from './health.ts';
import { publicConnections } from './public-connections.ts';
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
  withRetention,
} from './parts.ts';
import { partitionOf, statusOf } from './one-process-status.ts';
import { checkpointsOf, gapsOf, logPathOf, openOwnLog } from './own-log.ts';
import { openRecords } from './records.ts';
import { startNoticing } from './noticing.ts';
import { startScheduling } from './scheduling.ts';
import { Follower } from '../journal/follow.ts';
import { PRICING_KINDS } from '../catalog/catalog.ts';

const TICK_MS = 1000;

/** Nobody else stores or records anything. */
const NOTHING = (): Promise<void> => Promise.resolve();

/** Starts everything in one process; resolves when the server listens. */
export async function startEmbedded(given: AppOptions): Promise<App> {
  const { logger, now, faults, onFatal } = given;
  if (given.config.roles.size !== 3)
    throw new UnsupportedError('UPTALLY_ROLES: with the embedded log one process has all three roles');
  const documents = await loadDocuments(given.config);
  const lock = await lockFolder(given);

  const asked = givenFaults(faults);
  let waiting = false;
  const onOutage = (outage: Outage | undefined): void => {
    if (outage === undefined) logger.info('ClickHouse does as it is asked again');
    else if (!waiting)
      logger.error({ err: outage.error }, 'ClickHouse does not do as it is asked: samples are kept in the log until it does');
    waiting = outage !== undefined;
  };
  const store = await openStore({ ...given.config, onOutage }, asked.faults);
  const cluster = clusterOf(given.config);
  await migrate(store, { nowMs: now(), cluster });
  const options = await withRetention(given, store);
  const { config } = options;
  const gaps = await readGaps(store);
  const log = await openOwnLog(options, store, gaps, () => {
    lock.check();
  });
  // what a server holds others may write to as well
  const shared = config.clickhouseUrl !== undefined;
  const { journal, catalog, books, runs, leases, sources, elector, requests, sessions, portalLinks, subscriptions } =
    await openRecords({
      store,
      now,
      randomBytes: options.randomBytes,
      shared,
      ...asked,
    });
  const adminKey = await catalog.keys.bootstrapAdmin(config.adminKey, (why) => {
    logger.warn(why);
  });

  let trimming: Promise<void> = Promise.resolve();
  const aggregator = await startAggregatorThread({
    logPath: logPathOf(config),
    checkpointDir: checkpointsOf(config),
    ...aggregateSettings(config, store),
    gaps: gapsOf(gaps, log.logId),
    samplesExpire: config.retentionDays !== 0,
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
    onHalted: ({ detail }) => {
      logger.fatal(`${detail}. Samples are refused until it was restored or given up (uptally log show)`);
    },
    onFatal,
  });

  // Whatever the catalog was changed to before a crash, from here on its mark is in the log.
  let markedSeq = -1n;
  let forgottenSeq = catalog.forgettings.lastSeq;
  let forget: (seq: bigint) => void = () => undefined;
  // The door hears of it as it is recorded, not with its mark: whoever is answered that names are forgotten has their room, and waits for it.
  const noticeForgetting = (): void => {
    if (catalog.forgettings.lastSeq <= forgottenSeq) return;
    forgottenSeq = catalog.forgettings.lastSeq;
    forget(forgottenSeq);
  };
  const unwatch = journal.watch(noticeForgetting);
  const mark = async (seq: bigint): Promise<void> => {
    noticeForgetting();
    await log.append(catalogRecord(seq), 0);
    if (seq > markedSeq) markedSeq = seq;
    aggregator.wake();
  };
  await mark(catalog.lastSeq);
  const marking = await Follower.start(journal, {
    name: 'pricing-marks',
    from: journal.lastSeq,
    kinds: PRICING_KINDS,
    deliver: (entries) => mark(entries.at(-1)?.seq ?? 0n),
    onError: (error) => {
      logger.error({ err: error }, 'a change of the catalog could not be marked in the log yet');
    },
    faults,
  });

  const { elect } = elector;
  const agents = new AgentsSeen();
  const door = new Door({
    log,
    aggregator,
    agents,
    now,
    retentionDays: config.retentionDays,
    vmsMax: config.vmsMax,
    nicsMax: config.nicsMax,
    keyVmsMax: config.keyVmsMax,
    shares: await openNameShares(store, now, forgottenSeq),
    forgettingSeq: forgottenSeq,
    faults,
    clock: options.clock,
  });
  forget = (seq) => {
    door.forget(seq);
  };
  const status = (): MeteringStatus => statusOf(log, aggregator, config, catalog.lastPricingSeq, gaps);
  const storeAnswers = storeHealth(store);
  const ready = async (): Promise<Readiness> => readinessOf({ samples: refusalNow(door), questions: await storeAnswers() });
  const registry = metricsOf({ status, ready, partitions: () => [partitionOf(log, aggregator, config)], vmsMax: config.vmsMax });
  clockGauges(registry, options.clock);
  const connections = publicConnections(config, logger, registry);
  registerSources(registry, sources);
  registerAgents(registry, agents, () => new Set(catalog.keys.all().map(({ body }) => body.name)));
  const clockMs = (): number | null => aggregator.progress().clockMs || null;
  const context = apiContextOf({
    ...{ store, catalog, books, sources, sessions, portalLinks, subscriptions, config, now, eventClockMs: clockMs },
    scheduling: { journal, runs, leases, isOn: config.scheduler, invoices: config.schedulerInvoices },
    ...documents,
    watermarkMs: () => status().watermarkMs,
  });
  const server = await buildServer({
    keys: catalog.keys,
    sessions,
    owners: catalog,
    once: { requests, store, now },
    version: options.version,
    examples: bodyExamples(now()),
    logger,
    registry,
    // with workers before it, theirs are the connections
    ...(config.ingestWorkers === 0 ? { connectionsMax: connections.max, onCut: connections.onCut } : { behindWorkers: true }),
    plugins: [
      servicePlugin({ ready, status, constants: config, sources }),
      apiPlugin(context),
      ingestPlugin(door, faults, { sources, elect }),
      webPages('console'),
      webPages('portal', config.portalFrameAncestors),
    ],
  });
  const front = await openFront(options, server, registry, connections, { keys: catalog.keys, door, sources, elect });
  sources.onChange = () => {
    front.sourcesChanged();
  };
  catalog.keys.onChange = () => {
    front.keysChanged();
  };
  const stopTicking = repeat(
    TICK_MS,
    async () => {
      // plans and VMs are marked as they change; an invoice that is taken away later is missed by the number that the log knows
      if (catalog.lastSeq > markedSeq) await mark(catalog.lastSeq);
      await door.tick();
    },
    (error) => {
      logger.error({ err: error }, 'the clock could not be recorded');
    },
  );
  const stopExpiring = startExpiry({
    ...{ store, cluster, logger, now, clockMs },
    records: { catalog, books },
    keptDays: keptDays(config),
  });
  const freshen = shared ? () => journal.refresh() : NOTHING;
  const stopScheduling = startScheduling({ context, logger, registry, freshen });
  const stopNoticing = startNoticing({ context, config, version: options.version, logger, registry, faults, freshen });
  return {
    url: front.url,
    adminKey,
    server,
    async close() {
      stopTicking();
      stopExpiring();
      await stopScheduling();
      await stopNoticing();
      await front.close();
      unwatch();
      await marking.close();
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
