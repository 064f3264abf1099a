import type { Command } from 'commander';
import { z } from 'zod';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { downloadFiles } from '../terminal/download-files.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const Line = z.looseObject({ item: z.string(), price: z.string(), notes: z.array(z.string()) });
const PriceList = z.looseObject({
  plans: z.array(z.looseObject({ id: z.string(), title: z.string().nullable(), currency: z.string(), lines: z.array(Line) })),
  terms: z.array(z.looseObject({ title: z.string(), fees: z.array(z.looseObject({ words: Line })) })),
});

const EXAMPLES = `
Examples:
  uptally price-list
  uptally price-list --language zh-TW --pdf prices.pdf
  uptally price-list --currency CNY --html prices.html
  uptally price-list --plans small,large --json | jq '.plans[].lines'
`;

const FILES = { pdf: 'application/pdf', html: 'text/html' } as const;

interface Options {
  language?: string;
  currency?: string;
  plans?: string;
  pdf?: string;
  html?: string;
  json?: boolean;
}

/** `uptally price-list`: what plans cost, as a customer is told it. */
export function register(program: Command, context: CliContext): void {
  program
    .command('price-list')
    .description('what plans cost, and the fees of their terms, as a customer is told it')
    .option('--language <tag>', 'en, zh-TW, zh-CN')
    .option('--currency <code>', 'plans of this currency alone')
    .option('--plans <ids>', 'these plans alone, apart by commas')
    .option('--pdf <file>', 'write it there as PDF; - is standard output')
    .option('--html <file>', 'as a page')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async ({ pdf, html, json: isJson, ...query }: Options, command: Command) => {
      const files = Object.entries({ pdf, html }).filter((each): each is ['pdf' | 'html', string] => each[1] !== undefined);
      if (isJson === true && files.length > 0) throw new CommandFailure('--json goes with no file', 2);
      const { language, currency, plans } = query;
      const asked = new URLSearchParams(
        Object.entries({ language, currency, plans }).filter((each): each is [string, string] => each[1] !== undefined),
      ).toString();
      const path = `/v1/price-list${asked === '' ? '' : `?${asked}`}`;
      await withClient(command, context, async (client) => {
        await downloadFiles(
          client,
          context,
          path,
          files.map(([form, file]) => ({ type: FILES[form], file })),
        );
        if (files.length > 0) return;
        const { text, json } = await client.call('GET', path);
        if (isJson === true) writeLine(context.stdout, text.trim());
        else for (const line of listLines(answerAs(PriceList, json))) writeLine(context.stdout, line);
      });
    });
}

function listLines({ plans, terms }: z.infer<typeof PriceList>): string[] {
  const table = (name: string, lines: readonly z.infer<typeof Line>[]): string[] => [
    ...tableLines(
      [name, '', ''],
      lines.map(({ item, price, notes }) => [`  ${item}`, price, notes.join('; ')]),
    ),
    '',
  ];
  const lines = [
    ...plans.flatMap(({ id, title, currency, lines: of }) =>
      table(`${title === null ? id : `${title} (${id})`}, ${currency}`, of),
    ),
    ...terms.flatMap(({ title, fees }) =>
      fees.length === 0
        ? []
        : table(
            title,
            fees.map(({ words }) => words),
          ),
    ),
  ];
  return lines.length === 0 ? ['There are no plans.'] : lines.slice(0, -1);
}
