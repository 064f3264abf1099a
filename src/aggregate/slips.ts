/**
 * Slips of a counter (SPEC §2): where a chain's newest increase that was too fast led from a to b and a later sample c goes back behind it, what was
 * counted from b up to c is taken back. The archive is asked for the pairs of samples that matter to this, which are few; the kernel then runs
 * without the counters of slips, so that c follows a.
 */
import type { Store } from '../store/store.ts';
import { literal } from '../store/rowbinary.ts';
import { pairsThatMatter } from './pairs.ts';
import { type Chain, type Counted, JUMPS, type Pair, chainKey, jumpRow } from './tables.ts';

/** The samples with counters of a chain in [bMs, cMs) are slips. */
export interface Slip extends Chain {
  readonly vm: string;
  readonly aMs: number;
  readonly bMs: number;
  readonly cMs: number;
}

/** What was found out about VMs from an instant on. */
export interface Slips {
  /** By time. */
  readonly slips: readonly Slip[];
  /** Increases that are not billed and that a kernel without the slips does not see: those that led to slips, with where they went back, and among slips. */
  readonly unseen: readonly Unseen[];
  /** Of VMs with very many slips, how far they are known. */
  readonly knownUntilMs: ReadonlyMap<string, number>;
}

export interface Unseen {
  readonly vm: string;
  readonly pair: Pair;
  /** 0: among slips */
  readonly backMs: number;
}

export const NO_SLIPS: Slips = { slips: [], unseen: [], knownUntilMs: new Map() };

/** Slips of a chain that a repair knows of at once. */
const SLIPS_MAX = 5000;

export interface Sought {
  readonly vm: string;
  /** Slips that end before it are not asked for. */
  readonly fromMs: number;
}

/** The slips of VMs, as their samples in force up to a position say. @param linkBps bits a second */
export async function findSlips(store: Store, sought: readonly Sought[], upTo: bigint, linkBps: bigint): Promise<Slips> {
  const slips: Slip[] = [];
  const unseen: Unseen[] = [];
  const knownUntilMs = new Map<string, number>();
  for (const { vm, fromMs } of sought) {
    let fold: Fold | undefined;
    for await (const pair of pairsThatMatter(store, vm, upTo, linkBps)) {
      if (fold?.key !== chainKey(pair.chain)) fold = new Fold(vm, pair.chain, fromMs, linkBps);
      if (fold.found >= SLIPS_MAX && pair.b.tsMs > Math.max(fromMs, 0) + 120_000) {
        const knownMs = fold.lastMs;
        knownUntilMs.set(vm, Math.min(knownUntilMs.get(vm) ?? Infinity, knownMs));
        continue;
      }
      fold.take(pair, slips, unseen);
    }
  }
  slips.sort((a, b) => a.bMs - b.bMs);
  return { slips, unseen, knownUntilMs };
}

/** The pairs of one chain, by time. */
class Fold {
  readonly key: string;
  found = 0;
  lastMs = 0;
  readonly #vm: string;
  readonly #chain: Chain;
  readonly #fromMs: number;
  readonly #linkBps: bigint;
  /** The newest increase that was too fast, with no reset since. */
  #jump: Pair | undefined;
  /** Not billed since. */
  #among: Pair[] = [];

  constructor(vm: string, chain: Chain, fromMs: number, linkBps: bigint) {
    this.key = chainKey(chain);
    this.#vm = vm;
    this.#chain = chain;
    this.#fromMs = fromMs;
    this.#linkBps = linkBps;
  }

  take(pair: Pair, slips: Slip[], unseen: Unseen[]): void {
    const { a, b } = pair;
    const hasFallen = b.rx < a.rx || b.tx < a.tx;
    if (this.#jump !== undefined && hasFallen && this.#isBehind(this.#jump, b)) {
      this.#slipped(this.#jump, b, slips, unseen);
      return;
    }
    const isReset = !goesOn(a, b) || (!b.isSum && (isHalved(a.rx, b.rx) || isHalved(a.tx, b.tx)));
    if (isReset) this.#forget();
    if (hasFallen && !isReset) {
      this.#among.push(pair);
      return;
    }
    const sinceMs = Math.max(a.tsMs, b.startedMs ?? 0);
    const [rx, tx] = isReset ? [b.rx, b.tx] : [b.rx - a.rx, b.tx - a.tx];
    if (!isTooFast(rx, tx, b, b.tsMs - sinceMs, this.#linkBps)) return;
    this.#forget();
    // what began anew with the jump itself has nothing to go back behind
    if (goesOn(a, b)) this.#jump = pair;
  }

  #forget(): void {
    this.#jump = undefined;
    this.#among = [];
  }

  #isBehind({ a }: Pair, c: Counted): boolean {
    if (!goesOn(a, c) || c.rx < a.rx || c.tx < a.tx) return false;
    return !isTooFast(c.rx - a.rx, c.tx - a.tx, c, c.tsMs - a.tsMs, this.#linkBps);
  }

  #slipped(jump: Pair, c: Counted, slips: Slip[], unseen: Unseen[]): void {
    const vm = this.#vm;
    if (c.tsMs >= this.#fromMs) {
      slips.push({ vm, ...this.#chain, aMs: jump.a.tsMs, bMs: jump.b.tsMs, cMs: c.tsMs });
      unseen.push({ vm, pair: jump, backMs: c.tsMs }, ...this.#among.map((pair) => ({ vm, pair, backMs: 0 })));
      this.found++;
      this.lastMs = c.tsMs;
    }
    this.#forget();
  }
}

function goesOn(a: Counted, b: Counted): boolean {
  return a.epoch === b.epoch && (b.startedMs === undefined || b.startedMs <= a.tsMs);
}

function isHalved(before: bigint, after: bigint): boolean {
  return after < before && after < before - after;
}

function isTooFast(rx: bigint, tx: bigint, { linkMbps }: Counted, ms: number, serverBps: bigint): boolean {
  const bps = linkMbps === undefined ? serverBps : BigInt(linkMbps) * 1_000_000n;
  return (rx > tx ? rx : tx) * 8000n > bps * BigInt(ms);
}

/** The condition that a row of (vm, nic, host, part, ts_ms) is of a slip; undefined: none is. */
export function isSlip(slips: readonly Slip[], vms: ReadonlySet<string>): string | undefined {
  const byChain = new Map<string, Slip[]>();
  for (const slip of slips) {
    if (!vms.has(slip.vm)) continue;
    const key = `${slip.vm}\n${chainKey(slip)}`;
    const own = byChain.get(key);
    if (own === undefined) byChain.set(key, [slip]);
    else own.push(slip);
  }
  const conditions = [...byChain.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const instants = (of: (slip: Slip) => number): string => `[${own.map((slip) => `toInt64(${of(slip)})`).join(', ')}]`;
    const within = `arrayExists((b, c) -> ts_ms >= b AND ts_ms < c, ${instants(({ bMs }) => bMs)}, ${instants(({ cMs }) => cMs)})`;
    return `(vm = ${literal(first.vm)} AND nic = ${literal(first.nic)} AND host = ${literal(first.host)} AND part = ${first.part} AND ${within})`;
  });
  return conditions.length === 0 ? undefined : `(${conditions.join(' OR ')})`;
}

/** What of slips is on record as the rows stand: of each VM the earliest that an instant of its own lies in, (a, c]. */
export async function recordedSlips(
  store: Store,
  at: readonly { readonly vm: string; readonly atMs: number }[],
): Promise<Map<string, number>> {
  if (at.length === 0) return new Map();
  const vms = at.map(({ vm }) => literal(vm)).join(', ');
  const instants = `transform(vm, [${vms}], [${at.map(({ atMs }) => `toInt64(${Math.min(atMs, 2 ** 52)})`).join(', ')}], toInt64(0))`;
  const rows = await store.rows<{ vm: string; since: string }>(
    `SELECT vm, min(since) AS since
     FROM (SELECT vm, argMax((toUnixTimestamp64Milli(a_ts), toUnixTimestamp64Milli(back_at), withdrawn), version) AS jump, jump.1 AS since
           FROM anomalies WHERE kind = 1 AND vm IN (${vms}) GROUP BY vm, nic, host, part, ts
           HAVING jump.3 = 0 AND jump.2 > 0 AND jump.1 < ${instants} AND jump.2 >= ${instants})
     GROUP BY vm`,
  );
  return new Map(rows.map(({ vm, since }) => [vm, Number(since)]));
}

/** Chains of which an increase was too fast, by what is on record. */
export async function jumpedChains(store: Store): Promise<(Chain & { readonly vm: string })[]> {
  return store.rows<Chain & { readonly vm: string }>(
    `SELECT DISTINCT vm, nic, host, part FROM anomalies
     WHERE kind = 1 AND a_has_counters = 1
       AND (a_epoch != b_epoch OR (b_rx_bytes >= a_rx_bytes AND b_tx_bytes >= a_tx_bytes)
         OR (b_rx_bytes < a_rx_bytes AND b_rx_bytes < a_rx_bytes - b_rx_bytes) OR (b_tx_bytes < a_tx_bytes AND b_tx_bytes < a_tx_bytes - b_tx_bytes))`,
  );
}

/** Writes what the kernel does not see of stretches: increases that are not billed. */
export async function writeUnseen(
  store: Store,
  { unseen }: Slips,
  stretches: readonly { readonly vm: string; readonly fromMs: number; readonly untilMs: number }[],
  version: bigint,
): Promise<void> {
  if (unseen.length === 0) return;
  const byVm = new Map(stretches.map((each) => [each.vm, each]));
  const rows = unseen.flatMap(({ vm, pair, backMs }) => {
    const stretch = byVm.get(vm);
    if (stretch === undefined || pair.b.tsMs < stretch.fromMs || pair.b.tsMs > stretch.untilMs) return [];
    return [jumpRow(vm, pair, backMs, version)];
  });
  await store.insertRowBinary('anomalies', JUMPS, rows);
}
