import type { Command } from 'commander';
import { type Reconciled, ReconcilePart } from '../../client/shapes/billing.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { patiently } from '../terminal/patiently.ts';
import { startRunProgress } from '../terminal/run-progress.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';

/** A call is answered within seconds; on a busy machine one invoice of a large account may take its time. */
const CALL_TIMEOUT_MS = 300_000;

const EXAMPLES = `
Final invoices are never edited. What they charged too much goes on a credit note; what they charged too little goes on a
debit, which the account's next invoice charges. What was corrected before counts: once more changes nothing.

Examples:
  uptally reconcile --dry-run            what would be credited and debited
  uptally reconcile --account a1
  uptally reconcile --json | jq '.invoices[].credit_notes[]'
`;

export function register(program: Command, context: CliContext): void {
  program
    .command('reconcile')
    .description('rate the periods of final invoices again and correct what they charged')
    .option('--account <id>', 'only the invoices of this account')
    .option('--dry-run', 'say what differs and write nothing')
    .option('--json', "print the server's answers, one a line")
    .addHelpText('after', EXAMPLES)
    .action(async (options: { account?: string; dryRun?: boolean; json?: boolean }, command: Command) => {
      await withClient(
        command,
        context,
        async (client) => {
          const progress = startRunProgress(context, 'invoices');
          const invoices: Reconciled[] = [];
          let checked = 0;
          try {
            for (let after: string | null = null; ;) {
              const body: object = {
                ...(options.account === undefined ? {} : { account: options.account }),
                dry_run: options.dryRun === true,
                ...(after === null ? {} : { after }),
              };
              const told = checked;
              const waiting = (note: string): void => {
                progress.update(told, told, note);
              };
              const { json, text } = await patiently(context, waiting, () => client.call('POST', '/v1/reconcile', body));
              const part = answerAs(ReconcilePart, json);
              if (options.json === true) writeLine(context.stdout, text.trim());
              checked += part.checked;
              invoices.push(...part.invoices);
              progress.update(checked, checked + part.left, '');
              after = part.next;
              if (after === null) break;
            }
          } finally {
            progress.stop();
          }
          if (options.json !== true) for (const line of linesOf({ checked, invoices })) writeLine(context.stdout, line);
        },
        { timeoutMs: CALL_TIMEOUT_MS },
      );
    });
}

function linesOf({ checked, invoices }: { checked: number; invoices: Reconciled[] }): string[] {
  return [
    `${checked} final ${checked === 1 ? 'invoice' : 'invoices'} rated again, ${invoices.length} differ`,
    ...invoices.flatMap(({ number, account, reason, credits, debits, credit_notes: notes, debit, lowered_debits: lowered }) => [
      `invoice ${number} of ${account}: ${reason}`,
      ...credits.map((each) => `  credit  ${each.kind} ${each.vm ?? ''}: ${each.before} -> ${each.after}`),
      ...debits.map((each) => `  too low ${each.kind} ${each.vm ?? ''}: ${each.before} -> ${each.after}`),
      ...lowered.map((id) => `  lowered debit ${id}`),
      ...notes.map((id) => `  credit note ${id}`),
      ...(debit === null ? [] : [`  debit ${debit}, for the next invoice`]),
    ]),
  ];
}
