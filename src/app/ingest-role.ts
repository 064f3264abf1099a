/** The role `ingest`: the door, the Kafka log behind it, and the ticks and marks that every partition needs. */
import type { Kafka } from 'kafkajs';
import type { Registry } from 'prom-client';
import { AgentsSeen, registerAgents } from '../ingest/agents-seen.ts';
import { KafkaDoor } from '../ingest/kafka-door.ts';
import { PartitionAdmission, type PlacesRead } from '../ingest/partitions/admission.ts';
import { PartitionGrants } from '../ingest/partitions/grants.ts';
import { StoredNames } from '../ingest/partitions/stored-names.ts';
import { ingestPlugin } from '../ingest/plugin.ts';
import { registerSources } from '../ingest/source-gauges.ts';
import { highestClock, type PartitionProgress, readProgress } from '../aggregate/progress.ts';
import { Asking } from '../log/kafka/asking.ts';
import { producingTo } from '../log/kafka/connection.ts';
import { type KafkaLog, messageBytesMaxOf } from '../log/kafka/topic.ts';
import { TopicWatch } from '../log/kafka/watch.ts';
import { KafkaWriter } from '../log/kafka/writer.ts';
import { countWriters, readAcknowledged, recordAcknowledged } from '../store/kafka-log.ts';
import type { Store } from '../store/store.ts';
import { gaugesOf } from './gauges.ts';
import { type AppOptions, repeat } from './parts.ts';
import type { Records } from './records.ts';
import type { Role } from './role.ts';

const TICK_MS = 1000;
/** How often the topic's limit of a message is looked at; a message that is refused for it is looked into at once. */
const LIMIT_MS = 30_000;

/** How often a process says that it is there, with nothing new to say: half of what `countWriters` allows. */
const PRESENT_MS = 5 * 60_000;

export interface IngestSetup {
  readonly options: AppOptions;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly log: KafkaLog;
  readonly instance: string;
  readonly store: Store;
  readonly records: Records;
}

export interface IngestRole extends Role {
  /** Adds what this role tells Prometheus. */
  register(registry: Registry): void;
}

/** Starts to tick; samples are taken from the first acknowledged tick on. */
export function startIngest(setup: IngestSetup): IngestRole {
  const { options, kafka, topic, log: kafkaLog, store, records } = setup;
  const { config, logger, now, faults } = options;
  const { partitions } = kafkaLog;
  const watch = new TopicWatch(kafka, topic, kafkaLog.topic);
  const asking = new Asking(kafka, topic, kafkaLog.base);
  const messageBytesMax = (): Promise<number> => asking.do((admin) => messageBytesMaxOf(admin, topic));
  const log = new KafkaWriter({
    producing: producingTo(kafka, topic),
    ...kafkaLog,
    confirm: () => watch.confirm(),
    messageBytesMax,
    now,
    onAvailable: (available, reason) => {
      if (available) logger.info('the brokers acknowledge');
      else logger.error({ reason }, 'samples are refused');
    },
  });
  log.limitMessages(kafkaLog.messageBytesMax);
  const eventClock = config.clock === 'event';
  const agents = new AgentsSeen();
  const forgettings = records.catalog.forgettings;
  let forgottenSeq = forgettings.lastSeq;
  const grants = new PartitionGrants(store, setup.instance, now, forgottenSeq);
  const admission = new PartitionAdmission({
    ...{ log, grants, stored: new StoredNames(store), forgettingSeq: forgottenSeq },
    ...{ vmsMax: config.vmsMax, nicsMax: config.nicsMax, keyVmsMax: config.keyVmsMax },
  });
  const door = new KafkaDoor({
    log,
    admission,
    agents,
    now,
    retentionDays: config.retentionDays,
    faults,
    eventClock,
    clock: options.clock,
  });
  if (options.clock !== undefined)
    options.clock.onFollow = () => {
      log.forgetClock();
    };
  // each in a loop of its own: the clock goes on while the store does not answer, and the other way round
  const stopTicking = repeat(
    TICK_MS,
    () => door.tick(),
    () => undefined, // `onAvailable` has told it
  );
  const stopPolling = repeat(
    TICK_MS,
    async () => {
      await records.journal.refresh();
      if (forgettings.lastSeq > forgottenSeq) {
        forgottenSeq = forgettings.lastSeq;
        admission.forget(forgottenSeq);
      }
      if (eventClock) door.reached((await highestClock(store)) ?? 0);
      // every entry, not those of prices alone: one that is taken away later is missed by the number that the log knows
      await door.mark(records.journal.lastSeq);
    },
    (error) => {
      logger.warn({ err: error }, 'the catalog could not be read or marked: keys and prices stay as they were');
    },
  );
  const recording = new AcknowledgedRecord(setup, log);
  const stopRecording = repeat(
    TICK_MS,
    async () => {
      const progress = await readProgress(store, partitions);
      for (const { partition, storedSeq } of progress) log.knows(partition, storedSeq + 1);
      for (const [partition, { next }] of await readAcknowledged(store, kafkaLog.logId)) log.knows(partition, next);
      await recording.write();
      await grants.read();
      admission.read(placesOf(progress, await countWriters(store, kafkaLog.logId, setup.instance)));
    },
    (error) => {
      logger.warn({ err: error }, 'what was acknowledged could not be recorded');
    },
  );
  const stopLooking = repeat(
    LIMIT_MS,
    async () => {
      log.limitMessages(await messageBytesMax());
    },
    () => undefined, // a message that is refused says so
  );
  return {
    plugins: [ingestPlugin(door, faults, { sources: records.sources, elect: records.elector.elect })],
    register: (registry) => {
      register(registry, log);
      registerSources(registry, records.sources);
      registerAgents(registry, agents, () => new Set(records.catalog.keys.all().map(({ body }) => body.name)));
    },
    notReady: () => log.unavailable?.message,
    async close() {
      stopTicking();
      stopPolling();
      stopRecording();
      stopLooking();
      // the refusals since the last tick
      if (log.unavailable === undefined) {
        await door.tick().catch((error: unknown) => {
          logger.error({ err: error }, 'the last clock could not be recorded');
        });
      }
      await log.close();
      await recording.write().catch((error: unknown) => {
        logger.error({ err: error }, 'what was acknowledged last could not be recorded');
      });
      await Promise.all([watch.close(), asking.close()]);
    },
  };
}

function placesOf(progress: readonly PartitionProgress[], doors: number): PlacesRead {
  const clocks = progress.flatMap(({ clockMs }) => clockMs ?? []);
  return {
    partitions: progress.map(({ storedSeq, vmSlots, nicSlots, catalogSeq }) => ({
      ...{ storedSeq, catalogSeq },
      taken: { vms: vmSlots, nics: nicSlots },
    })),
    clockMs: clocks.length === 0 ? undefined : Math.min(...clocks),
    doors,
  };
}

/**
 * Tells the database what this process had acknowledged, where that has changed: the log is asked for it at every start, and so is `verify`. It tells it
 * at first, and now and again, with nothing changed: other doors count those that there are.
 */
class AcknowledgedRecord {
  readonly #setup: IngestSetup;
  readonly #log: KafkaWriter;
  #recorded = -1;
  #recordedAt = -Infinity;

  constructor(setup: IngestSetup, log: KafkaWriter) {
    this.#setup = setup;
    this.#log = log;
  }

  async write(): Promise<void> {
    const { store, log, instance, options } = this.#setup;
    const { samples } = this.#log.counts;
    // what ticks add is no loss: only samples are answered
    if (samples === this.#recorded && performance.now() - this.#recordedAt < PRESENT_MS) return;
    const startedAt = performance.now();
    await recordAcknowledged(store, { logId: log.logId, instance, acknowledged: this.#log.acknowledged(), nowMs: options.now() });
    this.#recorded = samples;
    this.#recordedAt = startedAt;
  }
}

function register(registry: Registry, log: KafkaWriter): void {
  const gauge = gaugesOf(registry);
  gauge('ingest_appended_samples', 'Samples that this process has had acknowledged', () => log.counts.samples);
  gauge('ingest_messages', 'Messages that this process has had acknowledged', () => log.counts.messages);
  gauge('ingest_message_bytes', 'Bytes of these messages before compression', () => log.counts.bytes);
  gauge('ingest_failed_flushes', 'Flushes that were not acknowledged', () => log.counts.failures);
  gauge('ingest_pending_bytes', 'Bytes that wait for an acknowledgement', () => log.pendingBytes);
  gauge('ingest_available', '1 while samples are taken', () => (log.unavailable === undefined ? 1 : 0));
  gauge(
    'ingest_clock_leap_seconds',
    "How far the brokers' clock has leapt, which is not followed until this process is started again",
    () => log.brokersLeapMs / 1000,
  );
  gauge('ingest_clock_offset_seconds', "How far the brokers' clock is ahead of this process'", () => log.clockOffsetMs / 1000);
}
