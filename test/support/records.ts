import { openRecords, type Records, type RecordsOptions } from '../../src/app/records.ts';
import type { Books } from '../../src/books/books.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';

const opened = new WeakMap<Catalog, Records>();

/** The catalog of records opened as a process does; `recordsOf` has the rest of them. */
export async function openCatalogOf(options: RecordsOptions): Promise<Catalog> {
  const records = await openRecords(options);
  opened.set(records.catalog, records);
  return records.catalog;
}

export function recordsOf(catalog: Catalog): Records {
  const records = opened.get(catalog);
  if (records === undefined) throw new Error('this catalog was opened otherwise');
  return records;
}

export function booksOf(catalog: Catalog): Books {
  return recordsOf(catalog).books;
}
