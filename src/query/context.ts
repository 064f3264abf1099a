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

/** Of several VMs asked for at once, told one after another by name, those from which the next page goes on. */
export function vmsFrom(vms: readonly string[], after: { vm: string } | undefined): readonly string[] {
  return after === undefined ? vms : vms.filter((vm) => vm >= after.vm);
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

/** VMs of one statement at most: their names have to fit the address of a request to a ClickHouse server. */
export const VMS_A_STATEMENT = 1000;

/** What is read by VM, however many they are. */
export async function inParts<T>(
  vms: readonly string[],
  load: (some: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): Promise<Map<string, T>> {
  const all = new Map<string, T>();
  for (let i = 0; i < vms.length; i += VMS_A_STATEMENT)
    for (const [vm, found] of await load(vms.slice(i, i + VMS_A_STATEMENT))) all.set(vm, found);
  return all;
}
