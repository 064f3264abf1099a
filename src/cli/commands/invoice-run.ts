import type { ApiClient } from '../../client/wire/client.ts';
import { type RunOutcome, RunPart } from '../../client/shapes/billing.ts';
import { answerAs } from '../terminal/answer.ts';
import { patiently } from '../terminal/patiently.ts';
import type { CliContext } from '../terminal/context.ts';
import { startRunProgress } from '../terminal/run-progress.ts';
import { tableLines } from '../../process/text-table.ts';

export interface RunOptions {
  period: string;
  account?: string[];
  finalize?: boolean;
  dryRun?: boolean;
  allowIncomplete?: boolean;
  withoutIssuer?: boolean;
  json?: boolean;
}

export interface RunResult {
  period: string;
  dryRun: boolean;
  accounts: number;
  outcomes: RunOutcome[];
  /** Whether it was cut off by the user. */
  interrupted: boolean;
}

/** Asks the server part by part until all accounts are billed, through restarts of it. Throws `CommandFailure`. */
export async function runInvoices(client: ApiClient, context: CliContext, options: RunOptions): Promise<RunResult> {
  const stop = context.interrupted();
  const progress = startRunProgress(context);
  const outcomes: RunOutcome[] = [];
  const request = {
    period: options.period,
    ...(options.account === undefined ? {} : { accounts: options.account }),
    finalize: options.finalize === true,
    dry_run: options.dryRun === true,
    allow_incomplete: options.allowIncomplete === true,
    ...(options.withoutIssuer === true ? { without_issuer: true } : {}),
  };
  try {
    for (let after: string | null = null; ;) {
      const { json } = await patiently(context, (note) => {
        progress.update(outcomes.length, outcomes.length, note);
      }, () => client.call('POST', '/v1/invoice-runs', { ...request, ...(after === null ? {} : { after }) })); // prettier-ignore
      const { accounts, next, period, dry_run: dryRun, outcomes: part } = answerAs(RunPart, json);
      outcomes.push(...part);
      const failed = outcomes.filter((each) => each.outcome === 'failed').length;
      progress.update(outcomes.length, accounts, failed === 0 ? '' : `${failed} failed`);
      if (next === null || stop.aborted) return { period, dryRun, accounts, outcomes, interrupted: next !== null };
      after = next;
    }
  } finally {
    progress.stop();
  }
}

const DONE: Readonly<Record<string, [done: string, would: string]>> = {
  finalized: ['made final', 'would become final'],
  created: ['drafts made', 'drafts would be made'],
  updated: ['drafts rated anew', 'drafts would be rated anew'],
  unchanged: ['drafts as they were', 'drafts as they are'],
  kept: ['had a final invoice', 'have a final invoice'],
  nothing: ['with nothing to bill', 'with nothing to bill'],
  failed: ['failed', 'would fail'],
};

/** What a run came to: how many of each outcome, totals by currency, and each failure with its reason. */
export function summaryLines({ period, dryRun, accounts, outcomes, interrupted }: RunResult): string[] {
  const rows = Object.entries(DONE).flatMap(([outcome, [done, would]]) => {
    const n = outcomes.filter((each) => each.outcome === outcome).length;
    return n === 0 ? [] : [[dryRun ? would : done, n]];
  });
  const currencies = [...new Set(outcomes.flatMap((each) => (each.total === null ? [] : each.currency)))].sort();
  const totals = currencies.map((currency) => {
    const mine = outcomes.filter((each) => each.currency === currency && each.total !== null);
    return [currency, mine.length, sumOf(mine.map((each) => each.total ?? '0'))];
  });
  const failures = outcomes.filter((each) => each.outcome === 'failed');
  return [
    `${period}: ${outcomes.length} of ${accounts} ${accounts === 1 ? 'account' : 'accounts'}${dryRun ? ' (dry run: nothing was written)' : ''}`,
    ...(rows.length === 0 ? [] : ['', ...tableLines(['accounts', ''], rows)]),
    ...(totals.length === 0 ? [] : ['', ...tableLines(['currency', 'invoices', 'total'], totals)]),
    ...(failures.length === 0
      ? []
      : ['', ...tableLines(['failed account', 'why'], failures.map((each) => [each.account, each.reason ?? each.code ?? '']))]), // prettier-ignore
    ...warningLines(outcomes),
    ...(interrupted ? ['', 'stopped before the end; the same command goes on where it was'] : []),
  ];
}

/** Warnings in a summary at most, each once with the accounts it is about: the JSON has all. */
const WARNINGS_MAX = 20;

function warningLines(outcomes: readonly RunOutcome[]): string[] {
  const accounts = new Map<string, string[]>();
  for (const { account, warnings } of outcomes)
    for (const text of warnings) accounts.set(text, [...(accounts.get(text) ?? []), account]);
  if (accounts.size === 0) return [];
  const shown = [...accounts].slice(0, WARNINGS_MAX).map(([text, on]) => {
    const of = on.length <= 3 ? on.join(', ') : `${on.slice(0, 3).join(', ')} and ${on.length - 3} more`;
    return `warning: ${text} (${of})`;
  });
  const left = accounts.size - shown.length;
  return ['', ...shown, ...(left === 0 ? [] : [`and ${left} more warnings: --json has all`])];
}

/** The sum of amounts of one currency, exactly: they all have its number of decimals. */
export function sumOf(amounts: readonly string[]): string {
  const digits = Math.max(0, ...amounts.map((amount) => amount.split('.')[1]?.length ?? 0));
  const scaled = (amount: string): bigint => {
    const [whole = '0', fraction = ''] = amount.split('.');
    return BigInt(whole + fraction.padEnd(digits, '0'));
  };
  const sum = amounts.reduce((total, amount) => total + scaled(amount), 0n);
  const text = (sum < 0n ? -sum : sum).toString().padStart(digits + 1, '0');
  const shown = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return `${sum < 0n ? '-' : ''}${shown}`;
}
