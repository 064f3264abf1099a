import type { Command } from 'commander';
import { z } from 'zod';
import { withClient } from '../terminal/connection.ts';
import { patiently } from './invoice-run.ts';
import { startRunProgress } from '../terminal/run-progress.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const correction = z.looseObject({
  line: z.number().nullable(),
  kind: z.string(),
  vm: z.string().nullable(),
  before: z.string(),
  after: z.string(),
});
const Answer = z.object({
  checked: z.number(),
  invoices: z.array(
    z.looseObject({
      number: z.number(),
      account: z.string(),
      reason: z.string(),
      credits: z.array(correction),
      debits: z.array(correction),
      credit_notes: z.array(z.string()),
      debit: z.string().nullable(),
      lowered_debits: z.array(z.string()),
    }),
  ),
  left: z.number().default(0),
  next: z.string().nullable().default(null),
});

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
          const invoices: z.infer<typeof Answer>['invoices'] = [];
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
              const parsed = Answer.safeParse(json);
              if (!parsed.success)
                throw new CommandFailure(`the server's answer is not as expected: ${z.prettifyError(parsed.error)}`);
              if (options.json === true) writeLine(context.stdout, text.trim());
              checked += parsed.data.checked;
              invoices.push(...parsed.data.invoices);
              progress.update(checked, checked + parsed.data.left, '');
              after = parsed.data.next;
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

function linesOf({ checked, invoices }: Pick<z.infer<typeof Answer>, 'checked' | 'invoices'>): string[] {
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
