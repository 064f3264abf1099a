/** The traffic of one VM (SPEC §2): increases between samples of an interface, spread exactly over minutes. */
import { byChain, chainOf, compareText, type Counted, type Counters, type InForce } from './inforce.ts';
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
  /** Published minutes with traffic, by nic and minute. Where slips are taken back that earlier calls billed, less than nothing. */
  readonly minutes: readonly NicMinute[];
  /** The pairs whose increase beats the link limit, or that fell though nothing began again, wherever they lie: billed as zero. */
  readonly quarantined: readonly CounterPair[];
  /** By chain, where it may turn out that what came since the newest increase that was too fast were slips. */
  readonly jumps: ReadonlyMap<string, Jump>;
}

/** An increase that was too fast: if the counter goes back behind it, what was counted from b on were slips. */
export interface Jump {
  readonly a: Counted;
  readonly b: Counted;
  /** What was billed since b, by minute. */
  readonly billed: Map<number, NicMinute>;
}

/** What was taken in before. */
export interface Known {
  /** Each is the last of its chain. */
  readonly samples: readonly InForce[];
  readonly jumps: ReadonlyMap<string, Jump>;
}

const NOTHING: Known = { samples: [], jumps: new Map() };

/** Bytes over [fromMs, b.tsMs). */
interface Increase extends Counters {
  readonly nic: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The traffic of one VM; `linkLimitBps` is in bits a second, either direction. */
export function trafficOf(vm: VmHistory, linkLimitBps: bigint, known: Known = NOTHING): VmTraffic {
  const untilMs = Math.max(publishedUntilMs(vm), ...vm.samples.map(({ tsMs }) => tsMs));
  const endsAtMs = vm.endsAtMs ?? Infinity;
  const quarantined: CounterPair[] = [];
  const sums = new Map<string, Map<number, NicMinute>>();
  const add = (share: NicMinute): void => {
    if (share.minuteMs + MINUTE_MS > untilMs) return;
    const ofNic = sums.get(share.nic) ?? new Map<number, NicMinute>();
    sums.set(share.nic, ofNic);
    ofNic.set(share.minuteMs, plus(share, ofNic.get(share.minuteMs)));
  };
  const samples = [...known.samples, ...vm.samples];
  const begun = new Set(byChain(known.samples).keys());
  const jumps = new Map(known.jumps);
  const slips: Slips[] = [];
  const firsts: CounterPair[] = [];
  for (const pair of pairsOf(samples)) {
    const chain = chainOf(pair.b);
    if (pair.a === null) {
      if (!begun.has(chain)) firsts.push(pair);
      continue;
    }
    const jump = jumps.get(chain);
    const limit = limitOf(pair.b, linkLimitBps);
    const back = jump !== undefined && isFall(pair) ? backBehind(jump, pair.b) : null;
    if (jump !== undefined && back !== null && !isTooFast(back, limit)) {
      for (const { rxBytes, txBytes, ...of } of jump.billed.values()) add({ ...of, rxBytes: -rxBytes, txBytes: -txBytes });
      slips.push({ chain, fromMs: jump.b.tsMs, toMs: pair.b.tsMs });
      jumps.delete(chain);
      for (const share of sharesOf(back, endsAtMs)) add(share);
      continue;
    }
    if (isReset(pair.a, pair.b)) jumps.delete(chain);
    const increase = increaseOf(pair);
    if (increase === null || isTooFast(increase, limit)) {
      quarantined.push(pair);
      if (increase === null) continue;
      jumps.delete(chain);
      if (goesOn(pair.a, pair.b)) jumps.set(chain, { a: pair.a, b: pair.b, billed: new Map() });
      continue;
    }
    const billed = jumps.get(chain)?.billed;
    for (const share of sharesOf(increase, endsAtMs)) {
      add(share);
      billed?.set(share.minuteMs, plus(share, billed.get(share.minuteMs)));
    }
  }
  const counted = samples.filter((sample) => !slips.some((each) => isAmong(sample, each)));
  for (const first of firsts) {
    if (!isBorn(first.b, counted)) continue;
    const increase = increaseOf(first);
    if (increase === null || isTooFast(increase, limitOf(first.b, linkLimitBps))) quarantined.push(first);
    else for (const share of sharesOf(increase, endsAtMs)) add(share);
  }
  // chains of one interface come one after another, first counters at the end, and their minutes lie between each other's
  const minutes = [...sums.values()].flatMap((ofNic) => [...ofNic.values()]);
  minutes.sort((a, b) => compareText(a.nic, b.nic) || a.minuteMs - b.minuteMs);
  return { minutes: minutes.filter((row) => row.rxBytes !== 0n || row.txBytes !== 0n), quarantined, jumps };
}

function plus(share: NicMinute, sum: NicMinute | undefined): NicMinute {
  return { ...share, rxBytes: share.rxBytes + (sum?.rxBytes ?? 0n), txBytes: share.txBytes + (sum?.txBytes ?? 0n) };
}

/** Samples of a chain that count for nothing: [fromMs, toMs). */
interface Slips {
  readonly chain: string;
  readonly fromMs: number;
  readonly toMs: number;
}

function isAmong(sample: InForce, { chain, fromMs, toMs }: Slips): boolean {
  return sample.tsMs >= fromMs && sample.tsMs < toMs && chainOf(sample) === chain;
}

function isFall({ a, b }: CounterPair): boolean {
  return a !== null && (b.counters.rx < a.counters.rx || b.counters.tx < a.counters.tx);
}

/**
 * The increase from before a jump to a sample after it that fell: the samples from the jump on were slips. Null where something began anew
 * since, or a counter is less than it was before the jump.
 */
function backBehind({ a }: Jump, c: Counted): Increase | null {
  if (!goesOn(a, c)) return null;
  if (c.counters.rx < a.counters.rx || c.counters.tx < a.counters.tx) return null;
  return {
    ...{ nic: c.nic, fromMs: a.tsMs, toMs: c.tsMs },
    ...{ rx: c.counters.rx - a.counters.rx, tx: c.counters.tx - a.counters.tx },
  };
}

/** Does a later sample say that it is still the counter of an earlier one? */
function goesOn(a: Counted, b: Counted): boolean {
  return a.epoch === b.epoch && (b.startedAtMs ?? -Infinity) <= a.tsMs;
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
  if (a === null || isReset(a, b)) return { ...span, ...b.counters };
  if (isFall({ nic, a, b })) return null;
  return { ...span, rx: b.counters.rx - a.counters.rx, tx: b.counters.tx - a.counters.tx };
}

/** Did the counters begin again between two samples? */
function isReset(a: Counted, b: Counted): boolean {
  if (!goesOn(a, b)) return true;
  return b.isSum !== true && (2n * b.counters.rx < a.counters.rx || 2n * b.counters.tx < a.counters.tx);
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
