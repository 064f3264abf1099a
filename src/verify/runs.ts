import type { Segment } from './model/timeline.ts';

/** Joins segments that follow each other without holes into maximal runs of one condition. */
export class Runs {
  #current: Segment | null = null;

  /** The runs that these segments end. */
  add(segments: readonly Segment[]): Segment[] {
    const ended: Segment[] = [];
    for (const segment of segments) {
      const current = this.#current;
      if (current?.condition === segment.condition) this.#current = { ...current, toMs: segment.toMs };
      else {
        if (current !== null) ended.push(current);
        this.#current = segment;
      }
    }
    return ended;
  }

  /** The run that still held where the segments end. */
  last(): Segment | null {
    return this.#current;
  }
}
