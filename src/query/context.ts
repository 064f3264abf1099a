import type { Catalog } from '../catalog/catalog.ts';
import type { Store } from '../store/store.ts';

/** What every query needs: the rows, the catalog, and how far the stored rows are complete. */
export interface QueryContext {
  store: Store;
  catalog: Catalog;
  /** The watermark up to which rows of a VM have been stored; null before the first tick. */
  watermarkMs: (vm: string) => number | null;
  stalenessMs: number;
}

/** Rows of a page and where the next one begins; undefined after the last. */
export interface Page<Row, Position> {
  rows: Row[];
  next: Position | undefined;
}

/** Whether the catalog or any stored row has ever named a VM. */
export async function vmKnown(context: QueryContext, vm: string): Promise<boolean> {
  if (context.catalog.vm(vm) !== undefined) return true;
  const found = await context.store.rows(
    'SELECT 1 AS found FROM samples WHERE vm = {vm:String} LIMIT 1 UNION ALL SELECT 1 AS found FROM uptime WHERE vm = {vm:String} LIMIT 1',
    { vm },
  );
  return found.length > 0;
}
