/**
 * Minutes of traffic, recomputed and stored, until they can be compared: an interface's minute is certain once its
 * counters were read after it. An interface that falls silent keeps its minutes here until it speaks again, which bounds
 * memory by the longest gap between two counters of one interface.
 */
import type { NicMinute } from './model/traffic.ts';
import type { StoredTraffic } from './columns.ts';
import { compareRow } from './disagreement.ts';

type Bytes = Readonly<Record<'rx_bytes' | 'tx_bytes', bigint>>;
interface Entry {
  readonly nic: string;
  readonly minuteMs: number;
  recomputed?: Bytes;
  stored?: Bytes;
}

export class TrafficLedger {
  readonly #vm: string;
  /** By interface and minute. */
  readonly #entries = new Map<string, Map<number, Entry>>();
  compared = 0;

  constructor(vm: string) {
    this.#vm = vm;
  }

  recompute(shares: readonly NicMinute[]): void {
    for (const { nic, minuteMs, rxBytes, txBytes } of shares) {
      const entry = this.#entry(nic, minuteMs);
      const { rx_bytes, tx_bytes } = entry.recomputed ?? { rx_bytes: 0n, tx_bytes: 0n };
      entry.recomputed = { rx_bytes: rx_bytes + rxBytes, tx_bytes: tx_bytes + txBytes };
    }
  }

  store(rows: readonly StoredTraffic[]): void {
    for (const { nic, minuteMs, rxBytes, txBytes } of rows)
      this.#entry(nic, minuteMs).stored = { rx_bytes: rxBytes, tx_bytes: txBytes };
  }

  /** Compares, and lets go of, the minutes that `certain` says are; those that `concerns` leaves out are let go of only. Throws `Disagreed`. */
  settle(certain: (nic: string, minuteMs: number) => boolean, concerns: (nic: string, minuteMs: number) => boolean): void {
    const ready: Entry[] = [];
    for (const [nic, minutes] of this.#entries) {
      for (const [minuteMs, entry] of minutes) {
        if (!certain(nic, minuteMs)) continue;
        minutes.delete(minuteMs);
        if (concerns(nic, minuteMs)) ready.push(entry);
      }
    }
    ready.sort((a, b) => a.minuteMs - b.minuteMs || (a.nic < b.nic ? -1 : 1));
    for (const { nic, minuteMs, stored, recomputed } of ready) {
      this.compared += 1;
      if (stored?.rx_bytes === recomputed?.rx_bytes && stored?.tx_bytes === recomputed?.tx_bytes) continue;
      compareRow({ table: 'traffic', vm: this.#vm, nic, atMs: minuteMs }, stored, recomputed);
    }
  }

  #entry(nic: string, minuteMs: number): Entry {
    const minutes = this.#entries.get(nic) ?? new Map<number, Entry>();
    this.#entries.set(nic, minutes);
    const entry = minutes.get(minuteMs) ?? { nic, minuteMs };
    minutes.set(minuteMs, entry);
    return entry;
  }
}
