import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { ApiError } from '../../client/wire/api-error.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { csvRows } from '../terminal/csv-rows.ts';
import { patiently } from './invoice-run.ts';
import { startProgress } from '../terminal/progress.ts';

const EXAMPLES = `
The file is CSV (commas or semicolons) with a heading: account, reference, amount, at, and where wanted invoice (an id or a number)
and note, in any order; other columns are passed over. A reference is unique in its account: the same row again, from this file or
another, records nothing twice. Every row has a verdict: recorded, already there, or refused with its reason; one that is refused
stops no other. --dry-run asks the server for the same verdicts and records nothing.
Exit code 0: every row is recorded or was there; 1: some were refused, or it was stopped; 2: the file can't be read.

Examples:
  uptally payments import statement.csv --dry-run
  uptally payments import statement.csv
  uptally payments import statement.csv --json | jq 'select(.verdict == "refused")'
`;

const NEEDED = ['account', 'reference', 'amount', 'at'] as const;
const KNOWN = [...NEEDED, 'invoice', 'note'] as const;
type Row = Record<(typeof KNOWN)[number], string> & { line: number };

const VERDICTS = ['recorded', 'would be recorded', 'already there', 'refused'] as const;
type Verdict = (typeof VERDICTS)[number];

interface Judged extends Row {
  readonly verdict: Verdict;
  /** Why it was refused. */
  readonly why: string;
}

/** `uptally payments`: what a bank says was paid. */
export function register(program: Command, context: CliContext): void {
  const payments = program.command('payments').description('record payments').addHelpText('after', EXAMPLES);
  payments
    .command('import <file>')
    .description("record the payments of a bank statement's CSV, each once")
    .option('--dry-run', 'say what would become of every row; nothing is recorded')
    .option('--json', 'print the verdicts as JSON, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: { dryRun?: boolean; json?: boolean }, command: Command) => {
      const rows = readRows(await textOf(file), file);
      const signal = context.interrupted();
      const judged: Judged[] = [];
      const tell = (): void => {
        if (options.json === true) for (const each of judged) writeLine(context.stdout, JSON.stringify(each));
        else for (const line of judgedLines(judged)) writeLine(context.stdout, line);
      };
      await withClient(command, context, async (client) => {
        const progress = startProgress(
          context,
          { format: 'payments {bar} {done}/{of}', first: { done: 0, of: rows.length } },
          ({ done, of }) => `${done} of ${of} payments`,
        );
        try {
          for (const row of rows) {
            if (signal.aborted) break;
            const verdict = await patiently(
              context,
              () => undefined,
              () => verdictOn(client, row, options.dryRun === true),
            );
            judged.push({ ...row, ...(options.dryRun === true ? afterEarlier(judged, row, verdict) : verdict) });
            progress.update({ done: judged.length, of: rows.length });
          }
        } finally {
          progress.stop();
          // Also where the server can't be reached any more: what was recorded till then is.
          tell();
        }
      });
      const refused = judged.filter(({ verdict }) => verdict === 'refused').length;
      if (judged.length < rows.length) throw new CommandFailure(`stopped after ${judged.length} of ${rows.length} payments`);
      if (refused > 0) throw new CommandFailure(`${refused} of ${rows.length} payments were refused`);
    });
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${file} can't be read: ${(error as Error).message}`, 2);
  }
}

/** Throws wrong usage where it is no such file. */
function readRows(text: string, file: string): Row[] {
  const [heading, ...rest] = csvOf(text, file);
  const names = heading?.cells.map((name) => name.trim().toLowerCase()) ?? [];
  const missing = NEEDED.filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new CommandFailure(`${file} has no column ${missing.join(', ')}: its first line names the columns`, 2);
  const twice = KNOWN.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw new CommandFailure(`${file} has the column ${twice} twice`, 2);
  return rest.map(({ line, cells }) => {
    if (cells.length > names.length) throw new CommandFailure(`${file}, line ${line}: more cells than the first line names`, 2);
    const cell = (name: string): string => cells[names.indexOf(name)]?.trim() ?? '';
    const [account, reference, amount] = [cell('account'), cell('reference'), cell('amount')];
    return { line, account, reference, amount, at: cell('at'), invoice: cell('invoice'), note: cell('note') };
  });
}

function csvOf(text: string, file: string): ReturnType<typeof csvRows> {
  try {
    return csvRows(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new CommandFailure(`${file}: ${error.message}`, 2);
    throw error;
  }
}

/** What the server makes of a row; what is wrong with it is its verdict, and what is wrong with the server is thrown. */
async function verdictOn(client: ApiClient, row: Row, isDryRun: boolean): Promise<{ verdict: Verdict; why: string }> {
  const { account, reference, amount, at, invoice, note } = row;
  if (account === '') return { verdict: 'refused', why: 'no account' };
  const body = {
    ...{ reference, amount, at },
    ...(invoice === '' ? {} : { covers: { invoice: /^[1-9]\d{0,14}$/.test(invoice) ? Number(invoice) : invoice } }),
    ...(note === '' ? {} : { note }),
  };
  const path = `/v1/accounts/${encodeURIComponent(account)}/payments${isDryRun ? '?dry_run=true' : ''}`;
  try {
    const { json } = await client.call('POST', path, body);
    const { is_new: isNew } = answerAs(z.looseObject({ is_new: z.boolean() }), json);
    return { verdict: isNew ? (isDryRun ? 'would be recorded' : 'recorded') : 'already there', why: '' };
  } catch (error) {
    if (error instanceof ApiError && isAboutRow(error)) return { verdict: 'refused', why: error.message };
    throw error;
  }
}

/** The verdict of a dry run on a row whose reference an earlier row of the file has. */
function afterEarlier<T extends { verdict: Verdict; why: string }>(judged: readonly Judged[], row: Row, verdict: T): T {
  if (verdict.verdict !== 'would be recorded') return verdict;
  const before = judged.find(
    (each) => each.verdict === 'would be recorded' && each.account === row.account && each.reference === row.reference,
  );
  if (before === undefined) return verdict;
  const isSame = before.amount === row.amount && before.at === row.at && before.invoice === row.invoice;
  if (isSame) return { ...verdict, verdict: 'already there', why: `as line ${before.line}` };
  return { ...verdict, verdict: 'refused', why: `line ${before.line} has the same reference and says something else` };
}

/** Whether the row is what is wrong, not the key or the server. */
function isAboutRow({ status }: ApiError): boolean {
  return status === 400 || status === 404 || status === 409;
}

function judgedLines(judged: readonly Judged[]): string[] {
  const counts = VERDICTS.map((verdict) => ({ verdict, n: judged.filter((each) => each.verdict === verdict).length }));
  return [
    ...tableLines(
      ['line', 'account', 'reference', 'amount', 'verdict', ''],
      judged.map((each) => [each.line.toString(), each.account, each.reference, each.amount, each.verdict, each.why]),
    ),
    '',
    counts.filter(({ n }) => n > 0).map(({ verdict, n }) => `${n} ${verdict}`).join(', '), // prettier-ignore
  ];
}
