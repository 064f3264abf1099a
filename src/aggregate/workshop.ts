/** Running archived samples through a second kernel: decoded from NDJSON, aggregated, and what it says collected. */
import { ARCHIVED_LINES, type Kernel } from '../kernel/kernel.ts';
import { LAYOUT as L } from '../kernel/layout.ts';
import type { LogRecord } from '../log/log.ts';
import { samplesRecord } from '../log/record.ts';
import { bytesIn } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';
import { drainAll, loadRecords } from './steps.ts';
import { STRUCTURES, tableFor } from './tables.ts';

/** Rows held before they are inserted. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
const COLLECTED = ['uptime', 'traffic', 'chains', 'anomalies', 'outages'] as const;

export type Rows = Record<(typeof COLLECTED)[number], Uint8Array[]>;

/** What the workshop's kernel writes. Outages are kept, to be compared with those on record; the others are inserted now and then. */
export class Collector {
  readonly rows: Rows = { uptime: [], traffic: [], chains: [], anomalies: [], outages: [] };
  readonly #workshop: Kernel;
  readonly #store: Store;

  constructor(workshop: Kernel, store: Store) {
    this.#workshop = workshop;
    this.#store = store;
  }

  /** Empties the kernel's outputs. */
  async collect(): Promise<void> {
    drainAll(this.#workshop, COLLECTED, (output, bytes) => {
      if (output !== 'samples' && output !== 'full' && output !== 'late') this.rows[output].push(bytes);
    });
    const { uptime, traffic, chains, anomalies } = this.rows;
    if (bytesIn(uptime) + bytesIn(traffic) + bytesIn(chains) + bytesIn(anomalies) > HELD_BYTES_MAX) await this.insertMinutes();
  }

  /** All but the outages. */
  async insertMinutes(): Promise<void> {
    for (const rows of ['uptime', 'traffic', 'chains', 'anomalies'] as const)
      await this.#store.insertRowBinary(tableFor(rows), STRUCTURES[rows], this.rows[rows].splice(0));
  }
}

/** Decodes NDJSON from the archive and aggregates it in the workshop. */
export async function feed(workshop: Kernel, text: Uint8Array, version: bigint, rows: Collector): Promise<void> {
  const inputMax = workshop.capacity.inputBytes - 4096;
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  let at = 0;
  while (at < bytes.length) {
    let until = Math.min(bytes.length, at + Math.min(inputMax, Math.floor(workshop.capacity.framesBytes / 2)));
    if (until < bytes.length) until = bytes.lastIndexOf(0x0a, until) + 1;
    bytes.copy(workshop.bytes, workshop.u32(L.H_INPUT), at, until);
    const length = until - at;
    workshop.setI64(L.H_NOW, 1n << 60n);
    workshop.setI64(L.H_OLDEST, 0n);
    workshop.setU32(L.H_SAMPLES_MAX, 0xffffffff);
    workshop.setU32(L.H_PATTERN_COUNT, 0);
    if (workshop.exports.decode(length, ARCHIVED_LINES) !== 0 || workshop.u32(L.H_REJECTED) !== 0) {
      throw new Error('the archive holds samples that the kernel does not accept');
    }
    const frames = workshop.bytes.subarray(workshop.u32(L.H_FRAMES), workshop.u32(L.H_FRAMES_END));
    const record: LogRecord = { seq: 0, payload: samplesRecord('', workshop.u32(L.H_ACCEPTED), frames) };
    loadRecords(workshop, [record]);
    workshop.setU64(L.H_VERSION, version);
    for (let more = 1; more !== 0;) {
      more = workshop.exports.aggregate();
      await rows.collect();
    }
    at = until;
  }
  if (workshop.drain('late').length > 0) throw new Error('samples read back in order were put aside as late');
}

/** Publishes, with no watermark, what lags behind each VM's own time. */
export async function settleWorkshop(workshop: Kernel, version: bigint, rows: Collector): Promise<void> {
  workshop.setI64(L.H_CLOCK, -(1n << 60n));
  workshop.setU64(L.H_VERSION, version);
  for (let more = 1; more !== 0;) {
    more = workshop.exports.settle();
    await rows.collect();
  }
}
