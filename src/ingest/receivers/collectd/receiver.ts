/**
 * collectd's write_http in JSON (collectd.org, "JSON"): value lists, each with the values of one instant, which stands in seconds. It sends once and drops
 * what is refused: a relay on the host keeps it.
 */
import type { SourceInForce } from '../../../sources/sources.ts';
import { type JsonObject, objectsOf, textIn } from '../shared/json.ts';
import { jsonReceiver } from '../shared/json-source.ts';
import { MalformedError } from '../shared/protobuf.ts';
import type { Receiver } from '../shared/receiver.ts';
import type { Translation } from '../shared/translation.ts';

const LABELS = ['host', 'plugin', 'plugin_instance', 'type_instance'] as const;

export const collectdReceiver: Receiver = jsonReceiver({
  protocol: 'collectd',
  summary: "Take in collectd's write_http",
  description:
    "Value lists in JSON (Format JSON). What the source's mapping wants becomes samples, the rest is left out and counted.",
  paths: [''],
  document: 'value lists of collectd',
  types: ['application/json'],
  takes: (type) => type === 'application/json' || type === '',
  translate: (document, from, into) => {
    for (const list of objectsOf(document, 'the body')) translateList(list, from, into);
  },
});

function translateList(list: JsonObject, from: SourceInForce, into: Translation): void {
  const { time, values, dsnames } = list;
  const type = textIn(list, 'type');
  if (
    typeof time !== 'number' ||
    type === undefined ||
    !Array.isArray(values) ||
    !Array.isArray(dsnames) ||
    values.length !== dsnames.length
  )
    throw new MalformedError('a value list has no time, type, values or dsnames');
  const labels = new Map<string, string>();
  for (const label of LABELS) labels.set(label, textIn(list, label) ?? '');
  for (const [i, value] of values.entries()) {
    const name: unknown = dsnames[i];
    // null is collectd's way to write NaN
    if (typeof name === 'string' && typeof value === 'number') labels.set(name, String(value));
  }
  const atMs = Math.round(time * 1000);
  if (!(atMs >= 0 && Number.isSafeInteger(atMs)))
    into.reject('bad_ts', 'the instant is before 1970 or beyond what a clock shows');
  else into.add(from.at(atMs).line(type, atMs, labels));
}
