/**
 * Forgetting names, at the end of the step that takes the catalog's mark in: what goes is counted and on record, then the VM's rows are deleted, then its
 * slot is given back. The step may be done again, also by another process, when some of it is gone already: what is on record counts then.
 */
import { type Forgetting, readForgettings } from '../catalog/forgettings.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { FLAG_FORGOTTEN, LAYOUT as L } from '../kernel/layout.ts';
import type { Faults } from '../process/faults.ts';
import { deleteRowsOf } from '../store/delete-rows.ts';
import type { Store } from '../store/store.ts';
import type { Backlog } from './backlog.ts';
import { namesThatGo, readHead, writeHead, writeNames } from './forgotten.ts';
import { findVm, internVm } from './pricing.ts';
import { SETTLED } from './steps.ts';
import { vmAddress } from './vm-state.ts';

export interface ForgetContext {
  readonly store: Store;
  readonly live: Kernel;
  readonly backlog: Backlog;
  readonly faults: Faults;
  /** The cluster that the tables are on, if any. */
  readonly cluster: string | undefined;
  readonly partition: number;
  readonly owns: (vm: string) => boolean;
  /** Resolves when everything up to the step's end is stored and announced. */
  readonly ready: () => Promise<void>;
}

/**
 * Forgets what the catalog has on record up to a mark and was not forgotten yet. Nothing else of the step is left to be done.
 * @param seq the last record of the step
 * @returns the names that were forgotten
 */
export async function forgetUpTo(context: ForgetContext, marked: bigint, seq: number): Promise<string[]> {
  const { store, live, owns } = context;
  const forgotten: string[] = [];
  for await (const forgetting of readForgettings(store, live.u64(L.H_MARKED), marked)) {
    const vms = forgetting.vms.filter(owns);
    if (vms.length === 0) continue;
    await context.ready();
    await forget(context, { ...forgetting, vms }, seq);
    forgotten.push(...vms);
  }
  live.setU64(L.H_MARKED, marked);
  return forgotten;
}

async function forget(context: ForgetContext, { seq, vms }: Forgetting, position: number): Promise<void> {
  const { store, live, faults, cluster, partition } = context;
  const upTo = (BigInt(position) << 16n) | SETTLED;
  faults.at('before-forget');
  if ((await readHead(store, seq, partition)) === undefined) {
    await writeNames(store, { seq, partition, position }, await namesThatGo(store, vms, upTo));
    await writeHead(store, { seq, partition, position }, live.counter('duplicate'), live.counter('conflict'));
  }
  // whoever was here first could still tell repeats of what it then deleted
  const counted = (await readHead(store, seq, partition)) ?? { duplicate: 0n, conflict: 0n };
  live.setCounter('duplicate', counted.duplicate);
  live.setCounter('conflict', counted.conflict);
  await deleteRowsOf(store, cluster, vms, upTo);
  faults.at('during-forget');
  giveBack(context, vms);
  faults.at('after-forget');
}

/** All at once: the door may ask the kernel what it knows at any time in between. */
function giveBack({ live, backlog }: Pick<ForgetContext, 'live' | 'backlog'>, vms: readonly string[]): void {
  for (const vm of vms) {
    const slot = findVm(live, vm);
    if (slot === undefined) continue;
    const flags = vmAddress(live, slot) + L.VM_FLAGS;
    live.bytes[flags] = (live.bytes[flags] ?? 0) | FLAG_FORGOTTEN;
  }
  live.exports.forgetFlagged();
  for (const vm of vms) backlog.done(vm);
  // those that wait have other slots now
  backlog.decode(backlog.encode(), (vm) => internVm(live, vm));
}
