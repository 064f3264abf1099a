import { CONDITIONS, conditionOf } from '../../domain/condition.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { BucketRow, OutageInterval } from '../../domain/timeline.ts';
import { MINUTE_MS } from '../../domain/zone.ts';
import type { TrafficRow } from '../../query/traffic.ts';

/** Rows of queries as the API writes them. */

export function uptimeJson(row: BucketRow): Record<string, unknown> {
  const down: Record<string, number> = {};
  for (const [code, ms] of row.downMs.entries()) if (ms > 0) down[CONDITIONS[code] ?? ''] = ms;
  return {
    start: formatInstant(row.startMinute * MINUTE_MS),
    up_ms: row.upMs,
    down_ms: down,
    silent_ms: row.silentMs,
    unavailable_minutes: row.unavailableMinutes,
    credit_nanos: row.creditNanos,
  };
}

export function trafficJson(row: TrafficRow): Record<string, unknown> {
  return { start: formatInstant(row.startMinute * MINUTE_MS), rx_bytes: row.rxBytes, tx_bytes: row.txBytes };
}

export function outageJson(outage: OutageInterval): Record<string, unknown> {
  return {
    start: formatInstant(outage.startMs),
    end: outage.endMs === null ? null : formatInstant(outage.endMs),
    cause: conditionOf(outage.condition),
    duration_ms: outage.endMs === null ? null : outage.endMs - outage.startMs,
  };
}
