/** What an admin had forgotten: names of VMs that no account has. The entry is durable before its mark is in the log, which says from where on it holds. */
import { z } from 'zod';
import type { Journal } from '../journal/journal.ts';
import type { Store } from '../store/store.ts';
import type { EventBook } from './event-book.ts';
import type { IncidentBook } from './incident-book.ts';
import type { SilenceBook } from './silence-book.ts';

/** Names in one entry; more are several entries. */
export const FORGOTTEN_NAMES_MAX = 10_000;

/** A forgetting as it is kept. */
export const forgettingBody = z.strictObject({ vms: z.array(z.string()).min(1).max(FORGOTTEN_NAMES_MAX) });
export type ForgettingBody = z.infer<typeof forgettingBody>;

export interface Forgetting {
  readonly seq: bigint;
  readonly vms: readonly string[];
}

/** The forgettings after an entry of the catalog and up to another, one after the other. */
export async function* readForgettings(store: Store, afterSeq: bigint, upToSeq: bigint): AsyncGenerator<Forgetting> {
  for (let after = afterSeq; ;) {
    const [row] = await store.rows<{ seq: string; body: string }>(
      `SELECT toString(catalog.seq) AS seq, body FROM catalog
       WHERE kind = 'forgetting' AND catalog.seq > {after:UInt64} AND catalog.seq <= {upTo:UInt64} ORDER BY catalog.seq LIMIT 1`,
      { after: after.toString(), upTo: upToSeq.toString() },
    );
    if (row === undefined) return;
    after = BigInt(row.seq);
    yield { seq: after, vms: forgettingBody.parse(JSON.parse(row.body)).vms };
  }
}

/** What names VMs, so that what is stored of them is evidence. */
interface NamedIn {
  vm(id: string): unknown;
  readonly events: Pick<EventBook, 'allOf'>;
  readonly incidents: Pick<IncidentBook, 'names'>;
  readonly silences: Pick<SilenceBook, 'names'>;
}

/** Having names forgotten. What was forgotten nobody keeps in memory: aggregators read it when its mark comes up in the log. */
export class Forgettings {
  readonly #journal: Journal;
  readonly #named: NamedIn;

  constructor(journal: Journal, named: NamedIn) {
    this.#journal = journal;
    this.#named = named;
  }

  /** The number of the last entry that forgets names; 0 before the first. */
  get lastSeq(): bigint {
    return this.#journal.lastSeqOf('forgetting');
  }

  /** Whether the catalog has or had a VM of this name, or an event, an incident or a judged silence names it: then it is never forgotten. */
  isKept(vm: string): boolean {
    return (
      this.#named.vm(vm) !== undefined ||
      this.#named.events.allOf(vm).length > 0 ||
      this.#named.incidents.names(vm) ||
      this.#named.silences.names(vm)
    );
  }

  /** Has names forgotten, with all that is stored of them. @param refusal what is thrown where some are kept */
  async record(vms: readonly string[], refusal: (kept: readonly string[]) => Error, by: string): Promise<void> {
    const id = this.#journal.newId();
    await this.#journal.write(by, () => {
      const kept = vms.filter((vm) => this.isKept(vm));
      if (kept.length > 0) throw refusal(kept);
      return [{ kind: 'forgetting', id, body: JSON.stringify({ vms: [...vms] } satisfies ForgettingBody) }];
    });
  }
}
