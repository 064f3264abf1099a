import { existsSync } from 'node:fs';

/**
 * Named points at which a test stops the process for good, as a power cut or an operator's kill -9 would. UPTALLY_TEST_CRASH=point or
 * point:n (the n-th time it is passed) or point:n:file (the n-th time after the file has appeared); nothing is there in normal operation but a comparison with undefined.
 */
export const FAULT_POINTS = [
  'before-append',
  'after-append',
  'before-flush',
  'during-flush',
  'after-flush',
  'before-answer',
  'after-answer',
  'before-aggregate',
  'after-aggregate',
  'before-insert-samples',
  'after-insert-samples',
  'before-insert-uptime',
  'after-insert-uptime',
  'before-insert-traffic',
  'after-insert-traffic',
  'before-insert-outages',
  'after-insert-outages',
  'before-insert-anomalies',
  'after-insert-anomalies',
  'before-repair',
  'after-repair',
  'before-checkpoint',
  'during-checkpoint',
  'after-checkpoint',
  'before-trim',
  'after-trim',
] as const;

/** While documents are numbered and written; no load of samples passes them. The two of the insert are the embedded store's. */
export const BOOKS_FAULT_POINTS = [
  'before-number',
  'after-number',
  'before-catalog-insert',
  'during-catalog-insert',
  'after-catalog-insert',
  'before-books-answer',
] as const;

/** While entries of the journal are delivered to a follower. */
export const FOLLOW_FAULT_POINTS = ['after-deliver', 'after-keep-position'] as const;

/** Between a state and what its receivers are told of it. */
export const NOTICES_FAULT_POINTS = [
  'before-notices',
  'after-notices',
  'after-pending',
  'before-post',
  'after-post',
  'after-delivered',
] as const;

/** While names are forgotten. */
export const NAMES_FAULT_POINTS = ['before-forget', 'during-forget', 'after-forget'] as const;

/** While a log is named for the first time or replaced, or a part of it is let pass: of `uptally log`, and of a start that names or adopts a log. */
export const LOG_FAULT_POINTS = [
  'after-log-made',
  'after-gap',
  'after-log-progress',
  'after-log-id',
  'after-log-topic',
  'after-log-acknowledged',
  'after-log-named',
  'after-log-aside',
  'after-log-moved',
] as const;

const POINTS = [
  ...FAULT_POINTS,
  ...BOOKS_FAULT_POINTS,
  ...FOLLOW_FAULT_POINTS,
  ...NOTICES_FAULT_POINTS,
  ...NAMES_FAULT_POINTS,
  ...LOG_FAULT_POINTS,
] as const;
export type FaultPoint = (typeof POINTS)[number];

/** What normal operation has. */
export const NO_FAULTS: Faults = { at: () => undefined };

export interface Faults {
  at(point: FaultPoint): void;
}

/** No faults, or the one that the environment asks for. An unknown point is refused: a test that crashes nowhere proves nothing. */
export function faultsOf(env: Readonly<Record<string, string | undefined>>, kill: () => void): Faults {
  const asked = env['UPTALLY_TEST_CRASH'];
  if (asked === undefined || asked === '') return NO_FAULTS;
  const [name, nth = '1', ...rest] = asked.split(':');
  const signal = rest.join(':');
  const armed = (): boolean => signal === '' || existsSync(signal);
  if (!POINTS.some((point) => point === name)) throw new Error(`UPTALLY_TEST_CRASH names no point: ${asked}`);
  let left = Number(nth);
  return {
    at(point) {
      if (point === name && armed() && --left === 0) kill();
    },
  };
}
