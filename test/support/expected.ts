/** What the model says must be stored, as the text lines of `readStored`. */
import type { Progress } from '../../src/aggregate/metering-status.ts';
import { type FleetResult, runModel } from '../model/fleet.ts';
import type { Fleet } from '../model/generate.ts';
import type { StoredRows } from './product.ts';

const SILENT = 8;

/** Wholly silent minutes need not be stored: they are left out here and taken out of what was stored before the two are compared. */
export function isWhollySilent(parts: readonly number[]): boolean {
  return parts[SILENT] === 60_000;
}

export function expectedRows(fleet: Fleet): StoredRows & { readonly counts: FleetResult['counts'] } {
  const result = runModel(fleet.log, fleet.options, fleet.catalog);
  return {
    uptime: result.uptime
      .filter((row) => !isWhollySilent(row.partsMs))
      .map((r) => `${r.vm} ${r.minuteMs / 1000} ${r.partsMs.join(',')} ${r.unavailable ? 1 : 0} ${r.creditNanos}`)
      .sort(),
    traffic: result.traffic.map((r) => `${r.vm} ${r.nic} ${r.minuteMs / 1000} ${r.rxBytes} ${r.txBytes}`).sort(),
    outages: result.outages.map((r) => `${r.vm} ${r.startMs} ${r.endMs ?? 0} ${r.cause}`).sort(),
    quarantined: result.quarantined
      .map(
        (r) =>
          `${r.vm} ${r.nic}/${r.b.host ?? ''}/${r.b.part ?? ''} ${r.a?.tsMs ?? 0} ${r.b.tsMs} ${r.b.counters.rx} ${r.b.counters.tx}`,
      )
      .sort(),
    conflicts: result.conflicts.length,
    samples: result.counts.applied,
    counts: result.counts,
  };
}

/** Stored rows without the wholly silent ones. */
export function comparable(stored: StoredRows): StoredRows {
  return { ...stored, uptime: stored.uptime.filter((line) => !/ (0,){8}60000 /.test(line)) };
}

/** Lines that one side has and the other has not, by table: empty when all is as it should be. `-` is missing, `+` too much. */
export function differences(stored: StoredRows, expected: StoredRows): string[] {
  const found: string[] = [];
  for (const table of ['uptime', 'traffic', 'outages', 'quarantined'] as const) {
    const have = new Set(stored[table]);
    const want = new Set(expected[table]);
    for (const line of want) if (!have.has(line)) found.push(`- ${table} ${line}`);
    for (const line of have) if (!want.has(line)) found.push(`+ ${table} ${line}`);
    if (stored[table].length !== have.size) found.push(`${table} has rows twice`);
  }
  for (const count of ['samples', 'conflicts'] as const) {
    if (stored[count] !== expected[count]) found.push(`${count}: ${stored[count]} instead of ${expected[count]}`);
  }
  return found.sort();
}

/** What an aggregator has stored and counted of a whole fleet otherwise than the model says: empty when all is as it should be. */
export function unlikeModel(fleet: Fleet, stored: StoredRows, { counters, quarantined, vms }: Progress): string[] {
  const { counts, ...rows } = expectedRows(fleet);
  const { accepted, applied, duplicate, conflict } = counts;
  const counted = [
    ['accepted', counters[0], accepted],
    ['duplicate', counters[1], duplicate],
    ['conflict', counters[2], conflict],
    ['quarantined', quarantined, rows.quarantined.length],
    ['VMs', vms, new Set(fleet.log.map((sample) => sample.vm)).size],
    ['the model, in all', accepted, applied + duplicate + conflict],
  ] as const;
  const wrong = counted.filter(([, have, want]) => have === undefined || BigInt(have) !== BigInt(want));
  return [
    ...differences(comparable(stored), rows),
    ...wrong.map(([name, have, want]) => `${name}: ${have ?? 0} instead of ${want}`),
  ];
}
