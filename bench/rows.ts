/** Minute rows as text, so that the results of very different programs can be compared: in the same order, by a hash and by totals. */
import { createHash } from 'node:crypto';

export interface MinuteRows {
  /** `vm minute up_ms` */
  readonly uptime: string[];
  /** `vm nic minute rx_bytes tx_bytes` */
  readonly traffic: string[];
}

/** A hash of the rows whatever order they came in. */
export function hashOf(rows: MinuteRows): string {
  const hash = createHash('sha256');
  for (const row of [...rows.uptime].sort()) hash.update(`${row}\n`);
  for (const row of [...rows.traffic].sort()) hash.update(`${row}\n`);
  return hash.digest('hex').slice(0, 16);
}

/** Bytes and up time over all rows. */
export function totalsOf(rows: MinuteRows): { rxBytes: bigint; txBytes: bigint; upMs: bigint } {
  const column = (lines: readonly string[], at: number): bigint =>
    lines.reduce((sum, line) => sum + BigInt(line.split(' ')[at] ?? ''), 0n);
  return { rxBytes: column(rows.traffic, 3), txBytes: column(rows.traffic, 4), upMs: column(rows.uptime, 2) };
}

/** Reads the columns that matter here from the RowBinary of `uptime` and `traffic` (schemas/clickhouse). */
export function readRows(uptime: readonly Uint8Array[], traffic: readonly Uint8Array[]): MinuteRows {
  const rows: MinuteRows = { uptime: [], traffic: [] };
  for (const chunk of uptime) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < view.length;) {
      const vm = view.toString('latin1', at + 1, at + 1 + view.readUInt8(at));
      at += 1 + vm.length;
      rows.uptime.push(`${vm} ${view.readUInt32LE(at) / 60} ${view.readUInt16LE(at + 4)}`);
      at += 39;
    }
  }
  for (const chunk of traffic) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < view.length;) {
      const vm = view.toString('latin1', at + 1, at + 1 + view.readUInt8(at));
      at += 1 + vm.length;
      const nic = view.toString('latin1', at + 1, at + 1 + view.readUInt8(at));
      at += 1 + nic.length;
      const minute = view.readUInt32LE(at) / 60;
      rows.traffic.push(`${vm} ${nic} ${minute} ${view.readBigUInt64LE(at + 4)} ${view.readBigUInt64LE(at + 12)}`);
      at += 28;
    }
  }
  return rows;
}
