/**
 * The conditions of a VM (SPEC §2), in the order of their codes: the same byte is used in frames, in kernel memory and
 * in every ClickHouse table.
 */
export const CONDITIONS = [
  'up',
  'provider',
  'third_party',
  'maintenance',
  'force_majeure',
  'attack',
  'customer',
  'arrears',
  'silent',
] as const;

export type Condition = (typeof CONDITIONS)[number];

/** What a sender may name as the cause of `down`: everything but `up` and `silent`. */
export const CAUSES = CONDITIONS.slice(1, 8) as readonly Exclude<Condition, 'up' | 'silent'>[];
export type Cause = (typeof CAUSES)[number];

export const UP = 0;
export const SILENT = 8;
/** Stands in place of a condition's code in a sample that says nothing about the state. */
export const NO_STATE = 9;

/** The code of a condition, 0–8. */
export function conditionCode(condition: Condition): number {
  return CONDITIONS.indexOf(condition);
}

/** The condition of a code; a code that no table may hold is a broken invariant. */
export function conditionOf(code: number): Condition {
  const condition = CONDITIONS[code];
  if (condition === undefined) throw new Error(`no condition has code ${code}`);
  return condition;
}
