/** The traffic of one VM (SPEC §2): increases between samples of an interface, spread exactly over minutes. */
import { byChain, chainOf, type Counted, type Counters, type InForce } from './inforce.ts';
import { floorToMinute, MINUTE_MS, publishedUntilMs, type VmHistory } from './timeline.ts';

export interface NicMinute {
  readonly nic: string;
  readonly minuteMs: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

export type { Counted };

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
  const untilMs = Math.max(publishedUntilMs(vm), ...vm.samples.map(({ tsMs }) => tsMs));
  const endsAtMs = vm.endsAtMs ?? Infinity;
  const quarantined: CounterPair[] = [];
  const sums = new Map<string, Map<number, NicMinute>>();
  const samples = [...known, ...vm.samples];
  const begun = new Set(byChain(known).keys());
  for (const pair of pairsOf(samples)) {
    if (pair.a === null && (begun.has(chainOf(pair.b)) || !isBorn(pair.b, samples))) continue;
    const increase = increaseOf(pair);
    if (increase === null || isTooFast(increase, limitOf(pair.b, linkLimitBps))) {
      quarantined.push(pair);
      continue;
    }
    const ofNic = sums.get(pair.nic) ?? new Map<number, NicMinute>();
    sums.set(pair.nic, ofNic);
    for (const { nic, minuteMs, rxBytes, txBytes } of sharesOf(increase, endsAtMs)) {
      if (minuteMs + MINUTE_MS > untilMs) continue;
      const sum = ofNic.get(minuteMs);
      ofNic.set(minuteMs, { nic, minuteMs, rxBytes: rxBytes + (sum?.rxBytes ?? 0n), txBytes: txBytes + (sum?.txBytes ?? 0n) });
    }
  }
  // chains of one interface come one after another, and their minutes lie between each other's
  const minutes = [...sums.values()].flatMap((ofNic) => [...ofNic.values()].sort((a, b) => a.minuteMs - b.minuteMs));
  return { minutes: minutes.filter((row) => row.rxBytes > 0n || row.txBytes > 0n), quarantined };
}

/** By chain and time. State-only samples are left out first: they do not break the chain of counters. */
function pairsOf(samples: readonly InForce[]): CounterPair[] {
  const pairs: CounterPair[] = [];
  for (const [, chain] of [...byChain(samples)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const own = chain.sort((a, b) => a.tsMs - b.tsMs);
    for (const [index, b] of own.entries()) pairs.push({ nic: b.nic, a: own[index - 1] ?? null, b });
  }
  return pairs;
}

/**
 * Did the counters of a chain's first sample begin after everything that was counted of the interface before it, on whatever host? Then
 * all that they say is new. The very first of an interface has nothing to be later than.
 */
function isBorn(first: Counted, samples: readonly InForce[]): boolean {
  if (first.startedAtMs === undefined) return false;
  const earlier = samples.filter(({ nic, tsMs, counters }) => counters !== null && nic === first.nic && tsMs < first.tsMs);
  if (earlier.length === 0) return false;
  return first.startedAtMs > earlier.reduce((last, { tsMs }) => Math.max(last, tsMs), -Infinity);
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
  const most = rx > tx ? rx : tx;
  return most * 8n * 1000n > limitBps * BigInt(toMs - fromMs);
}

/** The minutes' shares of one increase; the minute in which the service ends is the last one, and whole. */
function sharesOf({ nic, rx, tx, fromMs, toMs }: Increase, endsAtMs: number): NicMinute[] {
  const firstMs = floorToMinute(fromMs);
  // what lies within one minute is that minute's, whole
  if (fromMs < toMs && toMs <= firstMs + MINUTE_MS)
    return firstMs < endsAtMs ? [{ nic, minuteMs: firstMs, rxBytes: rx, txBytes: tx }] : [];
  const cum = (increase: bigint, atMs: number): bigint => (increase * BigInt(atMs - fromMs)) / BigInt(toMs - fromMs);
  const shares: NicMinute[] = [];
  for (let minuteMs = firstMs; minuteMs < Math.min(toMs, endsAtMs); minuteMs += MINUTE_MS) {
    const lowMs = Math.max(minuteMs, fromMs);
    const highMs = Math.min(minuteMs + MINUTE_MS, toMs);
    if (highMs <= lowMs) continue;
    const share = (increase: bigint): bigint => cum(increase, highMs) - cum(increase, lowMs);
    shares.push({ nic, minuteMs, rxBytes: share(rx), txBytes: share(tx) });
  }
  return shares;
}
