/** The samples around a stretch that is to be written: the last before it, which its state begins with, and the first after it, which its increases reach to. */
import type { Kernel } from '../kernel/kernel.ts';
import { type Earliest, type Identity, type Latest, type Range, earliestIn, latestIn, samplesAt } from './archive.ts';
import { type Stretch } from './restate.ts';
import { chainKey } from './tables.ts';
import { firstTsMs, hasSiblings, nicsOf } from './vm-state.ts';
import { type RepairContext } from './repair-context.ts';

/** How far back the samples before a late one are looked for before all of the past is; and ahead, those after a stretch. */
const LOOK_MS = 3_600_000;

/** A VM and those of its chains (`chainKey`) whose past matters although nothing newer tells of them. */
interface Subject {
  readonly vm: string;
  readonly slot: number;
  readonly nics: ReadonlySet<string>;
}

/** A stretch of a VM that is to be written. */
export interface Plan extends Subject {
  readonly fromMs: number;
  readonly untilMs: number;
  /** samples before are not needed; undefined: not known */
  readonly readMs: number | undefined;
}

/** From where on a VM's samples are read: the last before the stretch decide what it begins with, and what a second opinion goes back to. */
export function readFrom({ fromMs }: Plan, latest: readonly Latest[], fromNothing: boolean): number {
  const starts = latest.flatMap((each) => (each.lastCountersMs === undefined ? [] : [each.lastCountersMs]));
  const lasts = latest.map((each) => each.lastMs);
  const said = latest.flatMap((each) => (each.lastStateMs === undefined ? [] : [each.lastStateMs]));
  // what repeats the last sample of an interface is a duplicate: a state that begins with nothing needs them all
  const state = said.length === 0 ? [] : [Math.max(...said)];
  return Math.min(fromMs, ...starts, ...state, ...(fromNothing ? lasts : []));
}

export interface Looked extends Subject {
  readonly untilMs: number;
  /** nothing before is asked for; undefined: not known */
  readonly knownFromMs: number | undefined;
}

/** For each VM the latest samples before an instant, looked for nearby first. */
export async function before(
  context: RepairContext,
  some: readonly Looked[],
  upTo: bigint,
  fromNothing: boolean,
): Promise<Map<string, Latest[]>> {
  const found = new Map<string, Latest[]>();
  const look = async (these: readonly Looked[], fromOf: (one: Looked) => number): Promise<void> => {
    for (const { vm } of these) found.set(vm, []);
    const ranges = these.map((one): Range => ({ vm: one.vm, fromMs: fromOf(one), untilMs: one.untilMs }));
    for (const latest of await latestIn(context.store, ranges, upTo, context.slips.slips)) found.get(latest.vm)?.push(latest);
  };
  await look(some, ({ untilMs, knownFromMs }) => knownFromMs ?? untilMs - LOOK_MS);
  const incomplete = some.filter(
    (one) =>
      one.knownFromMs === undefined && (fromNothing || !isComplete(context.live, one, one.untilMs, found.get(one.vm) ?? [])),
  );
  if (incomplete.length > 0) await look(incomplete, () => -Infinity);
  return found;
}

/** Was there, for the VM a state and for each interface that matters after `untilMs` counters in what was found, or is there none at all? */
function isComplete(live: Kernel, { slot, nics }: Subject, untilMs: number, found: readonly Latest[]): boolean {
  const first = firstTsMs(live, slot);
  if (first !== undefined && first < untilMs && found.every(({ lastStateMs }) => lastStateMs === undefined)) return false;
  return nicsOf(live, slot).every((nic) => {
    if (nic.firstTsMs >= untilMs) return true;
    const matters = nics.has(nic.key) || (nic.baseTsMs !== undefined && nic.baseTsMs >= untilMs);
    return !matters || found.some((latest) => chainKey(latest) === nic.key && latest.lastCountersMs !== undefined);
  });
}

/**
 * The samples after stretches that are not the last of their VMs: the state and the increases that reach over a stretch's end are those between
 * the last sample in it and the first after it.
 */
export async function closers(
  context: RepairContext,
  plans: readonly Plan[],
  stretches: readonly Stretch[],
  broken: { readonly vm: string; readonly tsMs: number } | undefined,
  upTo: bigint,
): Promise<Identity[]> {
  const subjects = new Map(plans.map((plan) => [plan.vm, plan]));
  const open = stretches.flatMap(({ vm, untilMs }) => {
    const plan = subjects.get(vm);
    // of the VM that the reading broke off at, what comes after the stretch's end was read up to here
    const afterMs = vm === broken?.vm ? broken.tsMs : untilMs;
    return untilMs === Infinity || plan === undefined ? [] : [{ plan, afterMs }];
  });
  const found = new Map<string, Earliest[]>();
  const look = async (some: typeof open, aheadMs: number): Promise<void> => {
    for (const { plan } of some) found.set(plan.vm, []);
    const ranges = some.map(({ plan, afterMs }): Range => ({ vm: plan.vm, fromMs: afterMs, untilMs: afterMs + aheadMs }));
    for (const earliest of await earliestIn(context.store, ranges, upTo, context.slips.slips))
      found.get(earliest.vm)?.push(earliest);
  };
  await look(open, LOOK_MS);
  const incomplete = open.filter(({ plan, afterMs }) => {
    const own = found.get(plan.vm) ?? [];
    return (
      own.every(({ firstStateMs }) => firstStateMs === undefined) ||
      nicsOf(context.live, plan.slot).some(
        ({ key, baseTsMs }) =>
          (plan.nics.has(key) || (baseTsMs !== undefined && baseTsMs >= afterMs)) &&
          !own.some((each) => chainKey(each) === key && each.firstCountersMs !== undefined),
      )
    );
  });
  if (incomplete.length > 0) await look(incomplete, Infinity);
  const closing = [...found.values()].flat().flatMap(({ firstStateMs, firstCountersMs, ...of }): Identity[] => {
    const instants = new Set([firstStateMs, firstCountersMs].filter((ms) => ms !== undefined));
    return [...instants].map((tsMs) => ({ ...of, tsMs }));
  });
  return [...closing, ...(await beforeBirths(context, open, found, upTo))];
}

/**
 * First counters after a stretch's end may be the first of their chain: whether they are new depends on the newest of the interface before them, which
 * may lie after the end as well.
 */
async function beforeBirths(
  { live, store, slips: { slips } }: RepairContext,
  open: readonly { readonly plan: Plan; readonly afterMs: number }[],
  found: ReadonlyMap<string, readonly Earliest[]>,
  upTo: bigint,
): Promise<Identity[]> {
  const ranges = open.flatMap(({ plan, afterMs }): Range[] => {
    if (!hasSiblings(live, plan.slot)) return [];
    const firsts = (found.get(plan.vm) ?? []).flatMap(({ firstCountersMs }) => firstCountersMs ?? []);
    return firsts.length < 2 ? [] : [{ vm: plan.vm, fromMs: afterMs, untilMs: Math.max(...firsts) }];
  });
  const before: Identity[] = [];
  for (const { vm, fromMs, untilMs } of ranges) {
    for (const { firstCountersMs } of found.get(vm) ?? []) {
      if (firstCountersMs === undefined || firstCountersMs > untilMs) continue;
      for (const { lastCountersMs, vm: its, nic, host, part } of await latestIn(
        store,
        [{ vm, fromMs, untilMs: firstCountersMs }],
        upTo,
        slips,
      ))
        if (lastCountersMs !== undefined) before.push({ vm: its, nic, host, part, tsMs: lastCountersMs });
    }
  }
  return before;
}

/** Of VMs whose interfaces have several chains, the counters before what is read: births are judged by them, and increases begin there. */
export async function seeds(
  { live, store, slips: { slips } }: RepairContext,
  plans: readonly Plan[],
  read: ReadonlyMap<string, number>,
  upTo: bigint,
): Promise<Uint8Array> {
  const ranges = plans
    .filter(({ slot }) => hasSiblings(live, slot))
    .map(({ vm }): Range => ({ vm, fromMs: -Infinity, untilMs: read.get(vm) ?? 0 }));
  const counted = (await latestIn(store, ranges, upTo, slips)).flatMap(({ lastCountersMs, vm, nic, host, part }): Identity[] =>
    lastCountersMs === undefined ? [] : [{ vm, nic, host, part, tsMs: lastCountersMs }],
  );
  return samplesAt(store, counted, upTo, slips, 'none');
}
