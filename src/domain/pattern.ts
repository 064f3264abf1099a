/** Whether a name matches any pattern; `*` stands for any number of characters. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((each) => matches(each, name));
}

/** Takes each piece at its first place: with `*` as the only wildcard that never misses a match, and never backtracks. */
function matches(glob: string, text: string): boolean {
  const pieces = glob.split('*');
  const [head = '', ...rest] = pieces;
  const tail = rest.pop();
  if (tail === undefined) return glob === text;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let at = head.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= text.length - tail.length;
}
