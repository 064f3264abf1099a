import { type AccountOutcome, refuseUnfit, runAccounts } from '../../billing/run.ts';
import { calendarOf } from '../../billing/run-period.ts';
import { attempt } from '../failure.ts';
import type { Job, JobContext, Part, Turn } from '../job.ts';

/** Late samples of a month's last day are in by then, and what they restate is stored. */
const DELAY_MS = 26 * 3_600_000;
/** What is read together. */
const TOGETHER_ACCOUNTS = 25;

/** A month that is over becomes a draft, or an invoice where the account or the configuration says so. */
export const invoiceRunJob: Job = {
  name: 'invoice-run',
  does: 'makes drafts of the month that is over, or final invoices of accounts that say so',
  every: 'month',
  delayMs: DELAY_MS,
  isTogether: false,
  async *run(context, turn) {
    const wanted = (account: string): string => context.billing.catalog.account(account)?.body.invoices ?? context.invoices;
    for (const finalize of [false, true]) {
      const accounts = turn.accounts.filter((account) => wanted(account) === (finalize ? 'finals' : 'drafts'));
      for (let at = 0; at < accounts.length; at += TOGETHER_ACCOUNTS)
        yield* await partsOf(context, turn, accounts.slice(at, at + TOGETHER_ACCOUNTS), finalize);
    }
  },
};

async function partsOf(
  { billing }: JobContext,
  { slot, dryRun, by }: Turn,
  accounts: readonly string[],
  finalize: boolean,
): Promise<Part[]> {
  const calendar = calendarOf(slot.name);
  if (calendar === undefined) throw new Error(`${slot.name} is no month`);
  const request = { calendar, finalize, dryRun, allowIncomplete: false, withoutIssuer: false, by };
  const parts: Part[] = [];
  const unfit = await attempt('', () => {
    refuseUnfit(billing, request);
    return Promise.resolve({ account: '', outcome: 'nothing' });
  });
  if (unfit.outcome === 'failed') return accounts.map((account) => ({ ...unfit, account }));
  for (const outcome of await runAccounts(billing, accounts, request)) parts.push(partOf(outcome));
  return parts;
}

function partOf({ account, outcome, code, reason }: AccountOutcome): Part {
  if (outcome === 'failed') return { account, outcome, code: code ?? 'internal', reason: reason ?? '' };
  if (outcome === 'created' || outcome === 'updated') return { account, outcome: 'changed', counts: { drafts: 1 } };
  if (outcome === 'finalized') return { account, outcome: 'changed', counts: { invoices: 1 } };
  return { account, outcome: 'nothing' };
}
