/**
 * Bounds on the shape of a JSON body, looked at before its schema is: a schema says something of every wrong element, so a body of a megabyte
 * could become an answer of many, and a deep one could exhaust the stack of whatever walks it.
 */

/** A terms sheet, the deepest of what is taken, nests eight deep. */
export const JSON_DEPTH_MAX = 32;
/** Objects, lists and plain values together; an incident that names 10,000 VMs has a few more than those. */
export const JSON_VALUES_MAX = 50_000;

/** What is wrong with the shape of a value that came as JSON; undefined if nothing is. Takes no stack, and stops at the first fault. */
export function shapeFault(value: unknown): string | undefined {
  let level = [value];
  let seen = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > JSON_DEPTH_MAX) return `it is nested deeper than ${JSON_DEPTH_MAX}`;
    seen += level.length;
    if (seen > JSON_VALUES_MAX) return `it holds more than ${JSON_VALUES_MAX.toLocaleString('en')} values`;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? (Object.values(each) as unknown[]) : []));
  }
  return undefined;
}
