/** After a change of the catalog: the minute rows with anything but uptime get the credit that the plans now in force give them. */
import type { Kernel } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import { literal } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import { findVm } from './pricing.ts';
import { STRUCTURES } from './tables.ts';

const VMS_A_QUERY = 500;
const ROWS_A_READ = 200_000;

/** Most rows are nothing but uptime: they are passed over without gathering their versions. */
const ONLY_UP =
  'provider_ms = 0 AND third_party_ms = 0 AND maintenance_ms = 0 AND force_majeure_ms = 0 AND attack_ms = 0 AND customer_ms = 0 AND arrears_ms = 0 AND silent_ms = 0';

interface MinuteRow {
  vm: string;
  atSecond: number;
  parts: number[];
}

/** Writes the rows of these VMs anew under the given version. */
export async function repriceRows(live: Kernel, store: Store, vms: readonly string[], version: bigint): Promise<void> {
  for (let i = 0; i < vms.length; i += VMS_A_QUERY) {
    const names = vms
      .slice(i, i + VMS_A_QUERY)
      .map(literal)
      .join(', ');
    let after = `('', 0)`;
    for (;;) {
      const rows = await store.rows<MinuteRow>(
        `SELECT vm, toUInt32(minute) AS atSecond, argMax([up_ms, provider_ms, third_party_ms, maintenance_ms, force_majeure_ms, attack_ms, customer_ms, arrears_ms, silent_ms], version) AS parts
         FROM uptime WHERE vm IN (${names}) AND (vm, toUInt32(minute)) > ${after} AND (vm, minute) IN (
           SELECT vm, minute FROM uptime WHERE vm IN (${names}) AND NOT (${ONLY_UP}))
         GROUP BY vm, minute HAVING parts[1] < arraySum(parts) ORDER BY vm, atSecond LIMIT ${ROWS_A_READ}`,
      );
      await store.insertRowBinary('uptime', STRUCTURES.uptime, reprice(live, rows, version));
      const last = rows.at(-1);
      if (last === undefined || rows.length < ROWS_A_READ) break;
      after = `(${literal(last.vm)}, ${last.atSecond})`;
    }
  }
}

function reprice(live: Kernel, rows: readonly MinuteRow[], version: bigint): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  live.setU64(L.H_VERSION, version);
  const parts = live.u32(L.H_INPUT);
  let pending = 0;
  for (const row of rows) {
    const slot = findVm(live, row.vm);
    if (slot === undefined) continue;
    row.parts.forEach((ms, i) => {
      live.view.setUint16(parts + 2 * i, ms, true);
    });
    live.exports.writeMinute(slot, row.atSecond / 60, parts);
    if (++pending === 10_000) {
      chunks.push(live.drain('uptime'));
      pending = 0;
    }
  }
  chunks.push(live.drain('uptime'));
  return chunks;
}
