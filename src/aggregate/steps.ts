/** Feeding records to a kernel and collecting what it writes. */
import type { LogRecord } from '../log/log.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { KIND_CATALOG, KIND_SAMPLES, LAYOUT as L, type Output } from '../kernel/layout.ts';

// What a step adds to its last record's position: the rows of its later parts replace those of the earlier ones.
export const REPRICED = 0xfffdn;
export const REPAIRED = 0xfffen;
export const SETTLED = 0xffffn;

/** Where rows go when an output of the kernel is full or a step ends. */
export type Sink = (output: Output, rows: Uint8Array) => void;

/** Bytes that a record takes in the kernel's input. */
export function envelopeBytes(record: LogRecord): number {
  return L.ENVELOPE + ((record.payload.length + 7) & ~7);
}

/** Copies records into the kernel's input buffer; the caller has made sure that they fit. */
export function loadRecords(kernel: Kernel, records: readonly LogRecord[]): void {
  const start = kernel.u32(L.H_INPUT);
  let at = start;
  for (const record of records) {
    kernel.setU32(at, record.payload.length);
    kernel.setU32(at + 4, 0);
    kernel.setU64(at + 8, BigInt(record.seq));
    kernel.bytes.set(record.payload, at + L.ENVELOPE);
    at += envelopeBytes(record);
  }
  kernel.setU32(L.H_CURSOR, start);
  kernel.setU32(L.H_CURSOR_END, at);
}

/** Empties the outputs into the sink. */
export function drainAll(kernel: Kernel, outputs: readonly Output[], sink: Sink): void {
  for (const output of outputs) {
    const rows = kernel.drain(output);
    if (rows.length > 0) sink(output, rows);
  }
}

/** A step ends before samples that come after a change of the catalog, so that every row is priced by what stands before it in the log. */
export function untilCatalogApplies(records: readonly LogRecord[]): readonly LogRecord[] {
  const mark = records.find((record) => record.payload[0] === KIND_CATALOG);
  if (mark === undefined) return records;
  // never within the records of one message
  const next = records.findIndex((record) => record.seq > mark.seq && record.payload[0] === KIND_SAMPLES);
  return next === -1 ? records : records.slice(0, next);
}
