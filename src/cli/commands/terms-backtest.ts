import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../../client/wire/client.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { patiently } from '../terminal/patiently.ts';
import { sumOf } from './invoice-run.ts';
import { collect } from '../terminal/option-values.ts';
import { startRunProgress } from '../terminal/run-progress.ts';
import { tableLines } from '../../process/text-table.ts';

const pair = z.object({ before: z.string(), after: z.string(), difference: z.string() });
type Pair = z.infer<typeof pair>;
const verdict = z.object({
  decision: z.string(),
  amount: z.string(),
  deciding: z.array(z.object({ id: z.string(), clause: z.string(), measured: z.string(), limit: z.string() })),
});
const Result = z.looseObject({
  account: z.string(),
  currency: z.string(),
  vms: z.number(),
  usage_complete: z.boolean(),
  credits: pair,
  unclaimed_credits: pair,
  total: pair,
  lines: z
    .array(
      pair.extend({
        vm: z.string().nullable(),
        kind: z.string(),
        from: z.string(),
        unavailable_minutes: z.object({ before: z.number(), after: z.number() }),
      }),
    )
    .optional(),
  refunds: pair,
  refund_checks: z.array(
    z.looseObject({ vm: z.string(), at: z.string(), facts_changed: z.boolean(), before: verdict, after: verdict }),
  ),
  refund_checks_left_out: z.number(),
  reason: z.string().nullable(),
});
type Result = z.infer<typeof Result>;
const Answer = z.object({
  terms: z.string(),
  terms_version: z.number(),
  replaces: z.string(),
  from: z.string(),
  to: z.string(),
  accounts: z.number(),
  results: z.array(Result),
  next: z.string().nullable(),
});
type Answer = z.infer<typeof Answer>;

const EXAMPLES = `
Rates the months of a past period twice from what was metered: under the terms in force, and with FILE in place of the sheet of the
same id (or the one given by --replaces), whenever FILE is effective from. Refund checks recorded in the period are made again. Nothing
is recorded or changed. Days are each account's own; --to is the day after the last one. Tiers of a month count where its end is in the period.
Exit code 0: every account was rated; 1: FILE has faults, or some accounts could not be rated.

Examples:
  uptally terms show internet-service --json > mine.json       then change what is to be tried
  uptally terms backtest mine.json --from 2026-01 --to 2026-04
  uptally terms backtest mine.json --from 2026-03-01 --to 2026-03-16 --account acme --lines
  uptally terms backtest new.json --replaces cmivps-2019 --from 2026-03 --to 2026-04 --json
`;

/** A part of a backtest on a busy machine may take its time; asked again it would only begin anew. */
const CALL_TIMEOUT_MS = 300_000;

interface Options {
  from: string;
  to: string;
  replaces?: string;
  account?: string[];
  lines?: boolean;
  json?: boolean;
}

/** `uptally terms backtest`. */
export function register(terms: Command, context: CliContext): void {
  terms
    .command('backtest <file>')
    .description('what a changed sheet would have credited and refunded in a past period; changes nothing')
    .requiredOption('--from <day>', 'the first day, 2026-03-05, or a month for its first day')
    .requiredOption('--to <day>', 'the day after the last one')
    .option('--replaces <id>', 'the sheet that it stands in for; by default the one of its own id')
    .addOption(new Option('--account <id>', 'only this account; may be repeated').argParser(collect))
    .option('--lines', 'also what differs by VM and line')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: Options, command: Command) => {
      for (const name of ['from', 'to'] as const)
        if (!/^\d{4}-\d{2}(-\d{2})?$/.test(options[name]))
          throw new CommandFailure(`--${name}: write a day such as 2026-03-05, or a month such as 2026-03`, 2);
      const sheet = await checkedSheet(file, context);
      const result = await withClient(command, context, (client) => ask(client, context, sheet, options), {
        timeoutMs: CALL_TIMEOUT_MS,
      });
      if (options.json === true) writeLine(context.stdout, JSON.stringify(result, null, 2));
      else for (const line of resultLines(result)) writeLine(context.stdout, line);
      const failed = result.results.filter((each) => each.reason !== null).length;
      if (failed > 0) throw new CommandFailure(`${failed} of ${result.results.length} accounts could not be rated`);
      if (result.next !== null) throw new CommandFailure('stopped before the end');
    });
}

/** The sheet's JSON; its faults are told as `terms check` tells them. */
async function checkedSheet(file: string, context: CliContext): Promise<unknown> {
  const { parseSheet } = await import('../../terms/library.ts');
  const parsed = parseSheet(readFileSync(file, 'utf8'), file);
  if ('sheet' in parsed) return parsed.json;
  for (const fault of parsed) writeLine(context.stderr, fault);
  throw new CommandFailure(`${parsed.length} ${parsed.length === 1 ? 'fault' : 'faults'} found`);
}

/** Asks part by part, through restarts of the server; the results of all parts in one answer. */
async function ask(client: ApiClient, context: CliContext, sheet: unknown, options: Options): Promise<Answer> {
  const stop = context.interrupted();
  const progress = startRunProgress(context);
  const results: Result[] = [];
  const request = {
    sheet,
    from: options.from,
    to: options.to,
    lines: options.lines === true,
    ...(options.replaces === undefined ? {} : { replaces: options.replaces }),
    ...(options.account === undefined ? {} : { accounts: options.account }),
  };
  try {
    for (let after: string | null = null; ;) {
      const tell = (note: string): void => {
        progress.update(results.length, results.length, note);
      };
      const body = { ...request, ...(after === null ? {} : { after }) };
      const { json } = await patiently(context, tell, () => client.call('POST', '/v1/terms/backtests', body));
      const part: z.infer<typeof Answer> = answerAs(Answer, json);
      results.push(...part.results);
      progress.update(results.length, part.accounts, '');
      if (part.next === null || stop.aborted) return { ...part, results };
      after = part.next;
    }
  } finally {
    progress.stop();
  }
}

function resultLines({ terms, terms_version: version, replaces, from, to, results }: Answer): string[] {
  const lines = [
    `${from} to ${to}: ${terms} version ${version} in place of ${replaces}; ${results.length} ${results.length === 1 ? 'account' : 'accounts'}; nothing was changed`,
  ];
  const cells = (name: string, { before, after, difference }: Pair): string[] => [name, before, after, difference];
  const rated = results.filter((each) => each.reason === null);
  const sums = (each: Pick<Result, 'credits' | 'unclaimed_credits' | 'total' | 'refunds'>): string[][] =>
    (
      [
        ['credits', each.credits],
        ['unclaimed credits', each.unclaimed_credits],
        ['invoices', each.total],
        ['refunds', each.refunds],
      ] as const
    )
      .filter(([name, of]) => name === 'credits' || name === 'refunds' || of.difference !== of.before || isNotZero(of.before))
      .map(([name, of]) => cells(name, of));
  const rows = rated.flatMap((each) => sums(each).map((row) => [each.account, each.currency, ...row]));
  if (rows.length > 0) lines.push('', ...tableLines(['account', '', 'what', 'before', 'after', 'difference'], rows));
  const currencies = [...new Set(rated.map((each) => each.currency))].sort();
  const totals = currencies.flatMap((currency) => {
    const of = rated.filter((each) => each.currency === currency);
    const all = (pick: (each: Result) => Pair): Pair => ({
      before: sumOf(of.map((each) => pick(each).before)),
      after: sumOf(of.map((each) => pick(each).after)),
      difference: sumOf(of.map((each) => pick(each).difference)),
    });
    return sums({
      credits: all((each) => each.credits),
      unclaimed_credits: all((each) => each.unclaimed_credits),
      total: all((each) => each.total),
      refunds: all((each) => each.refunds),
    }).map((row) => [currency, ...row]);
  });
  if (rated.length > 1) lines.push('', ...tableLines(['all', 'what', 'before', 'after', 'difference'], totals));
  const details = rated.flatMap((each) =>
    (each.lines ?? []).map(({ vm, kind, from: start, unavailable_minutes: minutes, ...amounts }) => [
      each.account,
      vm ?? '-',
      start,
      ...cells(kind, amounts),
      kind === 'credit' ? `${minutes.before} -> ${minutes.after} min` : '',
    ]),
  );
  if (details.length > 0)
    lines.push('', ...tableLines(['account', 'vm', 'from', 'line', 'before', 'after', 'difference', 'unavailable'], details));
  lines.push(...rated.flatMap(checkLines));
  const failures = results.flatMap((each) => (each.reason === null ? [] : [[each.account, each.reason]]));
  if (failures.length > 0) lines.push('', ...tableLines(['failed account', 'why'], failures));
  const incomplete = rated.filter((each) => !each.usage_complete).length;
  if (incomplete > 0) lines.push('', `${incomplete} not metered to the end of the period yet`);
  return lines;
}

function checkLines({ account, currency, refund_checks: checks, refund_checks_left_out: leftOut }: Result): string[] {
  if (checks.length === 0) return [];
  const shown = ({ decision, amount }: z.infer<typeof verdict>): string =>
    decision === 'eligible' ? `${decision} ${amount} ${currency}` : decision;
  return [
    '',
    `refund checks of ${account}`,
    ...checks.flatMap(({ vm, at, before, after, facts_changed: changed }) => [
      `  ${vm} at ${at}: ${shown(before)} -> ${shown(after)}${changed ? ' (what is known has changed since it was recorded)' : ''}`,
      ...before.deciding.map((rule) => `    before ${rule.id}: ${rule.measured} (${rule.limit}); ${rule.clause}`),
      ...after.deciding.map((rule) => `    after  ${rule.id}: ${rule.measured} (${rule.limit}); ${rule.clause}`),
    ]),
    ...(leftOut === 0 ? [] : [`  ${leftOut} more were left out: ask for fewer days`]),
  ];
}

function isNotZero(amount: string): boolean {
  return /[1-9]/.test(amount);
}
