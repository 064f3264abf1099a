/** The columns of the tables that the kernel writes, in the order of its bytes (assembly/emit.ts), and small RowBinary writers. */
import type { FrameSample } from '../kernel/frames.ts';
import type { Output } from '../kernel/layout.ts';

export const STRUCTURES = {
  samples:
    "vm String, nic String, ts DateTime64(3, 'UTC'), pos UInt64, condition UInt8, has_counters UInt8, epoch UInt32, rx_bytes UInt64, tx_bytes UInt64, agent String",
  /** Raw samples with the columns that few need. */
  full: "vm String, nic String, ts DateTime64(3, 'UTC'), pos UInt64, condition UInt8, has_counters UInt8, epoch UInt32, rx_bytes UInt64, tx_bytes UInt64, started_ms Int64, link_mbps UInt32, is_sum UInt8, hold_s UInt16, host String, part UInt8, agent String",
  uptime:
    "vm String, minute DateTime('UTC'), up_ms UInt16, provider_ms UInt16, third_party_ms UInt16, maintenance_ms UInt16, force_majeure_ms UInt16, attack_ms UInt16, customer_ms UInt16, arrears_ms UInt16, silent_ms UInt16, unavailable UInt8, credit_nanos UInt64, version UInt64",
  /** Traffic of what counts by host or half. */
  chains:
    "vm String, nic String, host String, part UInt8, minute DateTime('UTC'), rx_bytes UInt64, tx_bytes UInt64, version UInt64",
  traffic: "vm String, nic String, minute DateTime('UTC'), rx_bytes UInt64, tx_bytes UInt64, version UInt64",
  outages:
    "vm String, start_at DateTime64(3, 'UTC'), end_at DateTime64(3, 'UTC'), condition UInt8, withdrawn UInt8, version UInt64",
  anomalies:
    "vm String, nic String, ts DateTime64(3, 'UTC'), kind UInt8, pos UInt64, a_ts DateTime64(3, 'UTC'), a_condition UInt8, a_has_counters UInt8, a_epoch UInt32, a_rx_bytes UInt64, a_tx_bytes UInt64, b_condition UInt8, b_has_counters UInt8, b_epoch UInt32, b_rx_bytes UInt64, b_tx_bytes UInt64, withdrawn UInt8, version UInt64, host String, part UInt8",
} as const satisfies Partial<Record<Output, string>>;

/** Of `anomalies` the columns of an increase that was too fast, with when the counter went back behind it. */
export const JUMPS = `${STRUCTURES.anomalies}, back_at DateTime64(3, 'UTC')`;

export type Rows = keyof typeof STRUCTURES;
export const ROWS = Object.keys(STRUCTURES) as Rows[];

/** The table of rows. */
export function tableFor(rows: Rows): Exclude<Rows, 'full' | 'chains'> {
  return rows === 'full' ? 'samples' : rows === 'chains' ? 'traffic' : rows;
}

/** What counts: an interface as one host counts it, or one half of that. */
export interface Chain {
  readonly nic: string;
  readonly host: string;
  readonly part: number;
}

/** A chain in one word; that of an interface as such is the interface's name. */
export function chainKey({ nic, host, part }: Chain): string {
  return host === '' && part === 0 ? nic : `${nic} ${host} ${part}`;
}

/** A sample with counters. */
export interface Counted {
  readonly tsMs: number;
  readonly condition: number;
  readonly epoch: number;
  readonly rx: bigint;
  readonly tx: bigint;
  readonly startedMs: number | undefined;
  readonly linkMbps: number | undefined;
  readonly isSum: boolean;
}

/** Two consecutive samples with counters of a chain. */
export interface Pair {
  readonly chain: Chain;
  readonly a: Counted;
  readonly b: Counted;
}

/** A sample as the archive and the repair know it. */
export interface StoredSample extends FrameSample {
  readonly pos: bigint;
  readonly agent: string;
}

/** Is it the same sample, but for where in the log it stands and who posted it? */
export function sameContent(a: StoredSample, b: StoredSample): boolean {
  return (
    a.condition === b.condition &&
    a.hasCounters === b.hasCounters &&
    a.epoch === b.epoch &&
    a.rxBytes === b.rxBytes &&
    a.txBytes === b.txBytes &&
    a.startedMs === b.startedMs &&
    a.linkMbps === b.linkMbps &&
    a.isSum === b.isSum &&
    a.holdS === b.holdS
  );
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** Little-endian integers of 1, 2, 4 or 8 bytes. */
function integers(...values: readonly (readonly [bytes: 1 | 2 | 4 | 8, value: number | bigint])[]): Buffer {
  const out = Buffer.alloc(values.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of values) {
    if (bytes === 8) out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
    else out.writeUIntLE(Number(value), at, bytes);
    at += bytes;
  }
  return out;
}

/** A row of `samples`, with all columns. */
export function sampleRow(s: StoredSample): Buffer {
  const numbers = integers(
    [8, s.tsMs],
    [8, s.pos],
    [1, s.condition],
    [1, s.hasCounters ? 1 : 0],
    [4, s.epoch],
    [8, s.rxBytes],
    [8, s.txBytes],
    [8, s.startedMs ?? -1],
    [4, s.linkMbps ?? 0],
    [1, s.isSum ? 1 : 0],
    [2, s.holdS ?? 0],
  );
  return Buffer.concat([text(s.vm), text(s.nic), numbers, text(s.host), Buffer.of(s.part), text(s.agent)]);
}

/** A row of `anomalies` for a sample that replaced another of the same identity. */
export function conflictRow(replaced: StoredSample, by: StoredSample): Buffer {
  const content = (s: StoredSample): [1 | 4 | 8, number | bigint][] => [
    [1, s.condition],
    [1, s.hasCounters ? 1 : 0],
    [4, s.epoch],
    [8, s.rxBytes],
    [8, s.txBytes],
  ];
  const numbers = integers(
    [8, by.tsMs],
    [1, 2],
    [8, by.pos],
    [8, replaced.tsMs],
    ...content(replaced),
    ...content(by),
    [1, 0],
    [8, by.pos],
  );
  return Buffer.concat([text(by.vm), text(by.nic), numbers, text(by.host), Buffer.of(by.part)]);
}

/** A row of `JUMPS`. @param backMs when the counter went back; 0: it has not */
export function jumpRow(vm: string, { chain, a, b }: Pair, backMs: number, version: bigint): Buffer {
  const content = (s: Counted): [1 | 4 | 8, number | bigint][] => [
    [1, s.condition],
    [1, 1],
    [4, s.epoch],
    [8, s.rx],
    [8, s.tx],
  ];
  const numbers = integers([8, b.tsMs], [1, 1], [8, 0], [8, a.tsMs], ...content(a), ...content(b), [1, 0], [8, version]);
  return Buffer.concat([text(vm), text(chain.nic), numbers, text(chain.host), Buffer.of(chain.part), integers([8, backMs])]);
}

export interface OutageRow {
  readonly vm: string;
  readonly startMs: number;
  /** 0 while open */
  readonly endMs: number;
  readonly condition: number;
  readonly withdrawn: boolean;
}

/** A row of `outages`. */
export function outageRow(row: OutageRow, version: bigint): Buffer {
  const numbers = integers([8, row.startMs], [8, row.endMs], [1, row.condition], [1, row.withdrawn ? 1 : 0], [8, version]);
  return Buffer.concat([text(row.vm), numbers]);
}

/** Reads the rows of `outages` that the kernel wrote. */
export function readOutages(bytes: Uint8Array): OutageRow[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: OutageRow[] = [];
  let at = 0;
  while (at < view.length) {
    const length = view.readUInt8(at);
    const vm = view.toString('latin1', at + 1, at + 1 + length);
    at += 1 + length;
    rows.push({
      vm,
      startMs: Number(view.readBigInt64LE(at)),
      endMs: Number(view.readBigInt64LE(at + 8)),
      condition: view.readUInt8(at + 16),
      withdrawn: view.readUInt8(at + 17) !== 0,
    });
    at += 26;
  }
  return rows;
}
