import type { Entry } from '../journal/entry.ts';

/** A thing in the catalog as it now stands. */
export interface Versioned<T> {
  id: string;
  seq: bigint;
  recordedAtMs: number;
  recordedBy: string;
  body: T;
}

export function versionOf<T>({ id, seq, recordedAtMs, recordedBy }: Entry, body: T): Versioned<T> {
  return { id, seq, recordedAtMs, recordedBy, body };
}

/** What was recorded just now. */
export function held<T>(map: ReadonlyMap<string, Versioned<T>>, id: string): Versioned<T> {
  const found = map.get(id);
  if (found === undefined) throw new Error(`${id} was recorded and is not in the view`);
  return found;
}

/** The body of a new version; undefined where the version before says the same. */
export function changedText(body: object, before: Versioned<object> | undefined): string | undefined {
  const text = JSON.stringify(body);
  return before !== undefined && JSON.stringify(before.body) === text ? undefined : text;
}
