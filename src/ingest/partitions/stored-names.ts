/**
 * Which names have a place, as far as ClickHouse tells: those that something is stored of, and VMs of the catalog. One question is under way at a time, and
 * who comes meanwhile shares the next.
 */
import { DAY_MS } from '../../domain/zone.ts';
import { literal } from '../../store/rowbinary.ts';
import type { Store } from '../../store/store.ts';
import { type Named, chainNames, nicKey } from './named.ts';

/** VMs in one statement. */
const VMS_ASKED = 1000;
/** Names that are remembered as stored; beyond it all are asked for anew. */
const REMEMBERED_MAX = 500_000;

/** What the log was at when the question was asked. */
export interface AskedAt {
  /** The time in the log; undefined before the first. */
  readonly clockMs: number | undefined;
  /** The entry of the catalog up to which its VMs have their places. */
  readonly catalogSeq: bigint;
}

interface Asker {
  readonly named: Named;
  readonly at: AskedAt;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  gone: boolean;
}

export class StoredNames {
  readonly #store: Store;
  #stored = new Set<string>();
  #askers: Asker[] = [];
  #asking = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether a name (`vm`, or `nicKey`) was found stored. */
  has(key: string): boolean {
    return this.#stored.has(key);
  }

  /** Names are forgotten. */
  clear(): void {
    this.#stored = new Set();
  }

  /** Resolves when `has` knows of these names all that ClickHouse says. @param over aborted when nobody waits any more */
  ask(named: Named, at: AskedAt, over: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const asker: Asker = { named, at, resolve, reject, gone: false };
      over.addEventListener(
        'abort',
        () => {
          asker.gone = true;
        },
        { once: true },
      );
      this.#askers.push(asker);
      if (!this.#asking) void this.#answerAll();
    });
  }

  async #answerAll(): Promise<void> {
    this.#asking = true;
    for (;;) {
      const round = this.#askers.splice(0).filter(({ gone }) => !gone);
      const newest = round.at(-1);
      if (newest === undefined) break;
      try {
        await this.#answer(round, newest.at);
        for (const { resolve } of round) resolve();
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#asking = false;
  }

  async #answer(round: readonly Asker[], at: AskedAt): Promise<void> {
    if (this.#stored.size > REMEMBERED_MAX) this.clear();
    const lately = at.clockMs === undefined ? '' : ` AND ts >= fromUnixTimestamp64Milli(toInt64(${at.clockMs - DAY_MS}))`;
    // of what was posted lately little has to be read, and it is nearly all that is asked for
    await this.#find(this.#missing(round), (vms) => [
      `SELECT DISTINCT vm, nic, host, part, 1 AS is_nic FROM samples WHERE vm IN (${vms})${lately}`,
    ]);
    await this.#find(this.#missing(round), (vms) => [
      `SELECT DISTINCT vm, nic, host, part, 1 AS is_nic FROM samples WHERE vm IN (${vms})`,
      `SELECT DISTINCT vm, nic, host, part, 1 AS is_nic FROM traffic WHERE vm IN (${vms})`,
      `SELECT DISTINCT vm, '' AS nic, '' AS host, toUInt8(0) AS part, 0 AS is_nic FROM uptime WHERE vm IN (${vms})`,
      `SELECT DISTINCT id AS vm, '' AS nic, '' AS host, toUInt8(0) AS part, 0 AS is_nic FROM catalog WHERE kind = 'vm' AND id IN (${vms}) AND seq <= ${at.catalogSeq}`,
    ]);
  }

  /** VMs of which something was not found. */
  #missing(round: readonly Asker[]): string[] {
    const vms = new Set<string>();
    for (const { named } of round)
      for (const [vm, nics] of named)
        if (!this.#stored.has(vm) || [...nics].some((nic) => !this.#stored.has(nicKey(vm, nic)))) vms.add(vm);
    return [...vms];
  }

  async #find(vms: readonly string[], queries: (vms: string) => readonly string[]): Promise<void> {
    const found = this.#stored;
    for (let at = 0; at < vms.length; at += VMS_ASKED) {
      const list = vms
        .slice(at, at + VMS_ASKED)
        .map(literal)
        .join(', ');
      const rows = await this.#store.rows<{ vm: string; nic: string; host: string; part: number; is_nic: number }>(
        queries(list).join(' UNION ALL '),
      );
      for (const { vm, is_nic, ...chain } of rows) {
        found.add(vm);
        if (is_nic === 1) for (const name of chainNames(chain)) found.add(nicKey(vm, name));
      }
    }
  }
}
