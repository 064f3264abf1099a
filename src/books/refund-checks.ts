import type { Journal } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';

/** Decisions on refunds, kept for good as they were answered. They are in the journal only: nothing is computed from all of them. */
export class RefundChecks {
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Keeps a decision; `textOf` makes its JSON text once its id and instant are known. */
  async record(textOf: (id: string, recordedAtMs: number) => string, by: string): Promise<string> {
    const id = this.#journal.newId();
    const [entry] = await this.#journal.write(by, (nowMs) => [{ kind: 'refund_check', id, body: textOf(id, nowMs) }]);
    return entry?.body ?? '';
  }

  /** The text of a decision. Throws `refund_check_unknown`. */
  async read(id: string): Promise<string> {
    const entry = await this.#journal.read('refund_check', id);
    if (entry === undefined) throw new ProblemError('refund_check_unknown', `there is no refund check ${id}`);
    return entry.body;
  }
}
