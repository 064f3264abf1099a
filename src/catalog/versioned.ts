/** A thing in the catalog as it now stands. */
export interface Versioned<T> {
  id: string;
  seq: bigint;
  recordedAtMs: number;
  recordedBy: string;
  body: T;
}
