/** The Bitbrains trace as the samples that its hypervisors would have posted: rates integrated to counters, in whole bytes. */
import { readTrace } from './data-folder.ts';

export interface TraceSample {
  readonly vm: string;
  readonly tsMs: number;
  readonly rx: bigint;
  readonly tx: bigint;
}

/** What a plain sum over the rows says of one VM. */
export interface TraceTotals {
  readonly rx: bigint;
  readonly tx: bigint;
  readonly rows: number;
  readonly instants: number;
  /** Rows that say the same again of an instant, and rows that say something else. */
  readonly duplicates: number;
  readonly conflicts: number;
}

export interface Trace {
  /** By VM in the order of the file, within an instant too. */
  readonly samples: readonly TraceSample[];
  readonly totals: ReadonlyMap<string, TraceTotals>;
}

const START = 1_000_000n;

/**
 * Of an instant with several rows each becomes a sample, from the counters of the instant before; the chain goes on from
 * the last of them, as the server must decide too.
 */
export function readBitbrains(): Trace | { readonly missing: string } {
  const read = readTrace('bitbrains-rnd-2013-08-net-100vms.csv.xz');
  if ('missing' in read) return read;
  const byVm = new Map<string, { atS: number; rx: number; tx: number }[]>();
  for (const [vm = '', ts, rx, tx] of read.rows) {
    const rows = byVm.get(vm) ?? [];
    if (rows.length === 0) byVm.set(vm, rows);
    rows.push({ atS: Number(ts), rx: Number(rx), tx: Number(tx) });
  }
  const samples: TraceSample[] = [];
  const totals = new Map<string, TraceTotals>();
  for (const [number, rows] of byVm) {
    const vm = `bitbrains-${number}`;
    // stable: rows of one instant keep the file's order
    rows.sort((a, b) => a.atS - b.atS);
    const first = rows[0]?.atS ?? 0;
    let before = { atS: first, rx: START, tx: START };
    let at = before;
    let seen: { rx: bigint; tx: bigint } | null = null;
    const count = { instants: 0, duplicates: 0, conflicts: 0 };
    for (const { atS, rx, tx } of rows) {
      if (atS !== at.atS) {
        before = at;
        seen = null;
      }
      const step = atS - before.atS;
      const sample = { rx: before.rx + bytes(rx, step), tx: before.tx + bytes(tx, step) };
      if (seen === null) count.instants++;
      else if (seen.rx === sample.rx && seen.tx === sample.tx) count.duplicates++;
      else count.conflicts++;
      seen = sample;
      at = { atS, ...sample };
      samples.push({ vm, tsMs: atS * 1000, ...sample });
    }
    totals.set(vm, { rx: at.rx - START, tx: at.tx - START, rows: rows.length, ...count });
  }
  return { samples, totals };
}

/** KB a second over so many seconds, in whole bytes. */
function bytes(kilobytesPerSecond: number, seconds: number): bigint {
  return BigInt(Math.round(kilobytesPerSecond * 1000 * seconds));
}

export function traceLine({ vm, tsMs, rx, tx }: TraceSample): string {
  return `{"vm":"${vm}","ts":${tsMs},"nic":"net0","rx_bytes":${rx},"tx_bytes":${tx}}`;
}

/** A state-only sample an hour after the last of all: every minute of traffic is published then. */
export function closingLines(trace: Trace): string[] {
  const lastMs = trace.samples.reduce((last, { tsMs }) => Math.max(last, tsMs), 0);
  return [...trace.totals.keys()].map((vm) => `{"vm":"${vm}","ts":${lastMs + 3_600_000}}`);
}
