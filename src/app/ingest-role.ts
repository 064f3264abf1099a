/** The role `ingest`: the door, the Kafka log behind it, and the ticks and marks that every partition needs. */
import type { Kafka } from 'kafkajs';
import type { Registry } from 'prom-client';
import { highestClock } from '../aggregate/progress.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { KafkaDoor } from '../ingest/kafka-door.ts';
import { ingestPlugin } from '../ingest/plugin.ts';
import { producingTo } from '../log/kafka/client.ts';
import { KafkaWriter } from '../log/kafka/writer.ts';
import type { Store } from '../store/store.ts';
import { gaugesOf } from './gauges.ts';
import { type AppOptions, repeat } from './parts.ts';
import type { Role } from './role.ts';

const TICK_MS = 1000;

export interface IngestSetup {
  readonly options: AppOptions;
  readonly kafka: Kafka;
  readonly topic: string;
  readonly partitions: number;
  readonly store: Store;
  readonly catalog: Catalog;
}

export interface IngestRole extends Role {
  /** Adds what this role tells Prometheus. */
  register(registry: Registry): void;
}

/** Starts to tick; samples are taken from the first acknowledged tick on. */
export function startIngest({ options, kafka, topic, partitions, store, catalog }: IngestSetup): IngestRole {
  const { config, logger, now, faults } = options;
  const log = new KafkaWriter({
    producing: producingTo(kafka, topic),
    partitions,
    now,
    onAvailable: (available, reason) => {
      if (available) logger.info('the brokers acknowledge');
      else logger.error({ reason }, 'the brokers do not acknowledge: samples are refused');
    },
  });
  const eventClock = config.clock === 'event';
  const door = new KafkaDoor({ log, now, retentionDays: config.retentionDays, faults, eventClock });
  // each in a loop of its own: the clock goes on while the store does not answer, and the other way round
  const stopTicking = repeat(
    TICK_MS,
    () => door.tick(),
    () => undefined, // `onAvailable` has told it
  );
  const stopPolling = repeat(
    TICK_MS,
    async () => {
      await catalog.refresh();
      if (eventClock) door.reached((await highestClock(store)) ?? 0);
      await door.mark(catalog.lastPricingSeq);
    },
    (error) => {
      logger.warn({ err: error }, 'the catalog could not be read or marked: keys and prices stay as they were');
    },
  );
  return {
    plugins: [ingestPlugin(door, faults)],
    register: (registry) => {
      register(registry, log);
    },
    notReady: () => log.unavailable,
    async close() {
      stopTicking();
      stopPolling();
      // the refusals since the last tick
      if (log.unavailable === undefined) {
        await door.tick().catch((error: unknown) => {
          logger.error({ err: error }, 'the last clock could not be recorded');
        });
      }
      await log.close();
    },
  };
}

function register(registry: Registry, log: KafkaWriter): void {
  const gauge = gaugesOf(registry);
  gauge('ingest_appended_samples', 'Samples that this process has had acknowledged', () => log.counts.samples);
  gauge('ingest_messages', 'Messages that this process has had acknowledged', () => log.counts.messages);
  gauge('ingest_message_bytes', 'Bytes of these messages before compression', () => log.counts.bytes);
  gauge('ingest_failed_flushes', 'Flushes that were not acknowledged', () => log.counts.failures);
  gauge('ingest_pending_bytes', 'Bytes that wait for an acknowledgement', () => log.pendingBytes);
  gauge('ingest_available', '1 while samples are taken', () => (log.unavailable === undefined ? 1 : 0));
  gauge('ingest_clock_offset_seconds', "How far the brokers' clock is ahead of this process'", () => log.clockOffsetMs / 1000);
}
