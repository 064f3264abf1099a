/**
 * Repair: samples that came late, out of order or in conflict, or that fill more minutes than a step may write, are put where they belong by
 * reading their VM's raw samples back from the archive and running them through the kernel again, from the last undisturbed point to the VM's
 * newest sample (SPEC §2: arrival order changes nothing). It is done in slices of bounded size: a slice writes a stretch of minutes of some
 * VMs as the log up to the step says, under the version of the step's end, so that its rows replace what was there. When a VM's last slice
 * is done the live path has it back.
 */
import { MINUTE_MS } from '../domain/zone.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { EMIT_SLICE, LAYOUT as L } from '../kernel/layout.ts';
import { type Range, interfacesOf, samplesAt, samplesIn } from './archive.ts';
import { type Waiting, minutesLeft, shareOut } from './backlog.ts';
import { findVm, internVm } from './pricing.ts';
import { findSlips, jumpedChains, recordedSlips, writeUnseen } from './slips.ts';
import { type Stretch, restateOutages, withdrawMinutes, withdrawRest } from './restate.ts';
import {
  beganAt,
  coldAddress,
  install,
  lastTsMs,
  mayHaveSlips,
  mayHaveSwung,
  seeJumps,
  unwrittenMs,
  vmAddress,
} from './vm-state.ts';
import { Collector, feed, settleWorkshop } from './workshop.ts';
import { VMS_A_CHUNK, type RepairContext, type StepEnd } from './repair-context.ts';
import { type Plan, readFrom, type Looked, before, closers, seeds } from './repair-edges.ts';

/** Works off one slice of what waits. Returns the VMs that the live path has back. @param turn moves on from slice to slice */
export async function repairSlice(base: RepairContext, end: StepEnd, turn: number): Promise<string[]> {
  const { backlog, slice, live } = base;
  const candidates = backlog.nextInTurn(turn, slice.vms);
  const swinging = candidates.flat().filter(({ slot }) => mayHaveSlips(live, slot));
  await lookUp(
    await withSlips(base, swinging, end),
    candidates.flat().filter(({ lateMs }) => lateMs !== Infinity),
    end.upTo,
  );
  const context = await withSlips(base, swinging, end);
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
      const wantedMs = minutes >= minutesLeft(waiting) ? Infinity : waiting.fromMs + minutes * MINUTE_MS;
      const knownMs = context.slips.knownUntilMs.get(waiting.vm);
      const untilMs = knownMs === undefined ? wantedMs : Math.min(wantedMs, Math.floor(knownMs / MINUTE_MS) * MINUTE_MS);
      chosen.set(waiting.vm, waiting);
      plans.push({ ...waiting, untilMs });
    }
  }
  const { stretches, wentBack } = await repairStretches(context, inOrder(plans), end, false);
  if (wentBack.length > 0) {
    // nothing is written: what these counters take back has to be looked for first
    for (const { vm, fromMs } of wentBack) {
      const waiting = chosen.get(vm);
      if (waiting !== undefined) waiting.lateMs = Math.min(waiting.lateMs, fromMs);
    }
    return repairSlice(base, end, turn);
  }
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

/** With what is known of the slips of VMs from where they have to be written anew. */
async function withSlips(context: RepairContext, some: readonly Waiting[], { upTo }: StepEnd): Promise<RepairContext> {
  if (some.length === 0) return context;
  const sought = some.map(({ vm, lateMs, fromMs }) => ({ vm, fromMs: Math.min(lateMs, fromMs) }));
  return { ...context, slips: await findSlips(context.store, sought, upTo, context.constants.linkLimitBps) };
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
  const swinging = some.filter(({ slot }) => mayHaveSlips(context.live, slot));
  // what was billed as slips taken back may be otherwise by now
  const recorded = await slipsBefore(context, swinging);
  for (const waiting of some) {
    const { vm, lateMs } = waiting;
    const before = (previous.get(vm) ?? []).map((latest) => latest.lastCountersMs ?? lateMs);
    const starts = [...before, recorded.get(vm) ?? Infinity];
    // the live path has written no further than its last sample and the open minutes of traffic: what was held after it, and the silence that ended
    // that, waits as well
    const { live } = context;
    const writtenMs =
      waiting.fromMs === Infinity ? Math.min(lastTsMs(live, waiting.slot) ?? lateMs, unwrittenMs(live, waiting.slot)) : lateMs;
    const fromMs = Math.floor(Math.min(lateMs, writtenMs, ...starts) / MINUTE_MS) * MINUTE_MS;
    waiting.lateMs = Infinity;
    waiting.latePos = undefined;
    if (fromMs >= waiting.fromMs) continue;
    waiting.fromMs = fromMs;
    waiting.readMs = undefined;
  }
}

/**
 * Of each VM where the earliest slips began that its first late sample lies in, as they were before it: as rows were written by them. What is on record of
 * slips may be of a repair that this one does again, and that had come only so far; the archive says how it was.
 */
async function slipsBefore({ store, constants }: RepairContext, some: readonly Waiting[]): Promise<ReadonlyMap<string, number>> {
  const began = await recordedSlips(
    store,
    some.map(({ vm, lateMs }) => ({ vm, atMs: lateMs })),
  );
  for (const { vm, lateMs, latePos } of some) {
    if (latePos === undefined) continue;
    const { slips } = await findSlips(store, [{ vm, fromMs: lateMs }], latePos - 1n, constants.linkLimitBps);
    for (const { aMs } of slips) if (aMs < lateMs) began.set(vm, Math.min(aMs, began.get(vm) ?? Infinity));
  }
  return began;
}

/**
 * Builds the live state of VMs anew from the archive alone: how a start without checkpoint and log goes. Their rows are there already.
 * @param owns the VMs that the state is about: positions mean something within one partition only
 */
export async function rebuild(context: RepairContext, end: StepEnd, owns: (vm: string) => boolean = () => true): Promise<void> {
  const { live, store } = context;
  const jumped = (await jumpedChains(store)).filter(({ vm }) => owns(vm));
  const jumpedVms = new Set(jumped.map(({ vm }) => vm));
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
    const sought = plans.filter(({ vm }) => jumpedVms.has(vm));
    const slips = await findSlips(store, sought, end.upTo, context.constants.linkLimitBps);
    const { stretches } = await repairStretches({ ...context, slips }, plans, end, true);
    for (const { vm, readMs } of stretches) {
      const [slot, repairedSlot] = [internVm(live, vm), internVm(context.workshop, vm)];
      install(live, slot, context.workshop, repairedSlot, readMs);
      seeJumps(live, slot, context.workshop, repairedSlot);
    }
  }
  // only the end of each timeline was read
  for (const each of interfaces) beganAt(live, internVm(live, each.vm), each);
}

/** Takes in which chains have jumped, as it is on record: states of before slips were looked for do not say. */
export async function recallJumps({ live, store }: RepairContext, owns: (vm: string) => boolean): Promise<void> {
  for (const { vm, ...chain } of await jumpedChains(store)) {
    const slot = owns(vm) ? findVm(live, vm) : undefined;
    if (slot !== undefined) mayHaveSwung(live, slot, chain);
  }
}

/** By VM, as the archive lies: neighbours share the granules that a question reads. */
function inOrder(plans: readonly Plan[]): Plan[] {
  return [...plans].sort((a, b) => (a.vm < b.vm ? -1 : Number(a.vm > b.vm)));
}

/**
 * Writes stretches anew. Which of them were, and how far: it ends when it has read as many samples as a slice may. Where counters turn out to have gone
 * back behind a jump of which nothing was known, nothing is written; whose they are is answered.
 * @param fromNothing the live kernel knows nothing of these VMs yet, and all of the samples are read
 */
async function repairStretches(
  context: RepairContext,
  plans: readonly Plan[],
  end: StepEnd,
  fromNothing: boolean,
): Promise<{ stretches: Stretch[]; wentBack: readonly Plan[] }> {
  const { workshop, store, pricing, slice, slips } = context;
  if (plans.length === 0) return { stretches: [], wentBack: [] };
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
  await feed(workshop, await seeds(context, plans, read, end.upTo), end.version, rows);
  for await (const { text, last } of samplesIn(store, ranges, end.upTo, slice.samples, slips.slips)) {
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
    await samplesAt(store, await closers(context, plans, stretches, broken, end.upTo), end.upTo, slips.slips),
    end.version,
    rows,
  );
  await settleWorkshop(workshop, end.version, rows);
  const wentBack = fromNothing
    ? []
    : plans.filter((plan) => seeJumps(context.live, plan.slot, workshop, internVm(workshop, plan.vm)));
  if (wentBack.length > 0) return { stretches: [], wentBack };
  await rows.insertMinutes();
  await writeUnseen(store, slips, stretches, end.version);
  await withdrawRest(store, stretches, end.version);
  await withdrawMinutes(store, stretches, end.version);
  await restateOutages(context, stretches, rows.rows.outages, end);
  return { stretches, wentBack };
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
