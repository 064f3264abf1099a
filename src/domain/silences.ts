/** A silence of a VM; `endMs` is null while it lasts. */
export interface Silence {
  readonly vm: string;
  readonly startMs: number;
  readonly endMs: number | null;
}

/**
 * Those of one agent's silences that began together, which makes one cause likely: in order of their starts, a silence belongs to the group before
 * it if it began within `withinMs` of the group's first and while that one was still silent. Where nothing begins for longer than `withinMs` groups
 * begin anew, so what lies before says nothing about what comes after, and so does the order in which samples arrived.
 */
export function fellSilentTogether(silences: readonly Silence[], withinMs: number): Silence[][] {
  const groups: Silence[][] = [];
  for (const silence of inOrder(silences)) {
    const group = groups.at(-1);
    const first = group?.[0];
    const together =
      first !== undefined && silence.startMs - first.startMs <= withinMs && silence.startMs < (first.endMs ?? Infinity);
    if (together) group?.push(silence);
    else groups.push([silence]);
  }
  return groups;
}

/** By start, then by name. */
export function inOrder<T extends Pick<Silence, 'vm' | 'startMs'>>(silences: readonly T[]): T[] {
  return [...silences].sort((a, b) => a.startMs - b.startMs || (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0));
}
