/** Labels of a series, checked as remote write wants them: each name once and in order, and a name of the series. */
import { MalformedError } from '../shared/protobuf.ts';

const LABELS_MAX = 256;

export class LabelSet {
  readonly #labels = new Map<string, string>();
  #last = '';
  #problem: string | undefined;
  /** A name stands twice, or one is missing: there is no saying what the series is. */
  unclear = false;

  add(name: string, value: string): void {
    if (this.#labels.size >= LABELS_MAX) throw new MalformedError(`a series has more than ${LABELS_MAX} labels`);
    if (name === '' || this.#labels.has(name)) {
      this.unclear = true;
      this.#problem ??= name === '' ? 'a label has no name' : `label ${name} stands twice`;
    }
    if (name < this.#last) this.#problem ??= `labels are not in order: ${name} after ${this.#last}`;
    this.#labels.set(name, value);
    this.#last = name;
  }

  /** What is wrong with the set, in a few words. */
  get problem(): string | undefined {
    return this.#problem ?? (this.name === '' ? 'a series has no name' : undefined);
  }

  get name(): string {
    return this.#labels.get('__name__') ?? '';
  }

  get all(): ReadonlyMap<string, string> {
    return this.#labels;
  }
}
