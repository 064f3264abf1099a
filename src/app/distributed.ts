/**
 * The product over several processes: the log is Kafka, ClickHouse a server, and a process has some of the three roles. With all of them in
 * one process ClickHouse may be embedded.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Readiness } from '../api/service/status.ts';
import { closeServer } from '../http/bare-server.ts';
import { bodyExamples } from '../api/body-examples.ts';
import { apiPlugin, servicePlugin } from '../api/routes.ts';
import { buildServer } from '../http/server.ts';
import { webPages } from '../http/web-pages.ts';
import { Asking } from '../log/kafka/asking.ts';
import { kafkaClient } from '../log/kafka/connection.ts';
import type { KafkaSettings } from '../process/config.ts';
import { LogIdentityError } from '../log/identity.ts';
import { type KafkaLog, TopicError } from '../log/kafka/topic.ts';
import { TopicWatch } from '../log/kafka/watch.ts';
import { LogError } from '../log/log.ts';
import { metricsOf } from './metrics.ts';
import { clusterOf } from '../store/cluster.ts';
import { migrate } from '../store/migrations.ts';
import { readNamedLog } from '../store/named-log.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { clockGauges } from './clock-gauges.ts';
import { apiContextOf } from './api-context.ts';
import { startAggregate } from './aggregate-role.ts';
import { startApi } from './api-role.ts';
import { readinessOf, storeHealth } from './health.ts';
import { notMoreOften } from './not-more-often.ts';
import { publicConnections } from './public-connections.ts';
import { startIngest } from './ingest-role.ts';
import { openKafkaLog } from './kafka-log.ts';
import {
  type App,
  type AppOptions,
  givenFaults,
  listen,
  loadDocuments,
  lockFolder,
  repeat,
  UnsupportedError,
  withRetention,
} from './parts.ts';
import { openRecords } from './records.ts';
import { startNoticing } from './noticing.ts';
import { startScheduling } from './scheduling.ts';
import type { Role } from './role.ts';

/** How long a start waits for the brokers. */
const START_PATIENCE_MS = 60_000;
const START_RETRY_MS = 1_000;
/** How often it is asked whether the topic is still the same one. */
const TOPIC_CHECK_MS = 5_000;
/** A key that is not known may have been made elsewhere just now: the catalog is asked, but not for every stranger. */
const UNKNOWN_KEY_MS = 500;

/** Starts the roles of this process; resolves when it listens. */
export async function startDistributed(given: AppOptions): Promise<App> {
  const { logger, now, faults, onFatal } = given;
  const settings = given.config.kafka;
  if (settings === undefined)
    throw new UnsupportedError('UPTALLY_KAFKA_BROKERS must name at least one broker when UPTALLY_LOG is kafka');
  const documents = await loadDocuments(given.config);
  // Only ClickHouse inside this process needs the folder for itself.
  const lock = given.config.clickhouseUrl === undefined ? await lockFolder(given) : undefined;
  const asked = givenFaults(faults);
  let outage: string | undefined;
  const store = await openStore(
    {
      ...given.config,
      onOutage: (since) => {
        outage = since?.error.message;
      },
    },
    asked.faults,
  );
  await migrate(store, { nowMs: now(), cluster: clusterOf(given.config) });
  const options = await withRetention(given, store);
  const { config } = options;
  const kafka = kafkaClient(settings, (message, detail) => {
    logger.debug(detail, message);
  });
  const log = await reachTopic(options, settings, store);
  const has = (role: 'ingest' | 'aggregate' | 'api'): boolean => config.roles.has(role);
  const records = await openRecords({
    store,
    now,
    randomBytes: options.randomBytes,
    shared: config.clickhouseUrl !== undefined,
    keysOnly: !has('api'),
    ...asked,
  });
  const { journal, catalog, books, runs, leases } = records;
  const adminKey = has('api')
    ? await catalog.keys.bootstrapAdmin(config.adminKey, (why) => {
        logger.warn(why);
      })
    : undefined;

  const instance = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const { topic } = settings;
  const asking = new Asking(kafka, topic, log.base);
  const watch = new TopicWatch(kafka, topic, log.topic);
  let mismatch: string | undefined;
  const ingest = has('ingest') ? startIngest({ options, kafka, topic, log, instance, store, records }) : undefined;
  const aggregate = has('aggregate') ? startAggregate({ options, kafka: settings, log, store, instance }) : undefined;
  const api = has('api')
    ? startApi({
        ...{ options, kafka, asking, topic, log, store, records, instance },
        storeOutage: () => outage,
        mismatch: () => mismatch,
      })
    : undefined;
  // in the order in which they are closed
  const roles: readonly Role[] = [ingest, aggregate, api].filter((role) => role !== undefined);

  const stopChecking = repeat(
    TOPIC_CHECK_MS,
    async () => {
      const named = await readNamedLog(store);
      if (named?.logId !== log.logId) onFatal(anotherLog(topic, named?.logId));
      await watch.confirm();
      mismatch = undefined;
    },
    (error) => {
      if (!(error instanceof LogError && error.code === 'log_mismatch')) return;
      if (mismatch === undefined) logger.error({ reason: error.message }, 'the topic is not the log that the rows come from');
      mismatch = error.message;
    },
  );

  const storeAnswers = storeHealth(store);
  const ready = async (): Promise<Readiness> => {
    // first of all, since it may end an outage that a role still knows of
    const store = aggregate === undefined && api === undefined ? undefined : await storeAnswers();
    return readinessOf({
      ...(ingest === undefined ? {} : { samples: ingest.notReady() }),
      ...(api === undefined ? {} : { questions: store ?? api.notReady() }),
      ...(aggregate === undefined ? {} : { rows: store ?? aggregate.notReady() }),
    });
  };
  const registry = metricsOf({
    ready,
    status: api === undefined ? undefined : () => api.statusSoon(),
    partitions: () => (api ?? aggregate)?.partitions?.() ?? [],
    vmsMax: config.vmsMax,
  });
  clockGauges(registry, options.clock);
  ingest?.register(registry);
  const connections = publicConnections(config, logger, registry);
  const context =
    api === undefined
      ? undefined
      : apiContextOf({
          ...{
            store,
            catalog,
            books,
            sources: records.sources,
            sessions: records.sessions,
            portalLinks: records.portalLinks,
            subscriptions: records.subscriptions,
            config,
            now,
          },
          scheduling: { journal, runs, leases, isOn: config.scheduler, invoices: config.schedulerInvoices },
          ...documents,
          watermarkMs: (vm) => api.watermarkMs(vm),
          eventClockMs: () => api.clockMs(),
        });
  const server = await buildServer({
    keys: catalog.keys,
    owners: catalog,
    once: { requests: records.requests, store, now },
    ...(api === undefined ? {} : { freshen: () => api.freshen(), sessions: records.sessions }),
    version: options.version,
    examples: bodyExamples(now()),
    logger,
    registry,
    onUnknownKey: notMoreOften(UNKNOWN_KEY_MS, now, () => journal.refresh()),
    connectionsMax: connections.max,
    onCut: connections.onCut,
    plugins: [
      servicePlugin({
        ready,
        status: api === undefined ? undefined : () => api.status(),
        constants: config,
        sources: records.sources,
      }),
      ...(context === undefined
        ? []
        : [apiPlugin(context), webPages('console'), webPages('portal', config.portalFrameAncestors)]),
      ...roles.flatMap((role) => role.plugins),
    ],
  });
  connections.show(() => server.connections.open, connections.max);
  const url = await listen(server, config);
  const stopScheduling =
    api === undefined || context === undefined
      ? undefined
      : startScheduling({ context, logger, registry, freshen: () => api.freshen() });
  const stopNoticing =
    api === undefined || context === undefined
      ? undefined
      : startNoticing({
          ...{ context, config, version: options.version, logger, registry, faults: options.faults },
          freshen: () => api.freshen(),
        });
  return {
    url,
    adminKey,
    server,
    async close() {
      stopChecking();
      await stopScheduling?.();
      await stopNoticing?.();
      await closeServer(server);
      for (const role of roles) await role.close();
      await asking.close();
      await watch.close();
      await store.close();
      await lock?.release();
    },
  };
}

/** An operator has let another log follow while this process worked on the one before; or the database is another one by now. */
function anotherLog(topic: string, logId: string | undefined): LogIdentityError {
  return new LogIdentityError('log_foreign', {
    found: logId === undefined ? 'the database names no log any more: it was emptied' : `the database names log ${logId} now`,
    expected: `this process began with the log in topic ${topic} as it was before`,
    advice: 'Start it again: it goes on, or says what does not belong together',
  });
}

/** Finds the log, or makes it, as soon as a broker answers. */
async function reachTopic(
  { logger, now, randomBytes, faults }: AppOptions,
  settings: KafkaSettings,
  store: Store,
): Promise<KafkaLog> {
  const kafka = kafkaClient(
    settings,
    (message, detail) => {
      logger.debug(detail, message);
    },
    0,
  );
  const endMs = performance.now() + START_PATIENCE_MS;
  for (;;) {
    try {
      return await openKafkaLog({ kafka, settings, store, now, randomBytes, faults });
    } catch (error) {
      if (error instanceof TopicError || error instanceof LogIdentityError || performance.now() > endMs) throw error;
      logger.warn({ err: error }, 'waiting for the brokers');
      await new Promise((resolve) => setTimeout(resolve, START_RETRY_MS));
    }
  }
}
