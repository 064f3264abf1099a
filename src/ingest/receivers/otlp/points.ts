/** A data point of OTLP metrics, in protobuf or in JSON: name, attributes of the resource and its own, value, instant. */
import type { SourceInForce } from '../../../sources/sources.ts';
import type { Translation } from '../shared/translation.ts';

export interface OtlpPoint {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number | bigint;
  readonly atNanos: bigint;
  /** AGGREGATION_TEMPORALITY_DELTA: what was counted since the last time. */
  readonly isDelta: boolean;
  /** Flag 0, NO_RECORDED_VALUE: the series has ended. */
  readonly isStale: boolean;
}

const NANOS_A_MS = 1_000_000n;

export function addPoint(
  { name, labels, value, atNanos, isDelta, isStale }: OtlpPoint,
  from: SourceInForce,
  into: Translation,
): void {
  const atMs = Number(atNanos / NANOS_A_MS);
  const source = from.at(atMs);
  const series = source.series(name, labels);
  if (series.kind !== 'taken') into.add(series);
  else if (isStale) into.count('stale');
  else if (atNanos <= 0n) into.reject('bad_ts', 'the point has no instant');
  else if (isDelta && series.target.part !== 'state')
    into.reject(
      'delta_temporality',
      'what was counted since the last time is no counter: set the exporter to cumulative temporality',
    );
  else into.addValue(series, value, atMs, null);
}
