import type { Command } from 'commander';
import { type Change, ChangePage } from '../../client/shapes/access.ts';
import { csvLine } from '../../domain/csv-cell.ts';
import { tableLines } from '../../process/text-table.ts';
import { allPages } from '../terminal/all-pages.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, type CliContext } from '../terminal/context.ts';

const CALL_TIMEOUT_MS = 300_000;

const EXAMPLES = `
Everything that was recorded, in its order: who, what and when. Needs an admin key.

Examples:
  uptally audit --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --who accounting
  uptally audit --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --what key --csv > keys.csv
`;

interface Options {
  readonly from: string;
  readonly to: string;
  readonly who?: string;
  readonly what?: string;
  readonly id?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** `uptally audit`: who changed what. */
export function register(program: Command, context: CliContext): void {
  program
    .command('audit')
    .description('who changed what, and when')
    .requiredOption('--from <instant>', 'start of the time, RFC 3339')
    .requiredOption('--to <instant>', 'its end, RFC 3339')
    .option('--who <key>', 'only of this key: its name, its id, or name#id')
    .option('--what <kind>', 'only of this kind, such as plan, key or invoice')
    .option('--id <id>', 'only of this plan, account, VM, invoice, …')
    .option('--json', 'print rows as JSON, one a line')
    .option('--csv', 'print rows as CSV')
    .addHelpText('after', EXAMPLES)
    .action(async ({ json, csv, ...query }: Options, command: Command) => {
      if (json === true && csv === true) throw new CommandFailure('--json and --csv are two forms of the same', 2);
      const rows = await withClient(command, context, (client) => allPages(client, '/v1/audit', { ...query }, ChangePage), {
        timeoutMs: CALL_TIMEOUT_MS,
      });
      context.stdout.write(printed(rows, json === true ? 'json' : csv === true ? 'csv' : 'table'));
    });
}

/** Everything that is printed, with its line ends. */
function printed(rows: readonly Change[], form: 'json' | 'csv' | 'table'): string {
  const lines = (each: readonly string[]): string => each.map((line) => `${line}\n`).join('');
  if (form === 'json') return lines(rows.map((row) => JSON.stringify({ ...row, seq: Number(row.seq) })));
  const head = ['seq', 'at', 'who', 'what', 'id'];
  const cells = rows.map(({ seq, at, who, what, id }) => [String(seq), at, who, what, id]);
  return form === 'table' ? lines(tableLines(head, cells)) : [head, ...cells].map(csvLine).join('');
}
