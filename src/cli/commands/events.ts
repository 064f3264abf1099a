import { type Command, Option } from 'commander';
import { EVENT_KINDS } from '../../domain/event-kinds.ts';
import { tableLines } from '../../process/text-table.ts';
import { EventPage } from '../bulk/event-page.ts';
import { exportEvents, importEvents } from '../bulk/event-rows.ts';
import { formatOf } from '../bulk/rows-of-file.ts';
import { allPages } from '../terminal/all-pages.ts';
import { withClient } from '../terminal/connection.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';

const EXAMPLES = `
Events are what only people know of a VM: an address that was blocked or replaced, terms that were violated, a dispute. Fees and refund
checks count them. None is edited: one recorded by mistake is withdrawn, and stays on record.

Examples:
  uptally events record web-7 --kind ip_replaced --at 2026-03-05T10:00:00+08:00 --note 'ticket 9'
  uptally events list --account acme
  uptally events withdraw web-7 5f0c…
  uptally events import tickets.csv --dry-run
  uptally events export --csv > events.csv
`;
const IMPORT = `
A file is CSV with a heading or NDJSON: vm, at, kind, and where wanted note, amount, rate, from and to, in any order. The same event again
(all of it the same) is recorded once, from this file or another; rows that export marked as withdrawn are passed over. Each row has a
verdict, and one that is refused stops no other. Exit code 0: each is there; 1: some were refused; 2: the file can't be read.

Examples:
  uptally events import tickets.csv --dry-run
  uptally events import tickets.ndjson --json | jq 'select(.verdict == "refused")'
`;

interface RecordOptions {
  kind: string;
  at: string;
  note?: string;
  amount?: string;
  rate?: string;
  from?: string;
  to?: string;
  dryRun?: boolean;
}
interface Filters {
  account?: string;
  kind?: string;
  from?: string;
  to?: string;
}

/** `uptally events`: what only people know of VMs. */
export function register(program: Command, context: CliContext): void {
  const events = program
    .command('events')
    .description('what only people know of VMs: record, list, withdraw, import, export')
    .addHelpText('after', EXAMPLES);
  const filtered = (command: Command): Command =>
    command
      .option('--account <id>', 'only those of its VMs')
      .addOption(new Option('--kind <kind>', 'only those of this kind').choices(EVENT_KINDS))
      .option('--from <instant>', 'only those at this instant or later')
      .option('--to <instant>', 'only those before this instant');

  events
    .command('record <vm>')
    .description('record one; the same again is the same event')
    .addOption(new Option('--kind <kind>', 'what happened').choices(EVENT_KINDS).makeOptionMandatory())
    .requiredOption('--at <instant>', 'when, RFC 3339')
    .option('--note <text>', 'what else to say')
    .option('--amount <amount>', 'of payment and refund')
    .option('--rate <rate>', "what one unit of the currency that it is priced in is in the account's")
    .option('--from <instant>', 'of credit_claimed: the time that is claimed')
    .option('--to <instant>', 'of credit_claimed: its end')
    .option('--dry-run', 'say whether it would be recorded')
    .addHelpText('after', EXAMPLES)
    .action(async (vm: string, { dryRun, ...body }: RecordOptions, command: Command) => {
      await withClient(command, context, async (client) => {
        const path = `/v1/vms/${encodeURIComponent(vm)}/events?once=true${dryRun === true ? '&dry_run=true' : ''}`;
        writeLine(context.stdout, (await client.call('POST', path, body)).text.trim());
      });
    });

  filtered(events.command('list').description('list events of all VMs, withdrawn ones among them'))
    .option('--json', 'print them whole, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async ({ json, ...filters }: Filters & { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        if (json === true) {
          await exportEvents(client, context, { ...filters, csv: false });
          return;
        }
        const rows = (await allPages(client, '/v1/events', { ...filters }, EventPage)).map(({ vm, at, kind, amount, note, withdrawn, id }) => [vm, at, kind, amount ?? '', withdrawn ? 'withdrawn' : '', note, id]); // prettier-ignore
        for (const line of tableLines(['vm', 'at', 'kind', 'amount', '', 'note', 'id'], rows)) writeLine(context.stdout, line);
      });
    });

  events
    .command('withdraw <vm> <event>')
    .description('withdraw one recorded by mistake; it stays on record and counts no more')
    .addHelpText('after', EXAMPLES)
    .action(async (vm: string, event: string, _options: object, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `/v1/vms/${encodeURIComponent(vm)}/events/${encodeURIComponent(event)}`);
        writeLine(context.stdout, `event ${event} of ${vm} is withdrawn`);
      });
    });

  events
    .command('import <file>')
    .description('record the events of a file, each once; - is standard input')
    .addOption(new Option('--format <format>', "by default as the file's name says").choices(['csv', 'ndjson']))
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
        const source = { file, format: formatOf(file, options.format), encoding: options.encoding };
        await withClient(command, context, (client) =>
          importEvents(client, context, { source, isDryRun: options.dryRun === true, json: options.json === true }),
        );
      },
    );

  filtered(events.command('export').description('write events as rows that import reads'))
    .option('--csv', 'as CSV')
    .addHelpText('after', EXAMPLES)
    .action(async ({ csv, ...filters }: Filters & { csv?: boolean }, command: Command) => {
      await withClient(command, context, (client) => exportEvents(client, context, { ...filters, csv: csv === true }));
    });
}
