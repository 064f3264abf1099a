/** The timeline of one VM (SPEC §2 and §3): which condition held when, which outages that makes, which minutes are published. */
import { CONDITIONS, conditionCode, type Condition } from '../../domain/condition.ts';
import type { InForce } from './inforce.ts';

export const MINUTE_MS = 60_000;

/** One VM's samples in force and what bounds them. */
export interface VmHistory {
  /** Of one VM, at least one, in any order. */
  readonly samples: readonly InForce[];
  readonly stalenessMs: number;
  /** null: the clock has not been seen yet. */
  readonly watermarkMs: number | null;
  readonly endsAtMs: number | null;
}

/** One condition over [fromMs, toMs). */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly condition: Condition;
}

export interface OutageSpan {
  readonly startMs: number;
  /** null while open. */
  readonly endMs: number | null;
  readonly cause: Exclude<Condition, 'up'>;
}

export interface MinuteParts {
  readonly minuteMs: number;
  /** Milliseconds by condition code (src/domain/condition.ts), nine entries. */
  readonly partsMs: readonly number[];
}

/**
 * The condition at every instant from the first sample on, as segments without holes, not yet cut at the service's end.
 * The last one reaches to where its sample's state goes stale, or to the watermark if it is silence.
 */
export function segmentsOf(vm: VmHistory): Segment[] {
  const deciding = decidingSamples(vm.samples);
  const segments: Segment[] = [];
  for (const [index, sample] of deciding.entries()) {
    const staleMs = sample.tsMs + (sample.holdMs ?? vm.stalenessMs);
    const next = deciding[index + 1];
    const untilMs = next === undefined ? Math.max(staleMs, vm.watermarkMs ?? staleMs) : next.tsMs;
    segments.push({ fromMs: sample.tsMs, toMs: Math.min(staleMs, untilMs), condition: sample.condition });
    if (untilMs > staleMs) segments.push({ fromMs: staleMs, toMs: untilMs, condition: 'silent' });
  }
  return segments;
}

/** One sample an instant, of those that say a state: interfaces and hosts that disagree are decided by the one later in the log. */
function decidingSamples(samples: readonly InForce[]): InForce[] {
  const byInstant = new Map<number, InForce>();
  for (const sample of samples.filter(saysState)) {
    const rival = byInstant.get(sample.tsMs);
    if (rival === undefined || rival.logIndex < sample.logIndex) byInstant.set(sample.tsMs, sample);
  }
  return [...byInstant.values()].sort((a, b) => a.tsMs - b.tsMs);
}

/**
 * Maximal runs of one condition other than up. The run that reaches the last segment still holds: it is open, unless
 * the service has ended. It has ended once a sample or the watermark has reached `endsAtMs`; nothing starts after it.
 */
export function outagesOf(vm: VmHistory): OutageSpan[] {
  const runs: Segment[] = [];
  for (const segment of segmentsOf(vm)) {
    const last = runs.at(-1);
    if (last?.condition === segment.condition) runs[runs.length - 1] = { ...last, toMs: segment.toMs };
    else runs.push(segment);
  }
  const knownMs = Math.max(lastTsMs(vm), vm.watermarkMs ?? -Infinity);
  const endsAtMs = vm.endsAtMs ?? Infinity;
  const outages: OutageSpan[] = [];
  for (const [index, { fromMs, toMs, condition }] of runs.entries()) {
    if (condition === 'up' || fromMs >= endsAtMs) continue;
    const open = index === runs.length - 1;
    const endMs = open ? (knownMs >= endsAtMs ? endsAtMs : null) : Math.min(toMs, endsAtMs);
    outages.push({ startMs: fromMs, endMs, cause: condition });
  }
  return outages;
}

/**
 * Up to where minutes are published: a minute's row is once the VM's own samples that say a state passed its end, or the watermark passed
 * its end plus staleness.
 */
export function publishedUntilMs(vm: VmHistory): number {
  return Math.max(lastTsMs(vm), (vm.watermarkMs ?? -Infinity) - vm.stalenessMs);
}

/** Every published minute, wholly silent ones too, from the first sample's on; none that starts at or after the service's end. */
export function minutesOf(vm: VmHistory): MinuteParts[] {
  const segments = segmentsOf(vm);
  const endsAtMs = vm.endsAtMs ?? Infinity;
  const untilMs = publishedUntilMs(vm);
  const firstTsMs = segments[0]?.fromMs ?? Infinity;
  if (firstTsMs >= endsAtMs) return [];
  const minutes: MinuteParts[] = [];
  let first = 0;
  for (let minuteMs = floorToMinute(firstTsMs); minuteMs < endsAtMs && minuteMs + MINUTE_MS <= untilMs; minuteMs += MINUTE_MS) {
    const stopMs = Math.min(minuteMs + MINUTE_MS, endsAtMs);
    const partsMs = CONDITIONS.map(() => 0);
    // segments come in order and without holes: what has ended before this minute has ended before all that follow
    while ((segments[first]?.toMs ?? Infinity) <= minuteMs) first += 1;
    for (let at = first; at < segments.length; at += 1) {
      const segment = segments[at];
      if (segment === undefined || segment.fromMs >= stopMs) break;
      const heldMs = Math.min(segment.toMs, stopMs) - Math.max(segment.fromMs, minuteMs);
      const code = conditionCode(segment.condition);
      if (heldMs > 0) partsMs[code] = (partsMs[code] ?? 0) + heldMs;
    }
    minutes.push({ minuteMs, partsMs });
  }
  return minutes;
}

/** The start of the minute that holds the instant. */
export function floorToMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

function lastTsMs(vm: VmHistory): number {
  return vm.samples.reduce((last, sample) => (saysState(sample) ? Math.max(last, sample.tsMs) : last), -Infinity);
}

function saysState({ saysNoState }: InForce): boolean {
  return saysNoState !== true;
}
