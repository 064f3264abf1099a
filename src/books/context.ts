import type { TermsContext } from '../terms/agreed.ts';
import type { Books } from './books.ts';

/** What changes of money are decided by: the books, the catalog, what is agreed. */
export interface BooksContext extends TermsContext {
  books: Books;
}
