/**
 * The slow model over one VM's samples, a window at a time. What the model needs from before a window is carried: the
 * samples at the last instant of the VM that said a state (it may still hold), and each chain's last counters.
 */
import { byChain, compareText, type Counted, type InForce } from './model/inforce.ts';
import { MINUTE_MS, type MinuteParts, minutesOf, type Segment, segmentsOf, type VmHistory } from './model/timeline.ts';
import { type CounterPair, type Jump, type NicMinute, trafficOf } from './model/traffic.ts';

/** A sample as the archive has it: with its place in the log, which is its `logIndex` where it is below 2⁵³. */
export interface RawSample extends InForce {
  readonly pos: number | bigint;
  /** The names of its agent and host are not those that it was stored with (of any of its versions). */
  readonly isAltered?: true;
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
  /** By chain. */
  readonly #counted = new Map<string, Counted & RawSample>();
  /** By chain, what may yet be taken back. */
  #jumps: ReadonlyMap<string, Jump> = new Map();
  /** The instants of each interface's first counters. */
  readonly firstCountersMs = new Map<string, number>();

  constructor(terms: { readonly stalenessMs: number; readonly linkLimitBps: bigint }) {
    this.#terms = terms;
  }

  /** What is certain of an interface's traffic: everything before the last counters of each of its chains, and before what may be taken back. */
  countedUntilMs(nic: string): number {
    let untilMs = Infinity;
    for (const { a } of this.#jumps.values()) if (a.nic === nic) untilMs = Math.min(untilMs, a.tsMs);
    for (const sample of this.#counted.values()) if (sample.nic === nic) untilMs = Math.min(untilMs, sample.tsMs);
    return untilMs === Infinity ? -Infinity : untilMs;
  }

  /** The earliest instant at which some interface's next increase may begin; Infinity without counters. */
  openSinceMs(): number {
    const jumpedMs = Array.from(this.#jumps.values(), ({ a }) => a.tsMs);
    return Math.min(Infinity, ...jumpedMs, ...Array.from(this.#counted.values(), (sample) => sample.tsMs));
  }

  /** What was before the first window, where that is not the first of all: an interface's last samples, or its last one with counters among them. */
  begin(samples: readonly RawSample[]): void {
    this.#carry([...samples].sort((a, b) => a.tsMs - b.tsMs));
  }

  /** Counters of interfaces that spoke before the first window, but not lately. */
  recall(samples: readonly RawSample[]): void {
    for (const [chain, own] of byChain(samples)) if (!this.#counted.has(chain)) this.#count(chain, own);
  }

  /** Whether the counters of all these go on from ones that are known. */
  knowsChainsOf(samples: readonly RawSample[]): boolean {
    return [...byChain(samples).keys()].every((chain) => this.#counted.has(chain));
  }

  /** The timeline over [fromMs, toMs), whole minutes; `samples` are those of the window. To be called before `traffic`. */
  timeline(fromMs: number, toMs: number, samples: readonly RawSample[], endsAtMs: number | null): TimelineWindow {
    // A state older than its staleness is silence, however old: it is moved near, so that the model need not walk there.
    const nearMs = ({ holdMs }: RawSample): number => fromMs - (holdMs ?? this.#terms.stalenessMs) - MINUTE_MS;
    const carried = this.#latest.map((sample) => ({ ...sample, tsMs: Math.max(sample.tsMs, nearMs(sample)) }));
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
    const before = { samples: known, jumps: this.#jumps };
    const { minutes, quarantined, jumps } = trafficOf(history, this.#terms.linkLimitBps, before);
    this.#jumps = jumps;
    this.#carry(samples);
    const byInstant = [...quarantined].sort((x, y) => x.b.tsMs - y.b.tsMs || compareText(x.nic, y.nic));
    return { shares: minutes, quarantined: byInstant };
  }

  #carry(samples: readonly RawSample[]): void {
    const last = samples.findLast(({ saysNoState }) => saysNoState !== true);
    if (last !== undefined) this.#latest = samples.filter(({ tsMs, saysNoState }) => tsMs === last.tsMs && saysNoState !== true);
    for (const [chain, own] of byChain(samples)) this.#count(chain, own);
  }

  /** By time. */
  #count(chain: string, own: readonly (Counted & RawSample)[]): void {
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#counted.set(chain, last);
    if (!this.firstCountersMs.has(first.nic)) this.firstCountersMs.set(first.nic, first.tsMs);
  }

  /** With a watermark that publishes the window whole. */
  #history(samples: readonly InForce[], toMs: number): VmHistory {
    const { stalenessMs } = this.#terms;
    return { samples, stalenessMs, watermarkMs: toMs + stalenessMs, endsAtMs: null };
  }
}

/** Places in the log as the model wants them: numbers in the same order. */
function ranked(samples: readonly RawSample[]): readonly InForce[] {
  if (samples.every(({ pos }) => typeof pos === 'number')) return samples;
  const byPos = [...samples].sort((a, b) => (a.pos < b.pos ? -1 : a.pos > b.pos ? 1 : 0));
  return byPos.map((sample, logIndex) => ({ ...sample, logIndex }));
}
