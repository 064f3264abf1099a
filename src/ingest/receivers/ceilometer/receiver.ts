/** Ceilometer's http publisher (docs.openstack.org/ceilometer): a list of samples in JSON, received and sent bytes apart, instants in UTC without saying so. */
import { parseInstant } from '../../../domain/instant.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import { addLabels, isObject, type JsonObject, labelOf, objectsOf, textIn } from '../shared/json.ts';
import { jsonReceiver } from '../shared/json-source.ts';
import type { Receiver } from '../shared/receiver.ts';
import type { Translation } from '../shared/translation.ts';

const LABELS = ['resource_id', 'project_id', 'user_id', 'source', 'counter_unit', 'counter_type'] as const;

export const ceilometerReceiver: Receiver = jsonReceiver({
  protocol: 'ceilometer',
  summary: "Take in Ceilometer's samples",
  description:
    "What the http publisher of OpenStack's Ceilometer posts. What the source's mapping wants becomes samples, the rest is left out and counted.",
  paths: [''],
  document: 'samples of Ceilometer',
  types: ['application/json'],
  takes: (type) => type === 'application/json',
  translate: (document, from, into) => {
    for (const sample of objectsOf(isObject(document) ? [document] : document, 'the body')) translateSample(sample, from, into);
  },
});

function translateSample(sample: JsonObject, from: SourceInForce, into: Translation): void {
  const name = textIn(sample, 'counter_name') ?? textIn(sample, 'name') ?? '';
  const value = sample['counter_volume'] ?? sample['volume'];
  const { resource_metadata: metadata, timestamp } = sample;
  const labels = new Map<string, string>();
  for (const label of LABELS) {
    const text = labelOf(sample[label]);
    if (text !== undefined) labels.set(label, text);
  }
  if (isObject(metadata)) addLabels(labels, 'resource_metadata.', metadata);
  const atMs = instantOf(timestamp);
  const source = from.at(atMs ?? 0);
  const series = source.series(name, labels);
  if (series.kind !== 'taken') into.add(series);
  else if (atMs === undefined) into.reject('bad_ts', 'the sample has no instant');
  else if (typeof value !== 'number') into.reject('bad_counter', 'counter_volume is no number');
  else into.addValue(series, value, atMs, null);
}

/** RFC 3339, or the same without an offset, which is UTC; cut to milliseconds. */
function instantOf(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const written = text.replace(' ', 'T');
  return parseInstant(/(?:[Zz]|[+-]\d{2}:\d{2})$/.test(written) ? written : `${written}Z`);
}
