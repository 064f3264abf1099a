/** Deleting all rows of some VMs: what names that are forgotten had. Nobody else deletes rows of VMs (`expiry.ts` lets raw samples expire). */
import { localName } from './cluster.ts';
import { literal } from './rowbinary.ts';
import type { Store } from './store.ts';

/** Of each table the column that says which record a row was computed at. */
const POSITIONS = { samples: 'pos', uptime: 'version', traffic: 'version', outages: 'version', anomalies: 'version' } as const;

/** Lists of names are longer than statements usually may be. */
const LARGE = 'max_query_size = 67108864, max_ast_elements = 10000000, max_expanded_ast_elements = 10000000';

/**
 * Deletes what is stored of these VMs up to a position; resolves when nobody reads it any more. Rows are masked at once and leave the disk with
 * the next merge of their part. Again does no harm. @param cluster the one that the tables are on
 */
export async function deleteRowsOf(
  store: Store,
  cluster: string | undefined,
  vms: readonly string[],
  upTo: bigint,
): Promise<void> {
  const names = vms.map(literal).join(', ');
  for (const [table, position] of Object.entries(POSITIONS)) {
    const where = cluster === undefined ? table : `${localName(table)} ON CLUSTER ${literal(cluster)}`;
    await store.command(
      `DELETE FROM ${where} WHERE vm IN (${names}) AND ${position} <= ${upTo} SETTINGS ${LARGE}, lightweight_deletes_sync = 2`,
    );
  }
}
