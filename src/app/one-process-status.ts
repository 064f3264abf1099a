/** What one process says of itself: its state of metering, and its log as the only partition. */
import { newestCheckpointMs } from '../aggregate/checkpoint.ts';
import type { AggregatorThread } from '../aggregate/embedded/thread.ts';
import { type MeteringStatus, sampleCounts } from '../aggregate/metering-status.ts';
import type { EmbeddedWriter } from '../log/embedded-log.ts';
import type { Config } from '../process/config.ts';
import type { LogGap } from '../store/named-log.ts';
import type { PartitionHealth } from './metrics.ts';
import { checkpointsOf } from './own-log.ts';
import { watermarkOf } from './parts.ts';

export function statusOf(
  log: EmbeddedWriter,
  aggregator: AggregatorThread,
  config: Config,
  catalogSeq: bigint,
  gaps: readonly LogGap[],
): MeteringStatus {
  const progress = aggregator.progress();
  return {
    log: { appended: log.samplesAppended, aggregated: progress.aggregatedSamples, stored: progress.storedSamples },
    logId: log.logId,
    halted: aggregator.halted(),
    gaps,
    watermarkMs: watermarkOf(progress.clockMs, config),
    waiting: progress.waiting,
    catalog: { recorded: catalogSeq, applied: progress.catalogSeq < catalogSeq ? progress.catalogSeq : catalogSeq },
    vms: progress.vms,
    samples: sampleCounts(progress.counters, progress.quarantined, progress.forgotten),
    forgotten: progress.forgotten,
  };
}

/** The embedded log as its only partition. Its state is saved by the clock of this machine. */
export function partitionOf(log: EmbeddedWriter, aggregator: AggregatorThread, config: Config): PartitionHealth {
  const progress = aggregator.progress();
  return {
    partition: 0,
    appendedSeq: log.headSeq - 1,
    aggregatedSeq: progress.aggregatedSeq,
    storedSeq: progress.storedSeq,
    watermarkMs: watermarkOf(progress.clockMs, config),
    waiting: progress.waiting,
    checkpointAtMs: newestCheckpointMs(checkpointsOf(config)),
    halted: aggregator.halted()?.state,
  };
}
