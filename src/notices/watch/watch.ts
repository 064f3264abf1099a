import type { BillingContext } from '../../billing/context.ts';
import type { NoticeDraft } from '../record/notice.ts';

/** What a look begins with. */
export interface Look {
  readonly context: BillingContext;
  /** By the clock that is billed by. */
  readonly nowMs: number;
  /** Nothing that began before this is told of: notices were not there yet. */
  readonly sinceMs: number;
  /** Of outages and silences, how long they last before they are told of. */
  readonly outageMs: number;
}

/**
 * Something that comes true with time, by what is on record: nobody writes it down when it does. A look finds what is true now, and finds it again as long as it
 * is; that it is told of once is its id's doing.
 */
export interface Watch {
  readonly name: string;
  readonly everyMs: number;
  look(look: Look): AsyncIterable<readonly NoticeDraft[]>;
}
