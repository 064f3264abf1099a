import type { QueryContext } from '../query/context.ts';
import type { BooksContext } from '../books/context.ts';
import type { IssuerProfile } from './issuer.ts';
import type { Usage } from './stored-usage.ts';

/** What documents are made with: rows, the catalog, the books, the sheets, who they are from, and when now is. */
export interface BillingContext extends QueryContext, BooksContext {
  /** Who the documents are from, as far as it is known. */
  issuer?: IssuerProfile | undefined;
  /** The clock of what is owed and due: the server's, with the event clock the newest sample's. */
  businessNow: () => number;
  /** Where many accounts are gone through: what was read of one of them together with others. Left out: each is read by itself. */
  usageOf?: (asking: BillingContext, account: string, fromMs: number, toMs: number) => Promise<Usage>;
}
