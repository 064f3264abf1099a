import type { PortalLinks } from '../../access/portal-links.ts';
import type { SessionBook } from '../../access/session-book.ts';
import type { BillingContext } from '../../billing/context.ts';
import type { LeaseBook } from '../../journal/lease-book.ts';
import type { Journal } from '../../journal/journal.ts';
import type { JobContext } from '../../scheduler/job.ts';
import type { RunBook } from '../../scheduler/run-book.ts';

/** What calls about the scheduler are answered from; it may be another process that does what is due. */
export interface Scheduling extends Pick<JobContext, 'invoices'> {
  readonly journal: Journal;
  readonly runs: RunBook;
  readonly leases: LeaseBook;
  /** Whether this process would do what is due. */
  readonly isOn: boolean;
}
import type { SubscriptionBook } from '../../notices/subscriptions/subscription-book.ts';
import type { SourceBook } from '../../sources/source-book.ts';

/** What every call of the API is answered from: made once for a process, and handed to all routes alike. */
export interface ApiContext extends BillingContext {
  /** The clock of this machine. */
  readonly now: () => number;
  readonly scheduling: Scheduling;
  readonly sources: SourceBook;
  readonly sessions: SessionBook;
  readonly portalLinks: PortalLinks;
  readonly subscriptions: SubscriptionBook;
}
