/**
 * The role `api`: questions and the catalog. Every request sees what was stored and recorded before it came, whichever process did it: the
 * catalog and the partitions' progress are read again before it is served, once for all that come together.
 */
import type { Kafka } from 'kafkajs';
import { countQuarantined } from '../aggregate/quarantined.ts';
import { readForgotten } from '../aggregate/forgotten.ts';
import { type PartitionProgress, readProgress } from '../aggregate/progress.ts';
import { type Halted, type PartitionStatus, sampleCounts, type MeteringStatus } from '../aggregate/metering-status.ts';
import { coalesced } from '../journal/coalesced.ts';
import { ProblemError } from '../problems/problem.ts';
import { COUNTER_WORDS } from '../kernel/layout.ts';
import { partitionOf, vmHash } from '../samples/vm-hash.ts';
import { afterGaps } from '../log/gaps.ts';
import type { Asking } from '../log/kafka/asking.ts';
import { Follower } from '../log/kafka/follower.ts';
import type { KafkaLog } from '../log/kafka/topic.ts';
import type { PartitionHealth } from './metrics.ts';
import { clusterOf } from '../store/cluster.ts';
import type { Store } from '../store/store.ts';

import { readAcknowledged } from '../store/kafka-log.ts';
import { type LogGap, readGaps } from '../store/named-log.ts';
import { startExpiry } from './expiry.ts';
import { type AppOptions, keptDays } from './parts.ts';
import type { Records } from './records.ts';
import type { Role } from './role.ts';

/** How long a status waits for what is not stored yet to be counted. */
const COUNT_WAIT_MS = 5_000;
const SCRAPE_WAIT_MS = 1_000;

export interface ApiSetup {
  readonly options: AppOptions;
  readonly kafka: Kafka;
  readonly asking: Asking;
  readonly topic: string;
  readonly log: KafkaLog;
  readonly store: Store;
  readonly records: Records;
  readonly instance: string;
  /** why the store can't be asked, undefined when it can */
  readonly storeOutage: () => string | undefined;
  /** why the topic is not the log, undefined while it is */
  readonly mismatch: () => string | undefined;
}

export interface ApiRole extends Role {
  /** Before a request is served. */
  freshen(): Promise<void>;
  status(): Promise<MeteringStatus>;
  /** For those who ask all the time: with no request before it, and less patience. */
  statusSoon(): Promise<MeteringStatus>;
  watermarkMs(vm: string): number | null;
  /** The highest clock of all partitions; null before the first. */
  clockMs(): number | null;
}

/** Begins to serve; the follower joins in its own time. */
export function startApi(setup: ApiSetup): ApiRole {
  const { options, kafka, asking, topic, log, store, records, instance, storeOutage } = setup;
  const { partitions, base } = log;
  const { config, logger, now } = options;
  let progress: readonly PartitionProgress[] = [];
  const readAgain = async (): Promise<void> => {
    progress = await readProgress(store, partitions);
  };
  const follower = new Follower(kafka, asking, topic, partitions, base, instance, (error) => {
    logger.warn({ err: error }, 'what is not stored yet cannot be counted at the moment');
  });
  follower.start();

  const watermarkOf = ({ clockMs }: PartitionProgress): number | null => (clockMs === null ? null : clockMs - config.latenessMs);
  const status = async (waitMs: number): Promise<MeteringStatus> => {
    const [quarantined, forgotten] = await Promise.all([countQuarantined(store), readForgotten(store)]);
    const recorded = records.catalog.lastPricingSeq;
    const own = progress;
    // before the brokers are asked, so that all of it lies before what they then say
    const [acknowledged, gaps] = await Promise.all([readAcknowledged(store, log.logId), readGaps(store)]);
    const unstored = await follower
      .unstored(
        own.map(({ storedSeq }) => storedSeq),
        waitMs,
      )
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ProblemError('log_unavailable', `the brokers do not say how far the log goes: ${reason}`);
      });
    const begins = unstored.map(({ low }) => low);
    // whoever trims has stored before: read once more, rows tell a topic that was trimmed from one that has lost something
    const cut =
      missingBefore(own, begins, gaps).length === 0 ? [] : missingBefore(await readProgress(store, partitions), begins, gaps);
    const shown = own.map((each, i): PartitionStatus => {
      const { head, samples } = unstored[i] ?? { head: 0, samples: 0n };
      // an aggregator says so when it looks; where none does, what the brokers say must do
      const isOther = setup.mismatch() !== undefined || head <= each.storedSeq || cut.includes(each.partition);
      return {
        partition: each.partition,
        log: samplesOf(each, samples, acknowledged.get(each.partition)?.samples ?? 0n, gaps),
        messages: { appended: head, stored: each.storedSeq + 1 },
        watermarkMs: watermarkOf(each),
        checkpointAgeMs: each.checkpointAtMs === null ? null : Math.max(0, now() - each.checkpointAtMs),
        state: isOther ? 'log_mismatch' : each.state === '' ? 'running' : each.state,
        instance: each.instance,
      };
    });
    const stored = shown.reduce((sum, each) => sum + each.log.stored, 0n);
    const aggregated = shown.reduce((sum, each) => sum + each.log.aggregated, 0n);
    const appended = shown.reduce((sum, each) => sum + each.log.appended, 0n);
    // all that is known must not look like all that there is
    if (appended === aggregated && unstored.some(({ complete }) => !complete))
      throw new ProblemError('not_ready', 'what is not stored yet is still being counted');
    const applied = own.reduce((least, each) => (each.catalogSeq < least ? each.catalogSeq : least), recorded);
    const counters = Array.from({ length: COUNTER_WORDS }, (_, i) =>
      own.reduce((sum, each) => sum + (each.counters[i] ?? 0n), 0n),
    );
    return {
      log: { appended, aggregated, stored },
      logId: log.logId,
      halted: haltedOf(shown, setup.mismatch()),
      gaps,
      watermarkMs: lowest(own.map(watermarkOf)),
      waiting: {
        vms: own.reduce((sum, { waiting }) => sum + waiting.vms, 0),
        minutes: own.reduce((sum, { waiting }) => sum + waiting.minutes, 0),
        samples: own.reduce((sum, { waiting }) => sum + waiting.samples, 0),
      },
      catalog: { recorded, applied },
      vms: own.reduce((sum, each) => sum + each.vms, 0),
      samples: sampleCounts(counters, quarantined, forgotten),
      forgotten,
      partitions: shown,
    };
  };

  const fresh = coalesced(readAgain);
  const partitionsNow = async (): Promise<readonly PartitionHealth[]> => {
    const [heads] = await Promise.all([asking.bounds(), fresh()]);
    return progress.map((each) => ({
      partition: each.partition,
      appendedSeq: (heads.get(each.partition)?.head ?? 0) - 1,
      aggregatedSeq: each.storedSeq,
      storedSeq: each.storedSeq,
      watermarkMs: watermarkOf(each),
      waiting: each.waiting,
      checkpointAtMs: each.checkpointAtMs,
      halted: each.state === '' ? undefined : each.state,
    }));
  };

  // Of the processes with this role the first that finds something due does it; the others see that it is done.
  const stopExpiring = startExpiry({
    ...{ store, records, logger, now, cluster: clusterOf(config), keptDays: keptDays(config) },
    clockMs: () => lowest(progress.map(({ clockMs }) => clockMs)),
  });

  return {
    plugins: [],
    freshen: async () => {
      await Promise.all([records.journal.refresh(), fresh()]);
    },
    status: () => status(COUNT_WAIT_MS),
    async statusSoon() {
      await Promise.all([records.journal.refresh(), fresh()]);
      return status(SCRAPE_WAIT_MS);
    },
    watermarkMs(vm) {
      const own = progress[partitionOf(vmHash(vm), partitions)];
      return own === undefined ? null : watermarkOf(own);
    },
    clockMs() {
      return progress.reduce<number | null>(
        (most, { clockMs }) => (clockMs === null ? most : Math.max(most ?? 0, clockMs)),
        null,
      );
    },
    partitions: partitionsNow,
    notReady: () => storeOutage() ?? setup.mismatch(),
    async close() {
      stopExpiring();
      await follower.close();
    },
  };
}

/**
 * The samples of a partition: what its log holds, and at least what doors had acknowledged, so that samples which are gone show as not stored. What
 * an operator gave up counts as stored, since it is on record; where it is not known how much that was, what doors say can't be compared.
 */
function samplesOf(
  { partition, aggregatedSamples, storedSamples }: PartitionProgress,
  unread: bigint,
  acknowledged: bigint,
  gaps: readonly LogGap[],
): PartitionStatus['log'] {
  const own = gaps.filter((gap) => gap.partition === partition);
  const lost = own.reduce((sum, gap) => sum + (gap.samples ?? 0n), 0n);
  const held = aggregatedSamples + lost + unread;
  const isComparable = own.every((gap) => gap.samples !== null);
  const appended = isComparable && acknowledged > held ? acknowledged : held;
  return { appended, aggregated: aggregatedSamples + lost, stored: storedSamples + lost };
}

/** The partitions that begin after what has to be stored next: what lay between is gone, whatever was counted of it. */
function missingBefore(progress: readonly PartitionProgress[], begins: readonly number[], gaps: readonly LogGap[]): number[] {
  return progress
    .filter(({ partition, storedSeq }) => (begins[partition] ?? 0) > afterGaps(gaps, partition, storedSeq + 1))
    .map(({ partition }) => partition);
}

function haltedOf(partitions: readonly PartitionStatus[], mismatch: string | undefined): Halted | undefined {
  if (mismatch !== undefined) return { state: 'log_mismatch', detail: mismatch };
  const halted = partitions.filter(({ state }) => state === 'log_corrupt' || state === 'log_mismatch');
  const [first] = halted;
  if (first === undefined) return undefined;
  const numbers = halted.map(({ partition }) => partition).join(', ');
  return {
    state: first.state === 'log_corrupt' ? 'log_corrupt' : 'log_mismatch',
    detail: `partition ${numbers} does not go on: /readyz of the process that works on it and uptally log show say why`,
  };
}

function lowest(watermarks: readonly (number | null)[]): number | null {
  let least: number | null = null;
  for (const each of watermarks) {
    if (each === null) return null;
    least = least === null ? each : Math.min(least, each);
  }
  return least;
}
