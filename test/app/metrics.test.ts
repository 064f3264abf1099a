import { describe, expect, it } from 'vitest';
import type { MeteringStatus } from '../../src/aggregate/metering-status.ts';
import { metricsOf, type MetricSources } from '../../src/app/metrics.ts';

const STATUS: MeteringStatus = {
  log: { appended: 10n, aggregated: 9n, stored: 8n },
  watermarkMs: 1_700_000_000_500,
  catalog: { recorded: 0n, applied: 0n },
  vms: 3,
  waiting: { vms: 0, minutes: 0, samples: 0 },
  samples: { accepted: 9n, applied: 7n, duplicate: 1n, conflict: 1n, late: 2n, quarantined: 1n, rejected: { bad_vm: 4n } },
};

/** The lines of /metrics that carry values. */
async function scraped(change: Partial<MetricSources> = {}): Promise<string[]> {
  const sources: MetricSources = {
    status: () => STATUS,
    ready: () => ({ ready: true }),
    partitions: () => [
      {
        partition: 2,
        appendedSeq: 7,
        aggregatedSeq: 6,
        storedSeq: 5,
        watermarkMs: 4_000,
        waiting: { vms: 3, minutes: 400, samples: 5 },
        checkpointAtMs: null,
      },
    ],
    vmsMax: 100,
    ...change,
  };
  return (await metricsOf(sources).metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('metrics', () => {
  it('show the status, the partitions and whether the process is ready', async () => {
    expect((await scraped()).sort()).toEqual(
      [
        'uptally_log_appended_samples 10',
        'uptally_log_aggregated_samples 9',
        'uptally_log_stored_samples 8',
        'uptally_watermark_seconds 1700000000.5',
        'uptally_vms 3',
        'uptally_vms_max 100',
        'uptally_samples_accepted 9',
        'uptally_samples_applied 7',
        'uptally_samples_duplicate 1',
        'uptally_samples_conflict 1',
        'uptally_samples_late 2',
        'uptally_samples_quarantined 1',
        'uptally_samples_rejected{code="bad_vm"} 4',
        'uptally_partition_appended_offset{partition="2"} 7',
        'uptally_partition_aggregated_offset{partition="2"} 6',
        'uptally_partition_stored_offset{partition="2"} 5',
        'uptally_partition_lag_records{partition="2"} 2',
        'uptally_partition_waiting_vms{partition="2"} 3',
        'uptally_partition_waiting_minutes{partition="2"} 400',
        'uptally_partition_watermark_seconds{partition="2"} 4',
        'uptally_ready 1',
      ].sort(),
    );
  });

  it('ask each source once a scrape', async () => {
    let asked = 0;
    const registry = metricsOf({
      status: () => {
        asked++;
        return Promise.resolve(STATUS);
      },
      ready: () => ({ ready: false }),
      partitions: () => [],
      vmsMax: 1,
    });
    await registry.metrics();
    expect(asked).toBe(1);
    await registry.metrics();
    expect(asked).toBe(2);
  });

  it('leave out what cannot be read, and show the rest', async () => {
    const lines = await scraped({
      status: () => Promise.reject(new Error('ClickHouse is away')),
      ready: () => ({ ready: false }),
    });
    expect(lines).toContain('uptally_ready 0');
    expect(lines).toContain('uptally_partition_stored_offset{partition="2"} 5');
    expect(lines.filter((line) => line.startsWith('uptally_log_') || line.startsWith('uptally_samples_'))).toEqual([]);
  });

  it('forget a partition that is not here any longer, and name why one is halted', async () => {
    let healths = [
      {
        partition: 0,
        appendedSeq: 1,
        aggregatedSeq: 1,
        storedSeq: 1,
        watermarkMs: null,
        waiting: { vms: 0, minutes: 0, samples: 0 },
        checkpointAtMs: 9_000,
        halted: 'capacity_full',
      },
    ];
    const registry = metricsOf({ status: () => STATUS, ready: () => ({ ready: true }), partitions: () => healths, vmsMax: 1 });
    const text = await registry.metrics();
    expect(text).toContain('uptally_partition_halted{partition="0",reason="capacity_full"} 1');
    expect(text).toContain('uptally_partition_checkpoint_seconds{partition="0"} 9');
    healths = [];
    expect(await registry.metrics()).not.toContain('partition="0"');
  });
});
