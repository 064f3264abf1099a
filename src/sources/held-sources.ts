/** Sources in memory, made ready as they are told: of the journal's projection, and of a process that is told by another. */
import { z } from 'zod';
import { ProblemError } from '../problems/problem.ts';
import { mappingOf, type Protocol, sourceBody } from './mapping.ts';
import { preset } from './presets.ts';
import { Replicas } from './replicas/replicas.ts';
import { Source } from './source.ts';
import { SourceCounts } from './source-counts.ts';
import { SourceInForce, type Sources, type SourceVersion } from './sources.ts';

/** A source as it stands in the journal: every entry has all versions. */
export const storedSource = z.strictObject({
  versions: z.array(
    z.strictObject({ body: sourceBody, from: z.int().nonnegative(), recorded: z.strictObject({ at: z.int(), by: z.string() }) }),
  ),
  deleted: z.boolean(),
});
export type StoredSource = z.infer<typeof storedSource>;
export type RecordedVersion = StoredSource['versions'][number];

/** Sources by id, to be told to another process. */
export type ToldSources = readonly (readonly [id: string, stored: StoredSource])[];

interface Held {
  readonly stored: StoredSource;
  readonly inForce: SourceInForce;
}

export class HeldSources implements Sources {
  readonly #held = new Map<string, Held>();
  #byKey: ReadonlyMap<string, SourceInForce> | undefined;
  /** Counts of a source go on when it changes, and when it is deleted and made again. */
  readonly #counts = new Map<string, SourceCounts>();
  /** Of all sources, which replicas are heard. */
  readonly replicas: Replicas;

  constructor(replicas = new Replicas()) {
    this.replicas = replicas;
  }

  /** Takes in what is on record of a source. */
  take(id: string, stored: StoredSource): void {
    this.#byKey = undefined;
    if (stored.deleted) this.#held.delete(id);
    else {
      const versions = stored.versions.map((version) => ready(id, version, this.replicas));
      this.#held.set(id, { stored, inForce: new SourceInForce(id, versions, this.countsOf(id)) });
    }
  }

  /** Takes in what another process has: what is not among it is gone. */
  replace(told: ToldSources): void {
    const ids = new Set(told.map(([id]) => id));
    this.#byKey = undefined;
    for (const id of this.#held.keys()) if (!ids.has(id)) this.#held.delete(id);
    for (const [id, stored] of told) this.take(id, stored);
  }

  all(): ToldSources {
    return [...this.#held].map(([id, { stored }]) => [id, stored] as const);
  }

  find(id: string): SourceInForce | undefined {
    return this.#held.get(id)?.inForce;
  }

  ofKey(name: string, protocol: Protocol): SourceInForce | undefined {
    // as they were told last: a look at each costs less than a post
    this.#byKey ??= keysOf(this.#held.values());
    return this.#byKey.get(`${protocol} ${name}`);
  }

  /** The versions of a source, ascending by `from`. Throws `source_unknown`. */
  versions(id: string): readonly RecordedVersion[] {
    const found = this.#held.get(id);
    if (found === undefined) throw new ProblemError('source_unknown', `there is no source ${id}`, { source: id });
    return found.stored.versions;
  }

  /** Ids, sorted. */
  ids(): string[] {
    return [...this.#held.keys()].sort();
  }

  /** What became of what a source sent; of one that is not there it begins here. */
  countsOf(id: string): SourceCounts {
    const known = this.#counts.get(id);
    if (known !== undefined) return known;
    const made = new SourceCounts();
    this.#counts.set(id, made);
    return made;
  }

  /** Every source that anything was counted of. */
  counted(): ReadonlyMap<string, SourceCounts> {
    return this.#counts;
  }
}

function keysOf(held: Iterable<Held>): ReadonlyMap<string, SourceInForce> {
  return new Map(
    [...held].flatMap(({ inForce }) => inForce.keys.map((name) => [`${inForce.protocol} ${name}`, inForce] as const)),
  );
}

function ready(id: string, { body, from }: RecordedVersion, replicas: Replicas): SourceVersion {
  const mapping = mappingOf(body, preset);
  if (!('protocol' in mapping))
    throw new Error(`a source cannot be used by this version of the product: ${JSON.stringify(mapping)}`);
  return { fromMs: from, source: new Source(mapping, (...replica) => replicas.candidate(id, ...replica)) };
}
