/** JSON of senders: read whole, then looked at member by member, since nothing of it can be relied upon. */
import { isUtf8 } from 'node:buffer';
import { MalformedError } from './protobuf.ts';

/** A JSON object whose members are not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** How deep objects are looked into for labels, and how many labels there may be. */
const DEPTH_MAX = 4;
const LABELS_MAX = 1024;

/** Throws MalformedError where a body is no JSON in UTF-8. */
export function jsonOf(body: readonly Uint8Array[]): unknown {
  const bytes = Buffer.concat(body);
  if (!isUtf8(bytes)) throw new MalformedError('it is not UTF-8');
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown;
  } catch (error) {
    throw new MalformedError(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list of objects. Throws MalformedError, naming what it should be. */
export function objectsOf(value: unknown, what: string): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isObject)) throw new MalformedError(`${what} is no list of objects`);
  return value;
}

export function textIn(object: JsonObject, member: string): string | undefined {
  const value = object[member];
  return typeof value === 'string' ? value : undefined;
}

/** A number or a truth as text, as a label has it; undefined of what is neither that nor text. */
export function labelOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Adds what an object says to labels, with a point between a name and what is within it. */
export function addLabels(labels: Map<string, string>, prefix: string, object: JsonObject, depth = 1): void {
  for (const [name, value] of Object.entries(object)) {
    if (labels.size >= LABELS_MAX) throw new MalformedError(`it has more than ${LABELS_MAX} labels`);
    const text = labelOf(value);
    if (text !== undefined) labels.set(`${prefix}${name}`, text);
    else if (isObject(value) && depth < DEPTH_MAX) addLabels(labels, `${prefix}${name}.`, value, depth + 1);
  }
}
