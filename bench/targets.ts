/** What we want the figures to be, in one place: a run says which of them it met. */
import type { Measured } from './harness.ts';

export interface Target {
  readonly bench: string;
  /** the figure's name, or the words it begins with */
  readonly figure: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export const TARGETS: readonly Target[] = [
  { bench: 'kernel', figure: 'kernel ÷ JavaScript', atLeast: 10 },
  { bench: 'kernel', figure: 'kernel ÷ C, NDJSON to rows', atLeast: 0.6 },
  { bench: 'kernel', figure: 'kernel ÷ C, frames to rows', atLeast: 0.7 },
  { bench: 'kernel', figure: 'cost a sample, 1000000 ÷ 10000 VMs, the same order', atMost: 3 },
  { bench: 'ingest', figure: 'durable ÷ body only, 100 a request', atLeast: 0.75 },
  { bench: 'ingest', figure: 'whole server at half its maximum, p99', atMost: 50 },
  { bench: 'end-to-end', figure: 'uptally ÷ ClickHouse, async inserts', atLeast: 20 },
  { bench: 'end-to-end', figure: 'uptally ÷ ClickHouse, 100,000 rows an insert', atLeast: 1 },
  { bench: 'end-to-end', figure: 'uptally ÷ VictoriaMetrics, 100 a request', atLeast: 1.5 },
  { bench: 'end-to-end', figure: 'uptally ÷ VictoriaMetrics, 1,000 a request', atLeast: 2.5 },
  { bench: 'receivers', figure: 'unpack, decode and map, known series, points a second of one core', atLeast: 1_000_000 },
  { bench: 'verify', figure: 'the whole proof', atMost: 60_000 },
  { bench: 'memory', figure: 'resident, median of the second half', atMost: 1536 },
];

/** What is wanted of a figure, undefined where nothing is. */
export function verdict(
  targets: readonly Target[],
  bench: string,
  figure: Measured,
): { readonly text: string; readonly met: boolean } | undefined {
  const target = targets.find((each) => each.bench === bench && `${figure.name} `.startsWith(`${each.figure} `));
  if (target === undefined) return undefined;
  if (target.atLeast !== undefined) return { text: `≥ ${target.atLeast}`, met: figure.median >= target.atLeast };
  return { text: `≤ ${target.atMost ?? NaN}`, met: figure.median <= (target.atMost ?? NaN) };
}
