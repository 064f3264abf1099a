/** Sources in force, as those who receive ask for them: by id, and by the instant that a point is about. */
import type { Protocol } from './mapping.ts';
import type { Source } from './source.ts';
import { SourceCounts } from './source-counts.ts';

/** A version of a source. */
export interface SourceVersion {
  readonly fromMs: number;
  readonly source: Source;
}

export class SourceInForce {
  readonly id: string;
  readonly protocol: Protocol;
  readonly counts: SourceCounts;
  readonly #versions: readonly SourceVersion[];

  /** @param versions at least one, ascending by `fromMs` */
  constructor(id: string, versions: readonly SourceVersion[], counts = new SourceCounts()) {
    const last = versions.at(-1);
    if (last === undefined) throw new Error(`source ${id} has no version`);
    this.id = id;
    this.protocol = last.source.mapping.protocol;
    this.#versions = versions;
    this.counts = counts;
  }

  /** Names of the keys that feed it, whatever path they post to. */
  get keys(): readonly string[] {
    return this.#versions.at(-1)?.source.mapping.keys ?? [];
  }

  /** Whether any version has replicas that tell the same. */
  get hasReplicas(): boolean {
    return this.#versions.some(({ source }) => source.mapping.replica !== null);
  }

  /** The version that holds at an instant: the last that has begun, before the first one began the first. */
  at(ms: number): Source {
    const found = this.#versions.findLast(({ fromMs }) => fromMs <= ms) ?? this.#versions[0];
    if (found === undefined) throw new Error('a source has at least one version');
    return found.source;
  }
}

/** Where sources are found. */
export interface Sources {
  /** Undefined: there is none of this id. */
  find(id: string): SourceInForce | undefined;
  /** The one that a key of this name feeds, of a protocol; undefined: none says so. */
  ofKey?(name: string, protocol: Protocol): SourceInForce | undefined;
}

export const NO_SOURCES: Sources = { find: () => undefined };
