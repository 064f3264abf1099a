/** The traffic of one VM (SPEC §2): increases between samples of an interface, spread exactly over minutes. */
import { chainOf, type Counters, type InForce } from './inforce.ts';
import { floorToMinute, isPublished, MINUTE_MS, type VmHistory } from './timeline.ts';

export interface NicMinute {
  readonly nic: string;
  readonly minuteMs: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

export type Counted = InForce & { readonly counters: Counters };

/** Two consecutive samples of a chain, or its first with `a` null. */
export interface CounterPair {
  readonly nic: string;
  readonly a: Counted | null;
  readonly b: Counted;
}

export interface VmTraffic {
  /** Published minutes with traffic, by nic and minute. */
  readonly minutes: readonly NicMinute[];
  /** The pairs whose increase beats the link limit, or that fell though nothing began again, wherever they lie: billed as zero. */
  readonly quarantined: readonly CounterPair[];
}

/** Bytes over [fromMs, b.tsMs). */
interface Increase extends Counters {
  readonly nic: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The traffic of one VM; `linkLimitBps` is in bits a second, either direction.
 * @param known samples from before, which have been taken in: each is the last of its chain
 */
export function trafficOf(vm: VmHistory, linkLimitBps: bigint, known: readonly InForce[] = []): VmTraffic {
  const quarantined: CounterPair[] = [];
  const minutes = new Map<string, NicMinute>();
  const samples = [...known, ...vm.samples];
  const begun = new Set(countedOf(known).map(chainOf));
  for (const pair of pairsOf(samples)) {
    if (pair.a === null && (begun.has(chainOf(pair.b)) || !isBorn(pair.b, samples))) continue;
    const increase = increaseOf(pair);
    if (increase === null || isTooFast(increase, limitOf(pair.b, linkLimitBps))) {
      quarantined.push(pair);
      continue;
    }
    for (const share of sharesOf(increase, vm.endsAtMs ?? Infinity)) {
      if (!isPublished(vm, share.minuteMs)) continue;
      const key = JSON.stringify([share.nic, share.minuteMs]);
      const sum = minutes.get(key) ?? { ...share, rxBytes: 0n, txBytes: 0n };
      minutes.set(key, { ...sum, rxBytes: sum.rxBytes + share.rxBytes, txBytes: sum.txBytes + share.txBytes });
    }
  }
  return { minutes: [...minutes.values()].filter((row) => row.rxBytes > 0n || row.txBytes > 0n), quarantined };
}

/** By chain and time. State-only samples are left out first: they do not break the chain of counters. */
function pairsOf(samples: readonly InForce[]): CounterPair[] {
  const counted = countedOf(samples);
  const pairs: CounterPair[] = [];
  for (const chain of [...new Set(counted.map(chainOf))].sort()) {
    const own = counted.filter((sample) => chainOf(sample) === chain).sort((a, b) => a.tsMs - b.tsMs);
    for (const [index, b] of own.entries()) pairs.push({ nic: b.nic, a: own[index - 1] ?? null, b });
  }
  return pairs;
}

function countedOf(samples: readonly InForce[]): Counted[] {
  return samples.flatMap((sample) => (sample.counters === null ? [] : [{ ...sample, counters: sample.counters }]));
}

/**
 * Did the counters of a chain's first sample begin after everything that was counted of the interface before it, on whatever host? Then
 * all that they say is new. The very first of an interface has nothing to be later than.
 */
function isBorn(first: Counted, samples: readonly InForce[]): boolean {
  const earlier = countedOf(samples).filter(({ nic, tsMs }) => nic === first.nic && tsMs < first.tsMs);
  if (earlier.length === 0 || first.startedAtMs === undefined) return false;
  return first.startedAtMs > Math.max(...earlier.map(({ tsMs }) => tsMs));
}

/**
 * The bytes that passed before b: the difference to a, or b's own counters if they began again in between. Null for a fall that is nobody's
 * restart: two readers interleaved, a clock set back, an interface of a sum unplugged.
 */
export function increaseOf({ nic, a, b }: CounterPair): Increase | null {
  const fromMs = Math.max(a?.tsMs ?? -Infinity, b.startedAtMs ?? -Infinity);
  const span = { nic, fromMs, toMs: b.tsMs };
  if (a === null || a.epoch !== b.epoch || (b.startedAtMs ?? -Infinity) > a.tsMs) return { ...span, ...b.counters };
  const isHalved = 2n * b.counters.rx < a.counters.rx || 2n * b.counters.tx < a.counters.tx;
  if (isHalved && b.isSum !== true) return { ...span, ...b.counters };
  if (b.counters.rx < a.counters.rx || b.counters.tx < a.counters.tx) return null;
  return { ...span, rx: b.counters.rx - a.counters.rx, tx: b.counters.tx - a.counters.tx };
}

function limitOf({ linkMbps }: InForce, serverBps: bigint): bigint {
  return linkMbps === undefined ? serverBps : BigInt(linkMbps) * 1_000_000n;
}

function isTooFast({ rx, tx, fromMs, toMs }: Increase, limitBps: bigint): boolean {
  const bitMsMax = limitBps * BigInt(toMs - fromMs);
  return rx * 8n * 1000n > bitMsMax || tx * 8n * 1000n > bitMsMax;
}

/** The minutes' shares of one increase; the minute in which the service ends is the last one, and whole. */
function sharesOf({ nic, rx, tx, fromMs, toMs }: Increase, endsAtMs: number): NicMinute[] {
  const cum = (increase: bigint, atMs: number): bigint => (increase * BigInt(atMs - fromMs)) / BigInt(toMs - fromMs);
  const shares: NicMinute[] = [];
  for (let minuteMs = floorToMinute(fromMs); minuteMs < Math.min(toMs, endsAtMs); minuteMs += MINUTE_MS) {
    const lowMs = Math.max(minuteMs, fromMs);
    const highMs = Math.min(minuteMs + MINUTE_MS, toMs);
    if (highMs <= lowMs) continue;
    const share = (increase: bigint): bigint => cum(increase, highMs) - cum(increase, lowMs);
    shares.push({ nic, minuteMs, rxBytes: share(rx), txBytes: share(tx) });
  }
  return shares;
}
