/**
 * VMs whose rows are not yet what their samples amount to: from a minute on they have to be written anew, and until they are the VM's samples
 * wait (archived, not taken in). Work on them is cut into slices; whose turn it is is decided here. What is here is part of the state that a
 * checkpoint saves.
 */
import { MINUTE_MS } from '../domain/zone.ts';

import { type Chain, chainKey } from './tables.ts';

/** One VM that waits. */
export interface Waiting {
  readonly vm: string;
  readonly slot: number;
  /** The key whose sample made it wait last. */
  agent: string;
  /** The earliest sample that came since it was last looked at; Infinity when none has. */
  lateMs: number;
  /** Where in the log the first of those stands; undefined when none has, or when that is not known. */
  latePos: bigint | undefined;
  /** Rows from this minute on are not as they should be. Infinity before the samples around `lateMs` have been looked at. */
  fromMs: number;
  /** Samples before this one are not needed to go on at `fromMs`; undefined when that is not known. */
  readMs: number | undefined;
  /** The newest sample that the VM is known to have. */
  newestMs: number;
  /** Chains with samples among what came late (`chainKey`): what they counted before matters. */
  readonly nics: Set<string>;
  /** Samples that are archived and wait to be taken in. */
  samples: number;
}

/** What a late sample adds. */
export interface Arrival extends Chain {
  readonly vm: string;
  readonly vmSlot: number;
  readonly tsMs: number;
  readonly pos: bigint;
  readonly agent: string;
}

/** How much waits, for people. */
export interface WaitingWork {
  readonly vms: number;
  /** Minutes between where each has to begin and its newest sample: no fewer rows than these, as far as is known. */
  readonly minutes: number;
  readonly samples: number;
}

export const NO_WORK: WaitingWork = { vms: 0, minutes: 0, samples: 0 };

/** Minutes that are certain to have to be written for a VM. */
export function minutesLeft({ fromMs, lateMs, newestMs }: Waiting): number {
  return Math.max(1, Math.ceil((newestMs + 1 - Math.min(fromMs, lateMs)) / MINUTE_MS));
}

export class Backlog {
  readonly #waiting = new Map<string, Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  get work(): WaitingWork {
    if (this.#waiting.size === 0) return NO_WORK;
    let minutes = 0;
    let samples = 0;
    for (const each of this.#waiting.values()) {
      minutes += minutesLeft(each);
      samples += each.samples;
    }
    return { vms: this.#waiting.size, minutes, samples };
  }

  has(vm: string): boolean {
    return this.#waiting.has(vm);
  }

  all(): IterableIterator<Waiting> {
    return this.#waiting.values();
  }

  /** Takes a sample in whose place is not at the end. @param newestMs the newest that the VM had before */
  add({ vm, vmSlot, tsMs, pos, agent, ...chain }: Arrival, newestMs: number): void {
    let own = this.#waiting.get(vm);
    if (own === undefined) {
      own = {
        vm,
        slot: vmSlot,
        agent,
        lateMs: Infinity,
        latePos: undefined,
        fromMs: Infinity,
        readMs: undefined,
        newestMs,
        nics: new Set(),
        samples: 0,
      };
      this.#waiting.set(vm, own);
    }
    own.agent = agent;
    own.lateMs = Math.min(own.lateMs, tsMs);
    if (own.latePos === undefined || pos < own.latePos) own.latePos = pos;
    own.newestMs = Math.max(own.newestMs, tsMs);
    // a conflict may have taken counters away: its interface's past matters either way
    own.nics.add(chainKey(chain));
    own.samples++;
  }

  /** One that waited when the state was lost: what is known is where its rows have to begin. */
  restore(entry: Waiting): void {
    this.#waiting.set(entry.vm, entry);
  }

  done(vm: string): void {
    this.#waiting.delete(vm);
  }

  /**
   * Those whose turn it is, by agent: agents one after the other from another one each time, of each those first with the least to do. So
   * nobody's work waits behind another's, and small work behind none.
   * @param turn moves on by one from slice to slice
   */
  nextInTurn(turn: number, vmsMax: number): Waiting[][] {
    const byAgent = new Map<string, Waiting[]>();
    for (const each of this.#waiting.values()) {
      const own = byAgent.get(each.agent);
      if (own === undefined) byAgent.set(each.agent, [each]);
      else own.push(each);
    }
    const agents = [...byAgent.keys()].sort().slice(0);
    const first = agents.length === 0 ? 0 : turn % agents.length;
    const inTurn = [...agents.slice(first), ...agents.slice(0, first)].slice(0, vmsMax);
    const share = Math.max(1, Math.floor(vmsMax / Math.max(1, inTurn.length)));
    const chosen = inTurn.map((agent) => leastFirst(byAgent.get(agent) ?? []).slice(0, vmsMax));
    // what one leaves of its share is the others'
    let left = vmsMax;
    const taken = chosen.map((own) => {
      const n = Math.min(own.length, share);
      left -= n;
      return n;
    });
    return chosen.map((own, i) => {
      const more = Math.min(own.length - (taken[i] ?? 0), left);
      left -= more;
      return own.slice(0, (taken[i] ?? 0) + more);
    });
  }

  encode(): Uint8Array {
    const rows = [...this.#waiting.values()].map((each) => [
      each.vm,
      each.agent,
      finite(each.lateMs),
      finite(each.fromMs),
      each.readMs ?? null,
      each.newestMs,
      [...each.nics],
      each.samples,
      each.latePos?.toString() ?? null,
    ]);
    return Buffer.from(JSON.stringify(rows));
  }

  /** Takes the place of what is here. @param slotOf the slot of a VM in the kernel */
  decode(bytes: Uint8Array, slotOf: (vm: string) => number): void {
    this.#waiting.clear();
    const rows = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as EncodedRow[];
    for (const [vm, agent, lateMs, fromMs, readMs, newestMs, nics, samples, latePos] of rows) {
      this.restore({
        vm,
        slot: slotOf(vm),
        agent,
        lateMs: lateMs ?? Infinity,
        // states of before slips were looked for do not say
        latePos: typeof latePos === 'string' ? BigInt(latePos) : undefined,
        fromMs: fromMs ?? Infinity,
        readMs: readMs ?? undefined,
        newestMs,
        nics: new Set(nics),
        samples,
      });
    }
  }
}

type EncodedRow = [
  vm: string,
  agent: string,
  lateMs: number | null,
  fromMs: number | null,
  readMs: number | null,
  newestMs: number,
  nics: string[],
  samples: number,
  latePos?: string | null,
];

function finite(ms: number): number | null {
  return ms === Infinity ? null : ms;
}

/** The least work first; by name where it is the same, as the archive lies. */
function leastFirst(some: readonly Waiting[]): Waiting[] {
  return some
    .map((each) => ({ each, minutes: minutesLeft(each) }))
    .sort((a, b) => a.minutes - b.minutes || (a.each.vm < b.each.vm ? -1 : 1))
    .map(({ each }) => each);
}

/** How many minutes each may have of a slice: an agent's share in turn, and what is left in the same order. @param wanted by agent */
export function shareOut(wanted: readonly (readonly number[])[], minutesMax: number): number[][] {
  const given = wanted.map((own) => own.map(() => 0));
  const agents = wanted.filter((own) => own.length > 0).length;
  if (agents === 0) return given;
  let left = minutesMax;
  for (const share of [Math.ceil(minutesMax / agents), Infinity]) {
    for (const [a, own] of wanted.entries()) {
      let budget = Math.min(share, left);
      for (const [i, minutes] of own.entries()) {
        const row = given[a] ?? [];
        const take = Math.min(minutes - (row[i] ?? 0), budget);
        if (take <= 0) continue;
        row[i] = (row[i] ?? 0) + take;
        budget -= take;
        left -= take;
      }
    }
  }
  return given;
}
