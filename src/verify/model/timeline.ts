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

/** Whether the minute's row is published: the VM's own samples that say a state passed its end, or the watermark passed its end plus staleness. */
export function isPublished(vm: VmHistory, minuteMs: number): boolean {
  const endMs = minuteMs + MINUTE_MS;
  return lastTsMs(vm) >= endMs || (vm.watermarkMs !== null && vm.watermarkMs >= endMs + vm.stalenessMs);
}

/** Every published minute, wholly silent ones too, from the first sample's on; none that starts at or after the service's end. */
export function minutesOf(vm: VmHistory): MinuteParts[] {
  const segments = segmentsOf(vm);
  const endsAtMs = vm.endsAtMs ?? Infinity;
  const firstTsMs = Math.min(...vm.samples.filter(saysState).map((sample) => sample.tsMs));
  if (firstTsMs >= endsAtMs) return [];
  const minutes: MinuteParts[] = [];
  for (let minuteMs = floorToMinute(firstTsMs); minuteMs < endsAtMs && isPublished(vm, minuteMs); minuteMs += MINUTE_MS) {
    const partsMs = CONDITIONS.map(() => 0);
    for (const { fromMs, toMs, condition } of segments) {
      const heldMs = Math.min(toMs, minuteMs + MINUTE_MS, endsAtMs) - Math.max(fromMs, minuteMs);
      const code = conditionCode(condition);
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
  return Math.max(...vm.samples.filter(saysState).map((sample) => sample.tsMs));
}

function saysState({ saysNoState }: InForce): boolean {
  return saysNoState !== true;
}
