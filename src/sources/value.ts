/** One value of a series, a float64 as Prometheus sends all of them, made a sample of. */
import type { MappedSample, Outcome, Series, Target } from './source.ts';

/** Up to here a float64 tells every integer from its neighbours (9 PB): beyond, what was sent is taken, and counted as inexact. */
const EXACT_END = 2 ** 53;
const COUNTER_END = 2 ** 64;

/** Why a float64 is no count of bytes; undefined where it is one. */
export function whyNoCounter(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value < 0 || value >= COUNTER_END) return `${value} is outside of 0 to 2^64 - 1`;
  // a rate, or an average, that somebody calls a counter
  return Number.isInteger(value) ? undefined : `${value} is no whole number of bytes: is it a rate?`;
}

/** The same of an integer. */
export function whyNoInteger(value: bigint): string | undefined {
  return value < 0n || value >= 2n ** 64n ? `${value} is outside of 0 to 2^64 - 1` : undefined;
}

export function isInexact(value: number): boolean {
  return value > EXACT_END;
}

/** What becomes of a value of a series at an instant. */
export function outcomeOf(series: Series, value: number, atMs: number): Outcome {
  return series.kind === 'taken' ? ofTarget(series.target, value, atMs) : series;
}

function ofTarget(target: Target, value: number, atMs: number): Outcome {
  const { vm, nic, host, epoch, holdS, linkMbps, sum, part, candidate } = target;
  const common = { vm, nic, host, atMs, epoch, holdS, linkMbps, sum, startedAtMs: null };
  if (part === 'state') {
    const state = target.stateOf(value);
    if (state === undefined)
      return { kind: 'rejected', code: 'bad_state', why: `the mapping does not say what the state ${value} means` };
    if (state === 'none') return { kind: 'left_out', why: 'empty' };
    return sampled({ ...common, rxBytes: null, txBytes: null, state }, false, candidate);
  }
  const why = whyNoCounter(value);
  if (why !== undefined) return { kind: 'rejected', code: 'bad_counter', why };
  const bytes = BigInt(value);
  const counters = part === 'rx' ? { rxBytes: bytes, txBytes: null } : { rxBytes: null, txBytes: bytes };
  return sampled({ ...common, ...counters, state: target.alive }, isInexact(value), candidate);
}

function sampled(sample: MappedSample, inexact: boolean, candidate: Target['candidate']): Outcome {
  return { kind: 'sample', sample, inexact, candidate };
}
