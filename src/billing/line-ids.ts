/**
 * What calls name a line of a document by. A line is told from others by its place, which never changes once a document is final, so that lines of
 * every version have an id, and none needs to be kept.
 */
export function lineIdOf(index: number): string {
  return index.toString();
}

const STRINGS_AND_BRACKETS = /"(?:[^"\\]|\\.)*"|[[\]{}]/g;

/** The kept text of a document with an `id` in each of its lines. Its integers stay exact: nothing of it is parsed into numbers. */
export function withLineIds(rest: string): string {
  let depth = 0;
  let inLines = false;
  let name = '';
  let made = '';
  let from = 0;
  let index = 0;
  for (const { 0: token, index: at } of rest.matchAll(STRINGS_AND_BRACKETS)) {
    if (token.startsWith('"')) {
      if (depth === 1) name = token;
      continue;
    }
    if (token === ']' || token === '}') {
      depth -= 1;
      if (depth === 1) inLines = false;
      continue;
    }
    depth += 1;
    if (token === '[' && depth === 2 && name === '"lines"') inLines = true;
    if (token !== '{' || depth !== 3 || !inLines) continue;
    made += `${rest.slice(from, at + 1)}"id":"${lineIdOf(index)}",`;
    from = at + 1;
    index += 1;
  }
  return made + rest.slice(from);
}
