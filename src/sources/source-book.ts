/**
 * All sources on record, with every version. A version holds from its instant: what a sender told of before means what it meant then, also when it is
 * sent again.
 */
import type { Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { fieldProblem, oneFieldProblem } from '../problems/field-problems.ts';
import { ProblemError } from '../problems/problem.ts';
import { HeldSources, type RecordedVersion, type StoredSource, storedSource } from './held-sources.ts';
import { mappingOf, type SourceBody } from './mapping.ts';
import { preset } from './presets.ts';
import type { Replicas } from './replicas/replicas.ts';

/** Versions a source may have: whoever changes it more often makes another source. */
const VERSIONS_MAX = 200;

export class SourceBook extends HeldSources implements Projection {
  readonly reading = { source: 'whole' } as const;
  readonly #journal: Journal;
  /** Called when a source was made, changed or deleted, by whichever process. */
  onChange: () => void = () => undefined;

  constructor(journal: Journal, replicas?: Replicas) {
    super(replicas);
    this.#journal = journal;
  }

  apply(entry: Entry): void {
    this.take(entry.id, storedSource.parse(JSON.parse(entry.body)));
    this.onChange();
  }

  /**
   * Records a version, which holds from an instant that has not passed; the first of a source holds for all that is sent. The same content as the
   * version before is no new one. Throws `invalid_body` where the mapping cannot be used, `source_conflict` where it cannot follow the one before.
   */
  async put(id: string, body: SourceBody, fromMs: number | null, by: string): Promise<readonly RecordedVersion[]> {
    const mapping = mappingOf(body, preset);
    if (!('protocol' in mapping)) throw fieldProblem('invalid_body', mapping);
    await this.#journal.write(by, (nowMs) => {
      const before = this.find(id);
      const versions = before === undefined ? [] : this.versions(id);
      const last = versions.at(-1);
      if (last !== undefined && JSON.stringify(last.body) === JSON.stringify(body)) return [];
      if (before !== undefined && before.protocol !== mapping.protocol)
        throw new ProblemError(
          'source_conflict',
          `source ${id} is of protocol ${before.protocol}; make another source for ${mapping.protocol}`,
        );
      for (const name of mapping.keys) {
        const other = this.ofKey(name, mapping.protocol);
        if (other !== undefined && other.id !== id)
          throw new ProblemError('source_conflict', `key ${name} feeds source ${other.id}, of the same protocol`);
      }
      if (versions.length >= VERSIONS_MAX)
        throw new ProblemError(
          'source_conflict',
          `source ${id} has ${VERSIONS_MAX} versions, as many as it may have; make another source`,
        );
      const from = fromMs ?? nowMs;
      if (last !== undefined && from < Math.max(nowMs, last.from))
        throw oneFieldProblem(
          'invalid_body',
          'from',
          'has passed, or another version begins later: what was sent since would mean something else when it is sent again',
        );
      const next = { body, from, recorded: { at: nowMs, by } };
      const stored: StoredSource = { versions: [...versions.filter((version) => version.from < from), next], deleted: false };
      return [{ kind: 'source', id, body: JSON.stringify(stored) }];
    });
    return this.versions(id);
  }

  /** Deletes a source; what came of what it sent stays. Throws `source_unknown`. */
  async remove(id: string, by: string): Promise<void> {
    await this.#journal.write(by, () => {
      const stored: StoredSource = { versions: [...this.versions(id)], deleted: true };
      return [{ kind: 'source', id, body: JSON.stringify(stored) }];
    });
  }
}
