/**
 * Repair: samples that came late, out of order or in conflict, or that fill more minutes than a step may write, are put where they belong by
 * reading their VM's raw samples back from the archive and running them through the kernel again, from the last undisturbed point to the VM's
 * newest sample (SPEC §2: arrival order changes nothing). It is done in slices of bounded size: a slice writes a stretch of minutes of some
 * VMs as the log up to the step says, under the version of the step's end, so that its rows replace what was there. When a VM's last slice
 * is done the live path has it back.
 */
import type { Kernel, MeteringConstants } from '../kernel/kernel.ts';
import { EMIT_SLICE, LAYOUT as L } from '../kernel/layout.ts';
import type { Store } from '../store/store.ts';
import { type Earliest, type Latest, type Range, earliestIn, interfacesOf, latestIn, samplesAt, samplesIn } from './archive.ts';
import { type Backlog, type Waiting, minutesLeft, shareOut } from './backlog.ts';
import { type Pricing, internVm } from './pricing.ts';
import { type Stretch, restateOutages, withdrawRest } from './restate.ts';
import { beganAt, coldAddress, firstTsMs, install, lastTsMs, nicsOf, vmAddress } from './vm-state.ts';
import { Collector, feed, settleWorkshop } from './workshop.ts';

const MINUTE_MS = 60_000;
/** How far back the samples before a late one are looked for before all of the past is; and ahead, those after a stretch. */
const LOOK_MS = 3_600_000;
/** VMs repaired together: bounds the length of a query. */
export const VMS_A_CHUNK = 1024;

/** What one slice does at most: others' samples wait for no more than this. */
export interface SliceBounds {
  readonly vms: number;
  /** minutes of all its VMs together */
  readonly minutes: number;
  /** samples that are read; those of one minute of a VM are never parted */
  readonly samples: number;
}

/** Minutes that a slice of repair writes, of all its VMs. */
export const SLICE_MINUTES_MAX = 200_000;
/** Samples that a slice of repair reads; those of one minute of a VM are never parted. */
export const SLICE_SAMPLES_MAX = 100_000;

export const SLICE: SliceBounds = { vms: VMS_A_CHUNK, minutes: SLICE_MINUTES_MAX, samples: SLICE_SAMPLES_MAX };

export interface RepairContext {
  readonly live: Kernel;
  /** a second kernel of the same constants, empty between repairs */
  readonly workshop: Kernel;
  readonly store: Store;
  readonly pricing: Pricing;
  readonly constants: MeteringConstants;
  readonly backlog: Backlog;
  readonly slice: SliceBounds;
}

/** The end of the step that the repair belongs to: what it may see, and the version its rows get. */
export interface StepEnd {
  readonly upTo: bigint;
  readonly version: bigint;
}

/** A VM and those of its interfaces whose past matters although nothing newer tells of them. */
interface Subject {
  readonly vm: string;
  readonly slot: number;
  readonly nics: ReadonlySet<string>;
}

/** Works off one slice of what waits. Returns the VMs that the live path has back. @param turn moves on from slice to slice */
export async function repairSlice(context: RepairContext, end: StepEnd, turn: number): Promise<string[]> {
  const { backlog, slice, live } = context;
  const candidates = backlog.nextInTurn(turn, slice.vms);
  await lookUp(
    context,
    candidates.flat().filter(({ lateMs }) => lateMs !== Infinity),
    end.upTo,
  );
  const given = shareOut(
    candidates.map((own) => own.map(minutesLeft)),
    slice.minutes,
  );
  const chosen = new Map<string, Waiting>();
  const plans: Plan[] = [];
  for (const [a, own] of candidates.entries()) {
    for (const [i, waiting] of own.entries()) {
      const minutes = given[a]?.[i] ?? 0;
      if (minutes === 0) continue;
      const untilMs = minutes >= minutesLeft(waiting) ? Infinity : waiting.fromMs + minutes * MINUTE_MS;
      chosen.set(waiting.vm, waiting);
      plans.push({ ...waiting, untilMs });
    }
  }
  const { stretches } = await repairStretches(context, inOrder(plans), end, false);
  const done: string[] = [];
  for (const stretch of stretches) {
    const waiting = chosen.get(stretch.vm);
    if (waiting === undefined) continue;
    waiting.fromMs = stretch.untilMs;
    waiting.readMs = stretch.readMs;
    if (stretch.untilMs !== Infinity) continue;
    install(live, waiting.slot, context.workshop, internVm(context.workshop, waiting.vm), stretch.readMs);
    backlog.done(waiting.vm);
    done.push(waiting.vm);
  }
  return done;
}

/** Finds out in which minute the first increase or state begins that can have changed or has not been written at all. */
async function lookUp(context: RepairContext, some: readonly Waiting[], upTo: bigint): Promise<void> {
  if (some.length === 0) return;
  const previous = await before(
    context,
    some.map((each) => ({ ...each, untilMs: each.lateMs, knownFromMs: undefined })),
    upTo,
    false,
  );
  for (const waiting of some) {
    const { vm, lateMs } = waiting;
    const starts = (previous.get(vm) ?? []).map((latest) => latest.lastCountersMs ?? lateMs);
    // the live path has written no further than its last sample: what was held after it, and the silence that ended that, waits as well
    const writtenMs = waiting.fromMs === Infinity ? (lastTsMs(context.live, waiting.slot) ?? lateMs) : lateMs;
    const fromMs = Math.floor(Math.min(lateMs, writtenMs, ...starts) / MINUTE_MS) * MINUTE_MS;
    waiting.lateMs = Infinity;
    if (fromMs >= waiting.fromMs) continue;
    waiting.fromMs = fromMs;
    waiting.readMs = undefined;
  }
}

/**
 * Builds the live state of VMs anew from the archive alone: how a start without checkpoint and log goes. Their rows are there already.
 * @param owns the VMs that the state is about: positions mean something within one partition only
 */
export async function rebuild(context: RepairContext, end: StepEnd, owns: (vm: string) => boolean = () => true): Promise<void> {
  const { live, store } = context;
  const interfaces = (await interfacesOf(store, end.upTo)).filter(({ vm }) => owns(vm));
  const lastMs = new Map<string, number>();
  for (const each of interfaces) lastMs.set(each.vm, Math.max(each.lastMs, lastMs.get(each.vm) ?? 0));
  const vms = [...lastMs.keys()].sort();
  for (let i = 0; i < vms.length; i += VMS_A_CHUNK) {
    const some = vms.slice(i, i + VMS_A_CHUNK).map((vm): Looked => {
      const untilMs = (lastMs.get(vm) ?? 0) + 1;
      return { vm, slot: internVm(live, vm), nics: new Set(), untilMs, knownFromMs: undefined };
    });
    // of every interface the minute of its last counters is still open
    const latest = await before(context, some, end.upTo, true);
    const plans = some.map((one): Plan => {
      const starts = (latest.get(one.vm) ?? []).map(({ lastCountersMs }) => lastCountersMs ?? one.untilMs - 1);
      const fromMs = Math.floor(Math.min(one.untilMs - 1, ...starts) / MINUTE_MS) * MINUTE_MS;
      return { ...one, fromMs, untilMs: Infinity, readMs: undefined };
    });
    const { stretches } = await repairStretches(context, plans, end, true);
    for (const { vm, readMs } of stretches)
      install(live, internVm(live, vm), context.workshop, internVm(context.workshop, vm), readMs);
  }
  // only the end of each timeline was read
  for (const { vm, nic, firstMs } of interfaces) beganAt(live, internVm(live, vm), nic, firstMs);
}

/** A stretch of a VM that is to be written. */
interface Plan extends Subject {
  readonly fromMs: number;
  readonly untilMs: number;
  /** samples before are not needed; undefined: not known */
  readonly readMs: number | undefined;
}

/** By VM, as the archive lies: neighbours share the granules that a question reads. */
function inOrder(plans: readonly Plan[]): Plan[] {
  return [...plans].sort((a, b) => (a.vm < b.vm ? -1 : Number(a.vm > b.vm)));
}

/**
 * Writes stretches anew. Which of them were, and how far: it ends when it has read as many samples as a slice may.
 * @param fromNothing the live kernel knows nothing of these VMs yet, and all of the samples are read
 */
async function repairStretches(
  context: RepairContext,
  plans: readonly Plan[],
  end: StepEnd,
  fromNothing: boolean,
): Promise<{ stretches: Stretch[] }> {
  const { workshop, store, pricing, slice } = context;
  if (plans.length === 0) return { stretches: [] };
  const undisturbed = await before(
    context,
    plans.map((plan) => ({ ...plan, untilMs: plan.fromMs, knownFromMs: plan.readMs })),
    end.upTo,
    fromNothing,
  );
  const read = new Map(plans.map((plan) => [plan.vm, readFrom(plan, undisturbed.get(plan.vm) ?? [], fromNothing)]));

  workshop.exports.forgetAll();
  pricing.writePlans(workshop);
  for (const { vm, fromMs, untilMs } of plans) {
    const slot = internVm(workshop, vm);
    pricing.writePhases(workshop, slot, vm);
    workshop.setU32(vmAddress(workshop, slot) + L.VM_EMIT_FROM, (EMIT_SLICE | (fromMs / MINUTE_MS)) >>> 0);
    writeUntil(workshop, slot, untilMs);
  }
  const rows = new Collector(workshop, store);
  const ranges: Range[] = plans.map(({ vm, untilMs }) => ({ vm, fromMs: read.get(vm) ?? 0, untilMs }));
  let stretches = plans.map(({ vm, fromMs, untilMs }): Stretch => ({ vm, fromMs, untilMs, readMs: read.get(vm) ?? 0 }));
  /** how far the VM that the reading broke off at has been read */
  let broken: { readonly vm: string; readonly tsMs: number } | undefined;
  for await (const { text, last } of samplesIn(store, ranges, end.upTo, slice.samples)) {
    await feed(workshop, text, end.version, rows);
    if (last === undefined || fromNothing) continue;
    const cut = cutAt(stretches, last);
    if (cut === undefined) continue;
    stretches = cut;
    broken = last;
    break;
  }
  if (broken !== undefined) writeUntil(workshop, internVm(workshop, broken.vm), untilOf(stretches, broken.vm));
  await feed(
    workshop,
    await samplesAt(store, await closers(context, plans, stretches, broken, end.upTo), end.upTo),
    end.version,
    rows,
  );
  await settleWorkshop(workshop, end.version, rows);
  await rows.insertMinutes();
  await withdrawRest(store, stretches, end.version);
  await restateOutages(context, stretches, rows.rows.outages, end);
  return { stretches };
}

function untilOf(stretches: readonly Stretch[], vm: string): number {
  return stretches.find((each) => each.vm === vm)?.untilMs ?? Infinity;
}

function writeUntil(workshop: Kernel, slot: number, untilMs: number): void {
  workshop.setU32(coldAddress(workshop, slot) + L.COLD_EMIT_UNTIL, untilMs === Infinity ? 0xffffffff : untilMs / MINUTE_MS);
}

/** The stretches when the reading, which goes by VM and time, breaks off after a sample; undefined if its VM would not get on by a minute. */
function cutAt(stretches: readonly Stretch[], last: { readonly vm: string; readonly tsMs: number }): Stretch[] | undefined {
  const untilMs = Math.floor(last.tsMs / MINUTE_MS) * MINUTE_MS;
  const own = stretches.find(({ vm }) => vm === last.vm);
  const whole = stretches.filter(({ vm }) => vm < last.vm);
  if (own !== undefined && untilMs > own.fromMs) return [...whole, { ...own, untilMs }];
  return whole.length > 0 ? whole : undefined;
}

/** From where on a VM's samples are read: the last before the stretch decide what it begins with, and what a second opinion goes back to. */
function readFrom({ fromMs }: Plan, latest: readonly Latest[], fromNothing: boolean): number {
  const starts = latest.flatMap((each) => (each.lastCountersMs === undefined ? [] : [each.lastCountersMs]));
  const lasts = latest.map((each) => each.lastMs);
  // what repeats the last sample of an interface is a duplicate: a state that begins with nothing needs them all
  const states = latest.length === 0 ? [] : [fromNothing ? Math.min(...lasts) : Math.max(...lasts)];
  return Math.min(fromMs, ...starts, ...states);
}

interface Looked extends Subject {
  readonly untilMs: number;
  /** nothing before is asked for; undefined: not known */
  readonly knownFromMs: number | undefined;
}

/** For each VM the latest samples before an instant, looked for nearby first. */
async function before(
  context: RepairContext,
  some: readonly Looked[],
  upTo: bigint,
  fromNothing: boolean,
): Promise<Map<string, Latest[]>> {
  const found = new Map<string, Latest[]>();
  const look = async (these: readonly Looked[], fromOf: (one: Looked) => number): Promise<void> => {
    for (const { vm } of these) found.set(vm, []);
    const ranges = these.map((one): Range => ({ vm: one.vm, fromMs: fromOf(one), untilMs: one.untilMs }));
    for (const latest of await latestIn(context.store, ranges, upTo)) found.get(latest.vm)?.push(latest);
  };
  await look(some, ({ untilMs, knownFromMs }) => knownFromMs ?? untilMs - LOOK_MS);
  const incomplete = some.filter(
    (one) =>
      one.knownFromMs === undefined && (fromNothing || !isComplete(context.live, one, one.untilMs, found.get(one.vm) ?? [])),
  );
  if (incomplete.length > 0) await look(incomplete, () => -Infinity);
  return found;
}

/** Was there, for the VM and for each interface that matters after `untilMs`, a sample in what was found, or is there none at all? */
function isComplete(live: Kernel, { slot, nics }: Subject, untilMs: number, found: readonly Latest[]): boolean {
  const first = firstTsMs(live, slot);
  if (first !== undefined && first < untilMs && found.length === 0) return false;
  return nicsOf(live, slot).every((nic) => {
    if (nic.firstTsMs >= untilMs) return true;
    const matters = nics.has(nic.name) || (nic.baseTsMs !== undefined && nic.baseTsMs >= untilMs);
    return !matters || found.some((latest) => latest.nic === nic.name && latest.lastCountersMs !== undefined);
  });
}

/**
 * The samples after stretches that are not the last of their VMs: the state and the increases that reach over a stretch's end are those between
 * the last sample in it and the first after it.
 */
async function closers(
  context: RepairContext,
  plans: readonly Plan[],
  stretches: readonly Stretch[],
  broken: { readonly vm: string; readonly tsMs: number } | undefined,
  upTo: bigint,
): Promise<{ vm: string; nic: string; tsMs: number }[]> {
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
    for (const earliest of await earliestIn(context.store, ranges, upTo)) found.get(earliest.vm)?.push(earliest);
  };
  await look(open, LOOK_MS);
  const incomplete = open.filter(({ plan, afterMs }) => {
    const own = found.get(plan.vm) ?? [];
    return (
      own.length === 0 ||
      nicsOf(context.live, plan.slot).some(
        ({ name, baseTsMs }) =>
          (plan.nics.has(name) || (baseTsMs !== undefined && baseTsMs >= afterMs)) &&
          !own.some((each) => each.nic === name && each.firstCountersMs !== undefined),
      )
    );
  });
  if (incomplete.length > 0) await look(incomplete, Infinity);
  return [...found.values()].flat().flatMap(({ vm, nic, firstMs, firstCountersMs }) => {
    const first = { vm, nic, tsMs: firstMs };
    return firstCountersMs === undefined || firstCountersMs === firstMs ? [first] : [first, { vm, nic, tsMs: firstCountersMs }];
  });
}
