import type { BillingContext } from '../../billing/context.ts';

/** What every call of the API is answered from: made once for a process, and handed to all routes alike. */
export interface ApiContext extends BillingContext {
  /** The clock of this machine. */
  readonly now: () => number;
}
