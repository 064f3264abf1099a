/** `ExportMetricsServiceRequest` in JSON (protobuf's JSON mapping: integers of 64 bits as text, which some senders write as numbers). */
import { isObject, type JsonObject, labelOf, objectsOf, textIn } from '../shared/json.ts';
import { MalformedError } from '../shared/protobuf.ts';
import type { OtlpPoint } from './points.ts';

/** Hands over every number's data point. Throws MalformedError. */
export function readJson(document: unknown, onPoint: (point: OtlpPoint) => void): void {
  if (!isObject(document)) throw new MalformedError('it is no JSON object');
  for (const resourceMetrics of objectsOf(document['resourceMetrics'], 'resourceMetrics')) {
    const { resource } = resourceMetrics;
    const shared = new Map<string, string>();
    if (isObject(resource)) addAttributes(shared, resource);
    for (const scope of objectsOf(resourceMetrics['scopeMetrics'], 'scopeMetrics'))
      for (const metric of objectsOf(scope['metrics'], 'metrics')) readMetric(metric, shared, onPoint);
  }
}

function readMetric(metric: JsonObject, shared: ReadonlyMap<string, string>, onPoint: (point: OtlpPoint) => void): void {
  const { gauge, sum } = metric;
  const data = isObject(gauge) ? gauge : isObject(sum) ? sum : undefined;
  if (data === undefined) return;
  const temporality = data['aggregationTemporality'];
  const isDelta = temporality === 1 || temporality === 'AGGREGATION_TEMPORALITY_DELTA';
  for (const point of objectsOf(data['dataPoints'], 'dataPoints')) {
    const labels = new Map(shared);
    addAttributes(labels, point);
    onPoint({
      name: textIn(metric, 'name') ?? '',
      labels,
      value: valueOf(point),
      atNanos: integerOf(point['timeUnixNano'], 'timeUnixNano'),
      isDelta,
      isStale: integerOf(point['flags'], 'flags') % 2n === 1n,
    });
  }
}

function addAttributes(labels: Map<string, string>, from: JsonObject): void {
  for (const { key, value } of objectsOf(from['attributes'], 'attributes') as readonly { key?: unknown; value?: unknown }[]) {
    if (typeof key !== 'string' || !isObject(value)) continue;
    const text = labelOf(value['stringValue'] ?? value['intValue'] ?? value['doubleValue'] ?? value['boolValue']);
    if (text !== undefined) labels.set(key, text);
  }
}

function valueOf({ asInt, asDouble }: JsonObject): number | bigint {
  if (asInt !== undefined && asInt !== null) return integerOf(asInt, 'asInt');
  const value = typeof asDouble === 'string' ? Number(asDouble) : (asDouble ?? 0);
  if (typeof value !== 'number') throw new MalformedError('asDouble is no number');
  return value;
}

/** A whole number, as text or as a number; where it is missing it is 0. */
function integerOf(value: unknown, what: string): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw new MalformedError(`${what} is no whole number`);
}
