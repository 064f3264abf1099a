/**
 * CloudEvents over HTTP (cloudevents/spec, http-protocol-binding.md 1.0): an event in a body of JSON (structured), several (batch), or its data alone with
 * what else it says in headers (binary). Whoever posts to OpenMeter changes the URL.
 */
import { parseInstant } from '../../../domain/instant.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import { addLabels, isObject, type JsonObject, labelOf, objectsOf, textIn } from '../shared/json.ts';
import { jsonReceiver } from '../shared/json-source.ts';
import { MalformedError } from '../shared/protobuf.ts';
import type { Receiver, RequestHead } from '../shared/receiver.ts';
import type { Translation } from '../shared/translation.ts';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

export const cloudeventsReceiver: Receiver = jsonReceiver({
  protocol: 'cloudevents',
  summary: 'Take in CloudEvents',
  description:
    "Structured, batch or binary mode. What the source's mapping wants becomes samples, the rest is left out and counted. Events need a `time`.",
  paths: ['', '/api/v1/events'],
  ownPaths: ['/api/v1/events'],
  document: 'CloudEvents',
  types: [STRUCTURED, BATCH, 'application/json'],
  takes: (type) => type === STRUCTURED || type === BATCH || type === 'application/json',
  translate: (document, from, into, { headers }) => {
    for (const event of eventsIn(document, headers)) translateEvent(event, from, into);
  },
});

function eventsIn(document: unknown, headers: RequestHead['headers']): readonly JsonObject[] {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === BATCH) return objectsOf(document, 'a batch');
  if (headers['ce-specversion'] !== undefined) return [{ ...attributesIn(headers), data: document }];
  if (!isObject(document)) throw new MalformedError('an event is a JSON object, and several come as a batch');
  return [document];
}

/** Attributes of an event in binary mode: headers that begin with ce-, percent-encoded. */
function attributesIn(headers: RequestHead['headers']): JsonObject {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-') || typeof value !== 'string') continue;
    try {
      attributes[name.slice('ce-'.length)] = decodeURIComponent(value);
    } catch {
      throw new MalformedError(`header ${name} is not percent-encoded as it should be`);
    }
  }
  return attributes;
}

function translateEvent(event: JsonObject, from: SourceInForce, into: Translation): void {
  const { specversion, data, time } = event;
  const [id, source, type] = [textIn(event, 'id'), textIn(event, 'source'), textIn(event, 'type')];
  if (specversion !== '1.0') throw new MalformedError('specversion is not 1.0');
  if (!id || !source || !type) throw new MalformedError('an event has id, source and type');
  const labels = new Map<string, string>();
  for (const [name, value] of Object.entries(event)) {
    const text = labelOf(value);
    if (text !== undefined && name !== 'data') labels.set(name, text);
  }
  if (isObject(data)) addLabels(labels, 'data.', data);
  const atMs = typeof time === 'string' ? parseInstant(time) : undefined;
  // when it came would be another instant each time that it is sent
  if (atMs === undefined) into.reject('bad_ts', 'the event has no time, or none that is RFC 3339');
  else into.add(from.at(atMs).line(type, atMs, labels));
}
