/** The role `aggregate`: this process' share of the partitions, in a thread of its own. */
import type { OwnPartition } from '../aggregate/group/messages.ts';
import { startGroupThread } from '../aggregate/group/thread.ts';
import type { Config } from '../process/config.ts';
import type { KafkaSettings } from '../process/config.ts';
import type { KafkaLog } from '../log/kafka/topic.ts';
import type { PartitionHealth } from './metrics.ts';
import type { Store } from '../store/store.ts';
import { aggregateSettings, type AppOptions, watermarkOf } from './parts.ts';
import type { Role } from './role.ts';

/** How long the step under way and saving the states may take when the process is told to stop. */
const STOP_GRACE_MS = 20_000;

export interface AggregateSetup {
  readonly options: AppOptions;
  readonly kafka: KafkaSettings;
  readonly log: KafkaLog;
  readonly store: Store;
  readonly instance: string;
}

/** Joins the group of aggregators. */
export function startAggregate({ options, kafka, log, store, instance }: AggregateSetup): Role {
  const { config, logger, onFatal } = options;
  const group = startGroupThread({
    kafka,
    partitions: log.partitions,
    log,
    ...aggregateSettings(config, store),
    instance,
    onNote: (message, detail) => {
      logger.warn(detail, message);
    },
    onFatal,
  });
  const state = (): ReturnType<typeof group.state> => group.state();
  return {
    plugins: [],
    notReady() {
      const { joined, storeOutage, partitions: own } = state();
      if (storeOutage !== null) return storeOutage;
      if (!joined) return 'this process has no assignment in the group of aggregators yet';
      const halted = own.find((each) => each.state !== '');
      if (halted !== undefined) return `partition ${halted.partition} does not go on: ${halted.detail}`;
      const recovering = own.filter(({ recovered }) => !recovered).map(({ partition }) => partition);
      if (recovering.length > 0) return `the state of partition ${recovering.join(', ')} is being brought back`;
      return undefined;
    },
    partitions: () => state().partitions.map((own) => healthOf(own, config)),
    close: () => group.stop(STOP_GRACE_MS),
  };
}

function healthOf({ partition, progress, headSeq, state }: OwnPartition, config: Config): PartitionHealth {
  return {
    partition,
    appendedSeq: headSeq - 1,
    aggregatedSeq: progress.aggregatedSeq,
    storedSeq: progress.storedSeq,
    watermarkMs: watermarkOf(progress.clockMs, config),
    waiting: progress.waiting,
    checkpointAtMs: progress.checkpointAtMs ?? null,
    halted: state === '' ? undefined : state,
  };
}
