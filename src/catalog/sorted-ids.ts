/** The ids of a growing map, in order: sorted again only where one has come since, as none ever goes. */
export class SortedIds {
  readonly #things: ReadonlyMap<string, unknown>;
  #sorted: readonly string[] = [];

  constructor(things: ReadonlyMap<string, unknown>) {
    this.#things = things;
  }

  /** Those that come after one; all where it is undefined. */
  after(id: string | undefined): readonly string[] {
    if (this.#sorted.length !== this.#things.size) this.#sorted = [...this.#things.keys()].sort();
    if (id === undefined) return this.#sorted;
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] ?? '') <= id) low = middle + 1;
      else high = middle;
    }
    return this.#sorted.slice(low);
  }
}
