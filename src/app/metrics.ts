/** What a process tells Prometheus of its work. Gauges are read when they are asked for; the names are those of `deploy/`. */
import { Gauge, Registry } from 'prom-client';
import type { WaitingWork } from '../aggregate/backlog.ts';
import type { MeteringStatus } from '../aggregate/metering-status.ts';

/** One partition of the log; the embedded log is one, number 0. Sequence numbers are offsets; -1 before the first. */
export interface PartitionHealth {
  readonly partition: number;
  /** The last record in the log, the last one that the kernel has taken in, and the last one whose rows are stored. */
  readonly appendedSeq: number;
  readonly aggregatedSeq: number;
  readonly storedSeq: number;
  /** null before the first clock tick */
  readonly watermarkMs: number | null;
  /** VMs whose rows are not yet what their samples amount to. */
  readonly waiting: WaitingWork;
  /** When the newest saved state was saved; null without one. */
  readonly checkpointAtMs: number | null;
  /** Why it takes nothing in until someone does something; undefined when all is well. */
  readonly halted?: string | undefined;
}

export interface MetricSources {
  /** Left out where the process knows nothing of the whole. */
  readonly status?: (() => MeteringStatus | Promise<MeteringStatus>) | undefined;
  readonly partitions: () => readonly PartitionHealth[] | Promise<readonly PartitionHealth[]>;
  readonly ready: () => ReadyWords | Promise<ReadyWords>;
  readonly vmsMax: number;
}

interface ReadyWords {
  readonly ready: boolean;
  readonly samples?: string;
  readonly questions?: string;
}

const SAMPLE_COUNTS = ['accepted', 'applied', 'duplicate', 'conflict', 'late', 'quarantined'] as const;
const PARTITION = ['partition'] as const;

/** A registry with everything of ours but what the HTTP server adds. A source that fails leaves its gauges out, and never takes others along. */
export function metricsOf(sources: MetricSources): Registry {
  const registry = new Registry();
  if (sources.status !== undefined) statusGauges(registry, sources.status);
  partitionGauges(registry, sources);

  const ready = new Group(registry);
  const isReady = ready.gauge('ready', '1 when the process can take its work, as /readyz says');
  const isReadyFor = ready.gauge(
    'ready_for',
    '1 when the process can take samples, and answer questions; left out where others do',
    ['for'],
  );
  ready.read = async () => {
    const readiness = await sources.ready();
    isReady.set(readiness.ready ? 1 : 0);
    for (const [what, word] of [
      ['samples', readiness.samples],
      ['questions', readiness.questions],
    ] as const)
      if (word !== undefined && word !== 'elsewhere') isReadyFor.set({ for: what }, word === 'ok' ? 1 : 0);
  };
  const room = new Group(registry);
  const vmsMax = room.gauge('vms_max', 'VMs that a process has room for');
  room.read = () => {
    vmsMax.set(sources.vmsMax);
    return Promise.resolve();
  };
  return registry;
}

function statusGauges(registry: Registry, read: () => MeteringStatus | Promise<MeteringStatus>): void {
  const group = new Group(registry);
  const appended = group.gauge('log_appended_samples', 'Samples durable in the log since it began');
  const aggregated = group.gauge('log_aggregated_samples', 'Samples that the kernel has taken in');
  const stored = group.gauge('log_stored_samples', 'Samples whose rows can be queried');
  const watermark = group.gauge('watermark_seconds', 'The watermark, in seconds since the epoch');
  const vms = group.gauge('vms', 'VMs that have sent a sample');
  const counts = SAMPLE_COUNTS.map(
    (name) => [name, group.gauge(`samples_${name}`, `Samples ${name} since the log began`)] as const,
  );
  const rejected = group.gauge('samples_rejected', 'Samples refused at the door since the log began, by code', ['code']);
  group.read = async () => {
    const status = await read();
    appended.set(Number(status.log.appended));
    aggregated.set(Number(status.log.aggregated));
    stored.set(Number(status.log.stored));
    if (status.watermarkMs !== null) watermark.set(status.watermarkMs / 1000);
    vms.set(status.vms);
    for (const [name, gauge] of counts) gauge.set(Number(status.samples[name]));
    for (const [code, n] of Object.entries(status.samples.rejected)) rejected.set({ code }, Number(n));
  };
}

function partitionGauges(registry: Registry, sources: MetricSources): void {
  const group = new Group(registry);
  const gauge = (name: string, help: string, labels: readonly string[] = PARTITION): Gauge =>
    group.gauge(`partition_${name}`, help, labels);
  const appended = gauge('appended_offset', 'The last record in the log of a partition');
  const aggregated = gauge('aggregated_offset', 'The last record of a partition that the kernel has taken in');
  const stored = gauge('stored_offset', 'The last record of a partition whose rows can be queried');
  const lag = gauge('lag_records', 'Records of a partition in the log whose rows cannot be queried yet');
  const watermark = gauge('watermark_seconds', 'The watermark of a partition, in seconds since the epoch');
  const waitingVms = gauge('waiting_vms', 'VMs of a partition that wait for repair: their rows are not yet right');
  const waitingMinutes = gauge('waiting_minutes', 'Minutes of the VMs of a partition that wait for repair');
  const checkpoint = gauge('checkpoint_seconds', 'When the state of a partition was last saved, in seconds since the epoch');
  const halted = gauge('halted', '1 when a partition takes nothing in until someone does something', [...PARTITION, 'reason']);
  group.read = async () => {
    for (const health of await sources.partitions()) {
      const label = { partition: String(health.partition) };
      appended.set(label, health.appendedSeq);
      aggregated.set(label, health.aggregatedSeq);
      stored.set(label, health.storedSeq);
      lag.set(label, Math.max(0, health.appendedSeq - health.storedSeq));
      waitingVms.set(label, health.waiting.vms);
      waitingMinutes.set(label, health.waiting.minutes);
      if (health.watermarkMs !== null) watermark.set(label, health.watermarkMs / 1000);
      if (health.checkpointAtMs !== null) checkpoint.set(label, health.checkpointAtMs / 1000);
      if (health.halted !== undefined) halted.set({ ...label, reason: health.halted }, 1);
    }
  };
}

/** Gauges that one reading sets: read once a scrape, though each of them is asked. What the reading does not set is left out. */
class Group {
  read: () => Promise<void> = () => Promise.resolve();
  readonly #registry: Registry;
  readonly #gauges: Gauge[] = [];
  #reading: Promise<void> | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    const collect = (): Promise<void> => (this.#reading ??= this.#readAll());
    const gauge = new Gauge({ name: `uptally_${name}`, help, labelNames, registers: [this.#registry], collect });
    this.#gauges.push(gauge);
    return gauge;
  }

  async #readAll(): Promise<void> {
    for (const gauge of this.#gauges) {
      gauge.reset();
      // a gauge without labels is 0 after a reset, which would be a claim
      gauge.remove({});
    }
    try {
      await this.read();
    } catch {
      // /readyz says what is wrong; the other gauges are worth showing
    } finally {
      this.#reading = undefined;
    }
  }
}
