/**
 * The slow model over one VM's samples, a window at a time. What the model needs from before a window is carried: the
 * samples at the VM's last instant (its state may still hold), and each interface's last counters.
 */
import { chainOf, type InForce, type LoggedSample, compareText } from './model/inforce.ts';
import { MINUTE_MS, type MinuteParts, minutesOf, type Segment, segmentsOf, type VmHistory } from './model/timeline.ts';
import { type CounterPair, type NicMinute, trafficOf } from './model/traffic.ts';
import type { Condition } from '../domain/condition.ts';
import type { SampleAnswer } from './answers.ts';

/** The model looks at every pair of a minute and a sample: short windows keep that small. */
export const WINDOW_MS = 15 * MINUTE_MS;

export interface RawSample extends LoggedSample {
  readonly pos: bigint;
}

export function rawSample(row: SampleAnswer): RawSample {
  const { vm, nic, ts, rx_bytes, tx_bytes, epoch, state, cause, agent, pos } = row;
  const counters = rx_bytes === undefined || tx_bytes === undefined ? null : { rx: rx_bytes, tx: tx_bytes };
  const condition = state === 'up' ? 'up' : ((cause ?? 'provider') as Condition);
  return { vm, nic, tsMs: ts, counters, epoch, condition, agent, pos };
}

export interface TimelineWindow {
  /** The conditions over the window, without holes from the first sample on. */
  readonly segments: readonly Segment[];
  /** The minutes of the window as stored: the end of service is not known there. */
  readonly minutes: readonly MinuteParts[];
  /** The same with the end of service applied. */
  readonly served: readonly MinuteParts[];
}

export interface TrafficWindow {
  /** What the increases that end in this window add to minutes, of earlier windows too. */
  readonly shares: readonly NicMinute[];
  /** Quarantined increases that end in this window. */
  readonly quarantined: readonly CounterPair[];
}

export class VmModel {
  readonly #terms: { readonly stalenessMs: number; readonly linkLimitBps: bigint };
  #latest: readonly RawSample[] = [];
  readonly #counted = new Map<string, RawSample>();
  /** The instants of each interface's first counters. */
  readonly firstCountersMs = new Map<string, number>();

  constructor(terms: { readonly stalenessMs: number; readonly linkLimitBps: bigint }) {
    this.#terms = terms;
  }

  /** What is certain of an interface's traffic: everything before the last counters of each of its chains. */
  countedUntilMs(nic: string): number {
    const ends = [...this.#counted.values()].filter((sample) => sample.nic === nic).map(({ tsMs }) => tsMs);
    return ends.length === 0 ? -Infinity : Math.min(...ends);
  }
  /** The earliest instant at which some interface's next increase may begin; Infinity without counters. */
  openSinceMs(): number {
    return Math.min(Infinity, ...Array.from(this.#counted.values(), (sample) => sample.tsMs));
  }

  /** The timeline over [fromMs, toMs), whole minutes; `samples` are those of the window. To be called before `traffic`. */
  timeline(fromMs: number, toMs: number, samples: readonly RawSample[], endsAtMs: number | null): TimelineWindow {
    // A state older than its staleness is silence, however old: it is moved near, so that the model need not walk there.
    const nearMs = fromMs - this.#terms.stalenessMs - MINUTE_MS;
    const carried = this.#latest.map((sample) => ({ ...sample, tsMs: Math.max(sample.tsMs, nearMs) }));
    const all = ranked([...carried, ...samples]);
    if (all.length === 0) return { segments: [], minutes: [], served: [] };
    const history = this.#history(all, toMs);
    const segments = segmentsOf(history)
      .map((each) => ({ ...each, fromMs: Math.max(each.fromMs, fromMs), toMs: Math.min(each.toMs, toMs) }))
      .filter((each) => each.fromMs < each.toMs);
    const within = ({ minuteMs }: MinuteParts): boolean => minuteMs >= fromMs && minuteMs < toMs;
    const minutes = minutesOf(history).filter(within);
    const served = endsAtMs === null || endsAtMs >= toMs ? minutes : minutesOf({ ...history, endsAtMs }).filter(within);
    return { segments, minutes, served };
  }

  /** The increases that end in the window; then the window's samples are carried on. */
  traffic(toMs: number, samples: readonly RawSample[]): TrafficWindow {
    if (samples.length === 0) return { shares: [], quarantined: [] };
    const known = ranked([...this.#counted.values()]);
    const history = this.#history(ranked(samples), toMs);
    const { minutes, quarantined } = trafficOf(history, this.#terms.linkLimitBps, known);
    this.#carry(samples);
    const byInstant = [...quarantined].sort((x, y) => x.b.tsMs - y.b.tsMs || compareText(x.nic, y.nic));
    return { shares: minutes, quarantined: byInstant };
  }

  #carry(samples: readonly RawSample[]): void {
    const lastMs = samples.at(-1)?.tsMs;
    this.#latest = samples.filter((sample) => sample.tsMs === lastMs);
    for (const sample of samples) {
      if (sample.counters === null) continue;
      this.#counted.set(chainOf(sample), sample);
      if (!this.firstCountersMs.has(sample.nic)) this.firstCountersMs.set(sample.nic, sample.tsMs);
    }
  }

  /** With a watermark that publishes the window whole. */
  #history(samples: readonly InForce[], toMs: number): VmHistory {
    const { stalenessMs } = this.#terms;
    return { samples, stalenessMs, watermarkMs: toMs + stalenessMs, endsAtMs: null };
  }
}

/** Places in the log as the model wants them: small numbers in the same order. */
function ranked(samples: readonly RawSample[]): InForce[] {
  const byPos = [...samples].sort((a, b) => (a.pos < b.pos ? -1 : a.pos > b.pos ? 1 : 0));
  return byPos.map((sample, logIndex) => ({ ...sample, logIndex }));
}
