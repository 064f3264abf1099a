import type { BillingContext } from '../billing/context.ts';
import type { JobSchedule } from './run.ts';
import type { Slot } from './slots.ts';

/** What became of one account's part of a run. */
export interface Part {
  readonly account: string;
  /** `changed`: something was recorded, or with a dry run would be. `waiting` and `failed`: it is tried again. */
  readonly outcome: 'changed' | 'nothing' | 'waiting' | 'failed';
  /** What was made, by what it is. */
  readonly counts?: Readonly<Record<string, number>>;
  /** Of what waits or failed: a code of the API's problems, and why in words. */
  readonly code?: string;
  readonly reason?: string;
}

export interface JobContext {
  readonly billing: BillingContext;
  /** What becomes of a month's invoices where an account does not say. */
  readonly invoices: 'none' | 'drafts' | 'finals';
}

export interface Turn {
  readonly slot: Slot;
  /** Accounts of the zone, by id. */
  readonly accounts: readonly string[];
  /** Says what would be done; nothing is recorded. */
  readonly dryRun: boolean;
  /** Who records it. */
  readonly by: string;
}

/**
 * A job of the scheduler. Whatever it was cut off in, the same turn again leaves nothing twice and nothing out: each thing that it records is decided in the
 * journal, by what is there.
 */
export interface Job extends JobSchedule {
  /** Does its turn, account after account; what is wrong with one account is its part and stops no other. Throws StoreError. */
  run(context: JobContext, turn: Turn): AsyncIterable<Part>;
}
