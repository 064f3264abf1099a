/** What is recorded, and what is known of it in memory: the journal with the catalog and the books. */
import { PortalLinks } from '../access/portal-links.ts';
import { SessionBook } from '../access/session-book.ts';
import { Books } from '../books/books.ts';
import { bookedOn, chargedBy } from '../books/charged-by.ts';
import { Catalog } from '../catalog/catalog.ts';
import { Journal, type JournalOptions } from '../journal/journal.ts';
import { LeaseBook } from '../journal/lease-book.ts';
import { OnceBook } from '../journal/once-book.ts';
import { RunBook } from '../scheduler/run-book.ts';
import type { Faults } from '../process/faults.ts';
import { Elector } from '../sources/replicas/elector.ts';
import { TenureTable } from '../sources/replicas/tenure-table.ts';
import { SubscriptionBook } from '../notices/subscriptions/subscription-book.ts';
import { SourceBook } from '../sources/source-book.ts';

export interface Records {
  readonly journal: Journal;
  readonly catalog: Catalog;
  readonly books: Books;
  readonly leases: LeaseBook;
  readonly runs: RunBook;
  readonly sources: SourceBook;
  /** Decides which of the replicas of sources are heard. */
  readonly elector: Elector;
  readonly requests: OnceBook;
  readonly sessions: SessionBook;
  readonly portalLinks: PortalLinks;
  readonly subscriptions: SubscriptionBook;
}

export interface RecordsOptions extends Omit<JournalOptions, 'readOnly'> {
  /** Of everything but keys and sources only how far it goes is known, and nothing can be written: for processes that answer no questions. */
  readonly keysOnly?: boolean | undefined;
  /** Where tests stop the process while the books are written. */
  readonly faults?: Faults | undefined;
}

/** Loads what is stored. */
export async function openRecords({ keysOnly, faults, ...options }: RecordsOptions): Promise<Records> {
  const readOnly = keysOnly === true ? 'this process has read nothing of the catalog but its keys' : undefined;
  const journal = new Journal({ ...options, readOnly });
  const books = new Books(journal, faults);
  const catalog = new Catalog(journal, {
    chargedBy: (vm, body) => chargedBy(books, vm, body),
    bookedOn: (account) => bookedOn(books, account),
    keysOnly,
  });
  const leases = new LeaseBook();
  const runs = new RunBook();
  const sources = new SourceBook(journal);
  const elector = new Elector({ replicas: sources.replicas, records: new TenureTable(options.store, options.now) });
  const requests = new OnceBook();
  const portalLinks = new PortalLinks(journal, (id) => catalog.keys.keyInForce(id) !== undefined);
  const sessions = new SessionBook(journal, (id) => portalLinks.holder(id) ?? catalog.keys.keyInForce(id));
  const subscriptions = new SubscriptionBook(journal);
  journal.project(sources);
  if (keysOnly !== true)
    for (const each of [books, books.consequences, leases, runs, requests, portalLinks, sessions, subscriptions])
      journal.project(each);
  await journal.refresh();
  return { journal, catalog, books, leases, runs, sources, elector, requests, sessions, portalLinks, subscriptions };
}
