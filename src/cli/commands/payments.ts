import { type Command, Option } from 'commander';
import { exportPayments, importPayments } from '../bulk/payment-rows.ts';
import { formatOf } from '../bulk/rows-of-file.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const IMPORT = `
The file is CSV (commas or semicolons) with a heading, or NDJSON: account, reference, amount, at, and where wanted invoice (an id or a
number), or vm, from and until (the term that it pays for), and note, in any order; other columns are passed over. A reference is unique
in its account: the same row again, from this file or another, records nothing twice. Every row has a verdict: recorded, already there, or
refused with its reason; one that is refused stops no other. --dry-run asks the server for the same verdicts and records nothing.
Exit code 0: every row is recorded or was there; 1: some were refused, or it was stopped; 2: the file can't be read.

Examples:
  uptally payments import statement.csv --dry-run
  uptally payments import statement.csv
  uptally payments import statement.csv --json | jq 'select(.verdict == "refused")'
  uptally payments import auszug.csv --encoding windows-1252
`;
const RECORD = `
Examples:
  uptally payments record acme --reference wire-117 --amount 300.00 --at 2026-04-02T09:00:00+08:00
  uptally payments record acme --reference wire-118 --amount 318.00 --at 2026-04-02T09:00:00+08:00 --invoice 12
  uptally payments record acme --reference wire-119 --amount 120.00 --at 2026-04-02T09:00:00+08:00 \\
    --vm web-7 --from 2026-04-01T00:00:00+08:00 --until 2026-05-01T00:00:00+08:00
`;
const EXPORT = `
Examples:
  uptally payments export --csv > payments.csv
  uptally payments export --account acme --from 2026-03-01T00:00:00Z
`;

interface RecordOptions {
  reference: string;
  amount: string;
  at: string;
  invoice?: string;
  vm?: string;
  from?: string;
  until?: string;
  note?: string;
  dryRun?: boolean;
}

/** `uptally payments`: what a bank says was paid. */
export function register(program: Command, context: CliContext): void {
  const payments = program
    .command('payments')
    .description('record payments, import and export them')
    .addHelpText('after', RECORD + IMPORT);

  payments
    .command('record <account>')
    .description('record one, once by its reference')
    .requiredOption('--reference <text>', 'unique in the account')
    .requiredOption('--amount <amount>', "in the account's currency")
    .requiredOption('--at <instant>', 'when it was paid, RFC 3339')
    .option('--invoice <id>', 'covers this invoice: its id or number')
    .option('--vm <id>', 'covers a term of this VM, with --from and --until')
    .option('--from <instant>', "the term's start")
    .option('--until <instant>', "the term's end")
    .option('--note <text>', 'what else to say')
    .option('--dry-run', 'say what would become of it')
    .addHelpText('after', RECORD)
    .action(async (account: string, options: RecordOptions, command: Command) => {
      const { reference, amount, at, invoice, vm, from, until, note, dryRun } = options;
      if (invoice !== undefined && vm !== undefined) throw new CommandFailure('--invoice or --vm, not both', 2);
      const covers =
        invoice !== undefined ? { invoice: /^[1-9]\d{0,14}$/.test(invoice) ? Number(invoice) : invoice } : vm === undefined ? undefined : { vm, from, until }; // prettier-ignore
      await withClient(command, context, async (client) => {
        const path = `/v1/accounts/${encodeURIComponent(account)}/payments${dryRun === true ? '?dry_run=true' : ''}`;
        const { text } = await client.call('POST', path, { reference, amount, at, covers, note });
        writeLine(context.stdout, text.trim());
      });
    });

  payments
    .command('import <file>')
    .description('record the payments of a bank statement, each once; - is standard input')
    .addOption(new Option('--format <format>', "by default as the file's name says, else CSV").choices(['csv', 'ndjson']))
    .option('--encoding <label>', 'of the text; by default UTF-8')
    .option('--dry-run', 'say what would become of every row; nothing is recorded')
    .option('--json', 'print the verdicts as JSON, one a line')
    .addHelpText('after', IMPORT)
    .action(
      async (
        file: string,
        options: { format?: string; encoding?: string; dryRun?: boolean; json?: boolean },
        command: Command,
      ) => {
        const format = formatOf(/\.(ndjson|jsonl|json)$/i.test(file) ? file : 'of.csv', options.format);
        const source = { file, format, encoding: options.encoding };
        await withClient(command, context, (client) =>
          importPayments(client, context, { source, isDryRun: options.dryRun === true, json: options.json === true }),
        );
      },
    );

  payments
    .command('export')
    .description('write payments as rows that import reads')
    .option('--account <id>', 'only those of this account')
    .option('--from <instant>', 'only those at this instant or later')
    .option('--to <instant>', 'only those before this instant')
    .option('--csv', 'as CSV')
    .addHelpText('after', EXPORT)
    .action(async ({ csv, ...options }: { account?: string; from?: string; to?: string; csv?: boolean }, command: Command) => {
      await withClient(command, context, (client) => exportPayments(client, context, { ...options, csv: csv === true }));
    });
}
