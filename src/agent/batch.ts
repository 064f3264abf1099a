import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { encodeBinary } from '../samples/binary-writer.ts';
import { sampleLine, type Observation, type Reading } from '../samples/reading.ts';
import type { SpoolRecord } from './spool-record.ts';

const gzipAsync = promisify(gzip);

/** Well below the server's 50,000 samples and 8 MiB inflated a request (SPEC §7); `uptally send` keeps to them too. */
export const BATCH_SAMPLES_MAX = 5_000;
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/** Compresses a body for the wire; speed over size, as every sample passes here once. */
export function compress(body: Uint8Array): Promise<Buffer> {
  return gzipAsync(body, { level: 1 });
}

/** How samples are spelled on the wire: gzipped NDJSON, which every server takes, or the binary format, smaller and cheaper for both ends. */
export const WIRE_FORMATS = ['ndjson', 'binary'] as const;
export type WireFormat = (typeof WIRE_FORMATS)[number];

/** A reading as ready-to-send batches. */
export async function batchesOf(reading: Reading, format: WireFormat = 'ndjson'): Promise<SpoolRecord[]> {
  const batches: SpoolRecord[] = [];
  for (let first = 0; first < reading.observations.length; first += BATCH_SAMPLES_MAX) {
    const part = reading.observations.slice(first, first + BATCH_SAMPLES_MAX);
    const body =
      format === 'binary' ? encodeBinary({ ...reading, observations: part }) : await compress(linesOf(reading.atMs, part));
    batches.push({ body, samples: part.length, lastAtMs: newestOf(part, reading.atMs) });
  }
  return batches;
}

function linesOf(atMs: number, observations: readonly Observation[]): Buffer {
  return Buffer.from(observations.map((observation) => sampleLine(atMs, observation) + '\n').join(''));
}

function newestOf(observations: readonly Observation[], atMs: number): number {
  return observations.reduce((newest, one) => Math.max(newest, one.atMs ?? atMs), 0);
}
