/** What waits for repair is not final: no number is given to an invoice of it. */
import { waitingAmong } from '../aggregate/waiting-table.ts';
import { formatInstant } from '../domain/instant.ts';
import { ProblemError } from '../problems/problem.ts';
import { VMS_A_STATEMENT } from '../query/context.ts';
import type { QueryContext } from '../query/context.ts';

/** Throws `invoice_conflict` where rows of the account's VMs before `toMs` are not yet what their samples amount to. */
export async function refuseWaiting({ store, catalog }: QueryContext, account: string, toMs: number): Promise<void> {
  const vms = catalog.vmsOf(account);
  for (let i = 0; i < vms.length; i += VMS_A_STATEMENT) {
    const waiting = await waitingAmong(store, vms.slice(i, i + VMS_A_STATEMENT));
    const early = [...waiting.values()].find(({ fromMs }) => fromMs < toMs);
    if (early === undefined) continue;
    throw new ProblemError(
      'invoice_conflict',
      `not everything has been metered up to ${formatInstant(toMs)} yet: ${early.vm} waits for repair from ${formatInstant(early.fromMs)} on. Rate the draft again when /v1/status shows that nothing waits`,
    );
  }
}
