/** Where what is stored and what the raw samples amount to part ways. */
import { formatInstant } from '../domain/instant.ts';

/** Which answer was wrong: a table's rows, the counts of the status, or what the catalog's entries are numbered by. */
export type Compared =
  'minutes' | 'uptime' | 'traffic' | 'outages' | 'anomalies' | 'samples' | 'status' | 'invoices' | 'ledger' | 'catalog';

/** Everything as text: bytes and nanos do not fit a JSON number of other programs. */
export interface Disagreement {
  readonly table: Compared;
  /** Of the invoices which document, by its number; of ledgers whose. */
  readonly document?: string;
  readonly vm: string | null;
  readonly nic: string | null;
  /** The minute, the start of the outage, or the instant of the sample; null for counts. */
  readonly minute: string | null;
  /** `row` when one side has no such row at all. */
  readonly field: string;
  readonly stored: string | null;
  readonly recomputed: string | null;
}

/** Ends the look at a VM; no error of the program. */
export class Disagreed extends Error {
  override readonly name = 'Disagreed';
  readonly what: Disagreement;

  constructor(what: Disagreement) {
    super(describe(what));
    this.what = what;
  }
}

export interface Place {
  readonly table: Compared;
  readonly vm: string;
  readonly atMs: number;
  readonly nic?: string;
}

type Fields = Readonly<Record<string, bigint | number | string | null>>;

/** Throws `Disagreed` at the first field that differs, or if only one side has the row. */
export function compareRow(place: Place, stored: Fields | undefined, recomputed: Fields | undefined): void {
  if (stored === undefined && recomputed === undefined) return;
  const differs = (field: string, theirs: string | null, mine: string | null): Disagreed => {
    const at = { table: place.table, vm: place.vm, nic: place.nic ?? null, minute: formatInstant(place.atMs) };
    return new Disagreed({ ...at, field, stored: theirs, recomputed: mine });
  };
  if (stored === undefined || recomputed === undefined) throw differs('row', rowText(stored), rowText(recomputed));
  for (const field of Object.keys(recomputed)) {
    const mine = recomputed[field] ?? null;
    const theirs = stored[field] ?? null;
    if (theirs !== mine && String(theirs) !== String(mine)) throw differs(field, String(theirs), String(mine));
  }
}

export function sameDisagreement(a: Disagreement, b: Disagreement): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** One sentence for people. */
export function describe({ table, document, vm, nic, minute, field, stored, recomputed }: Disagreement): string {
  const place = [
    table,
    ...(document === undefined ? [] : [document]),
    ...(vm === null ? [] : [`vm ${vm}`]),
    ...(nic === null || nic === '' ? [] : [`nic ${nic}`]),
    ...(minute === null ? [] : [minute]),
    field,
  ].join(', ');
  return `${place}: stored ${stored ?? 'nothing'}, recomputed ${recomputed ?? 'nothing'}`;
}

/** A row in short: what is not zero. */
function rowText(fields: Fields | undefined): string | null {
  if (fields === undefined) return null;
  const parts = Object.entries(fields).filter(([, value]) => value !== 0 && value !== 0n);
  return parts.map(([name, value]) => `${name}=${String(value)}`).join(' ');
}
