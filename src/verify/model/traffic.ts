/** The traffic of one VM (SPEC §2): increases between samples of an interface, spread exactly over minutes. */
import type { Counters, InForce } from './inforce.ts';
import { floorToMinute, isPublished, MINUTE_MS, type VmHistory } from './timeline.ts';

export interface NicMinute {
  readonly nic: string;
  readonly minuteMs: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

/** Two consecutive samples of an interface that carry counters. */
export interface CounterPair {
  readonly nic: string;
  readonly a: InForce & { readonly counters: Counters };
  readonly b: InForce & { readonly counters: Counters };
}

export interface VmTraffic {
  /** Published minutes with traffic, by nic and minute. */
  readonly minutes: readonly NicMinute[];
  /** The pairs whose increase beats the link limit, wherever they lie: billed as zero. */
  readonly quarantined: readonly CounterPair[];
}

/** The traffic of one VM; `linkLimitBps` is in bits a second, either direction. */
export function trafficOf(vm: VmHistory, linkLimitBps: bigint): VmTraffic {
  const pairs = pairsOf(vm.samples);
  const quarantined = pairs.filter((pair) => isTooFast(pair, linkLimitBps));
  const minutes = new Map<string, NicMinute>();
  for (const pair of pairs) {
    if (quarantined.includes(pair)) continue;
    for (const share of sharesOf(pair, vm.endsAtMs ?? Infinity)) {
      if (!isPublished(vm, share.minuteMs)) continue;
      const key = JSON.stringify([share.nic, share.minuteMs]);
      const sum = minutes.get(key) ?? { ...share, rxBytes: 0n, txBytes: 0n };
      minutes.set(key, { ...sum, rxBytes: sum.rxBytes + share.rxBytes, txBytes: sum.txBytes + share.txBytes });
    }
  }
  return { minutes: [...minutes.values()].filter((row) => row.rxBytes > 0n || row.txBytes > 0n), quarantined };
}

/** By nic and time. State-only samples are left out first: they do not break the chain of counters. */
function pairsOf(samples: readonly InForce[]): CounterPair[] {
  const counted = samples.flatMap((sample) => (sample.counters === null ? [] : [{ ...sample, counters: sample.counters }]));
  const pairs: CounterPair[] = [];
  for (const nic of [...new Set(counted.map((sample) => sample.nic))].sort()) {
    const chain = counted.filter((sample) => sample.nic === nic).sort((a, b) => a.tsMs - b.tsMs);
    for (const [index, b] of chain.entries()) {
      const a = chain[index - 1];
      if (a !== undefined) pairs.push({ nic, a, b });
    }
  }
  return pairs;
}

/** The bytes that passed between two samples: the difference, or b's own counters if they started again in between. */
export function increaseOf({ a, b }: Pick<CounterPair, 'a' | 'b'>): Counters {
  const reset = a.epoch !== b.epoch || b.counters.rx < a.counters.rx || b.counters.tx < a.counters.tx;
  return reset ? b.counters : { rx: b.counters.rx - a.counters.rx, tx: b.counters.tx - a.counters.tx };
}

function isTooFast(pair: CounterPair, linkLimitBps: bigint): boolean {
  const { rx, tx } = increaseOf(pair);
  const bitMsMax = linkLimitBps * BigInt(pair.b.tsMs - pair.a.tsMs);
  return rx * 8n * 1000n > bitMsMax || tx * 8n * 1000n > bitMsMax;
}

/** The minutes' shares of one increase over [a.ts, b.ts); the minute in which the service ends is the last one, and whole. */
function sharesOf(pair: CounterPair, endsAtMs: number): NicMinute[] {
  const { rx, tx } = increaseOf(pair);
  const fromMs = pair.a.tsMs;
  const toMs = pair.b.tsMs;
  const cum = (increase: bigint, atMs: number): bigint => (increase * BigInt(atMs - fromMs)) / BigInt(toMs - fromMs);
  const shares: NicMinute[] = [];
  for (let minuteMs = floorToMinute(fromMs); minuteMs < Math.min(toMs, endsAtMs); minuteMs += MINUTE_MS) {
    const lowMs = Math.max(minuteMs, fromMs);
    const highMs = Math.min(minuteMs + MINUTE_MS, toMs);
    if (highMs <= lowMs) continue;
    const share = (increase: bigint): bigint => cum(increase, highMs) - cum(increase, lowMs);
    shares.push({ nic: pair.nic, minuteMs, rxBytes: share(rx), txBytes: share(tx) });
  }
  return shares;
}
