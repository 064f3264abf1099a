import type { Catalog } from '../catalog/catalog.ts';
import type { BillingContext } from './context.ts';
import { daysOf, loadUsage } from './facts.ts';
import type { Usage } from './stored-usage.ts';

/** What is read together: a statement costs more than the rows of a VM, and what was read is held until all of it was billed. */
const ACCOUNTS_TOGETHER = 50;
const VMS_TOGETHER = 500;
/** Periods of which what was read is held: whoever comes next asks for the same ones. */
const PERIODS_HELD = 6;

/** Accounts in their order, as many at a time as are read together. */
export function* inBatches(catalog: Catalog, accounts: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let vms = 0;
  for (const account of accounts) {
    const own = catalog.vmsOf(account).length;
    if (batch.length === ACCOUNTS_TOGETHER || (batch.length > 0 && vms + own > VMS_TOGETHER)) {
      yield batch;
      batch = [];
      vms = 0;
    }
    batch.push(account);
    vms += own;
  }
  if (batch.length > 0) yield batch;
}

interface Read {
  readonly usage: Usage;
  /** Of each account that it is about: what its VMs were then. */
  readonly vms: ReadonlyMap<string, string>;
}

/**
 * A context in which what some accounts' periods are rated from is read for all of them once one of them asks: of those whose days are the same. Each is
 * rated by itself from that, as if it had been read alone. Only for as long as they are gone through: nothing is read a second time.
 */
export function readTogether(context: BillingContext, accounts: readonly string[]): BillingContext {
  const { catalog } = context;
  const vmsOf = (account: string): string => catalog.vmsOf(account).map((vm) => `${vm} ${catalog.vm(vm)?.seq ?? ''}`).join(); // prettier-ignore
  const held = new Map<string, Read>();
  return {
    ...context,
    async usageOf(asking, account, fromMs, toMs) {
      const days = daysOf(asking, account, fromMs, toMs).join(' ');
      const known = held.get(days);
      if (known !== undefined && known.vms.get(account) === vmsOf(account) && asking.catalog === catalog) return known.usage;
      // Another catalog is what would be; and VMs that were changed meanwhile are read as they are now.
      if (known !== undefined || asking.catalog !== catalog || !accounts.includes(account))
        return loadUsage(asking, [account], fromMs, toMs);
      const same = accounts.filter((each) => daysOf(context, each, fromMs, toMs).join(' ') === days);
      const vms = new Map(same.map((each) => [each, vmsOf(each)]));
      const usage = await loadUsage(context, same, fromMs, toMs);
      const oldest = held.keys().next().value;
      if (held.size === PERIODS_HELD && oldest !== undefined) held.delete(oldest);
      held.set(days, { usage, vms });
      return usage;
    },
  };
}
