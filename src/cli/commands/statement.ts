import type { Command } from 'commander';
import { z } from 'zod';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { downloadFiles } from '../terminal/download-files.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const Statement = z.looseObject({
  account: z.string(),
  currency: z.string(),
  time_zone: z.string(),
  from: z.string(),
  to: z.string(),
  opening_balance: z.string(),
  entries: z.array(
    z.looseObject({
      at: z.string(),
      words: z.string(),
      reference: z.string().nullable(),
      amount: z.string(),
      balance: z.string(),
    }),
  ),
  closing_balance: z.string(),
});

const EXAMPLES = `
Days and months are those of the account's time zone, from their start: --from 2026-03 --to 2026-04 is the month of March.
Left out: from the first entry on, up to now.

Examples:
  uptally statement acme --from 2026-03 --to 2026-04
  uptally statement acme --from 2026-01-01 --to 2027-01-01 --pdf acme-2026.pdf
  uptally statement acme --csv acme.csv
  uptally statement acme --json | jq .closing_balance
`;

const FILES = { pdf: 'application/pdf', html: 'text/html', csv: 'text/csv' } as const;

interface Options {
  from?: string;
  to?: string;
  pdf?: string;
  html?: string;
  csv?: string;
  json?: boolean;
}

/** `uptally statement`: what was booked on an account, with its balances. */
export function register(program: Command, context: CliContext): void {
  program
    .command('statement <account>')
    .description("an account's statement: balance carried forward, every entry, closing balance")
    .option('--from <day>', 'a day, a month, or an instant of RFC 3339')
    .option('--to <day>', 'where it ends, which is not in it any more')
    .option('--pdf <file>', 'write it there as PDF; - is standard output')
    .option('--html <file>', 'as a page')
    .option('--csv <file>', 'as a table')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (account: string, options: Options, command: Command) => {
      const files = (['pdf', 'html', 'csv'] as const).flatMap((form) => {
        const file = options[form];
        return file === undefined ? [] : [{ type: FILES[form], file }];
      });
      if (options.json === true && files.length > 0) throw new CommandFailure('--json goes with no file', 2);
      const asked = new URLSearchParams(
        Object.entries({ from: options.from, to: options.to }).filter((each): each is [string, string] => each[1] !== undefined),
      );
      const path = `/v1/accounts/${encodeURIComponent(account)}/statement?${asked.toString()}`;
      await withClient(command, context, async (client) => {
        await downloadFiles(client, context, path, files);
        if (files.length > 0) return;
        const { text, json } = await client.call('GET', path);
        if (options.json === true) writeLine(context.stdout, text.trim());
        else for (const line of statementLines(answerAs(Statement, json))) writeLine(context.stdout, line);
      });
    });
}

function statementLines(statement: z.infer<typeof Statement>): string[] {
  const { account, currency, time_zone: zone, from, to, opening_balance: opening, closing_balance: closing, entries } = statement;
  return [
    `${account}: ${from} to ${to} (${zone}), ${currency}`,
    '',
    ...tableLines(
      ['at', 'entry', 'reference', 'amount', 'balance'],
      [
        [from, 'carried forward', '', '', opening],
        ...entries.map((each) => [each.at, each.words, each.reference ?? '', each.amount, each.balance]),
        [to, 'at the end', '', '', closing],
      ],
    ),
  ];
}
