import type { Entry } from './entry.ts';
import type { Projection } from './journal.ts';

/** The kind of the entries that say who holds a lease. */
export const LEASE_KIND = 'lease';

/** Who holds a lease; each who takes it does so in a term of his own. */
export interface Tenure {
  /** null: it was given back. */
  readonly holder: string | null;
  /** From 1. */
  readonly term: number;
}

/** Who holds which lease, by all entries so far. */
export class LeaseBook implements Projection {
  readonly reading = { [LEASE_KIND]: 'whole' } as const;
  readonly #tenures = new Map<string, Tenure>();

  apply(entry: Entry): void {
    this.#tenures.set(entry.id, tenureOf(entry.body));
  }

  /** Of a lease that nobody ever held the term is 0. */
  of(name: string): Tenure {
    return this.#tenures.get(name) ?? { holder: null, term: 0 };
  }
}

function tenureOf(body: string): Tenure {
  const { holder, term }: Partial<Record<keyof Tenure, unknown>> = JSON.parse(body) as object;
  if ((typeof holder === 'string' || holder === null) && typeof term === 'number') return { holder, term };
  throw new Error(`no tenure of a lease: ${body}`);
}
