import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../../client/wire/client.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { tableLines } from '../../process/text-table.ts';

const Answer = z.object({
  id: z.string(),
  vm: z.string(),
  at: z.string(),
  terms: z.string(),
  terms_version: z.number(),
  what_if: z.boolean(),
  decision: z.string(),
  amount: z.string().nullable(),
  currency: z.string(),
  destination: z.string(),
  reason: z.string(),
  clauses: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      clause: z.string(),
      outcome: z.string(),
      measured: z.string(),
      limit: z.string(),
    }),
  ),
  evidence: z.object({
    from: z.string(),
    to: z.string(),
    samples: z.number(),
    outages_total: z.number(),
    traffic_bytes: z.number().nullable(),
  }),
});
type Answer = z.infer<typeof Answer>;

const EXAMPLES = `
The decision is kept with its evidence, whatever it is; nothing is paid. A rule passes when it speaks for a refund: a ground
that holds, a bar that does not stand in the way. Exit code 0: the check was made, whatever came out.

Examples:
  uptally refund-check web-7
  uptally refund-check web-7 --at 2026-03-05T12:00:00+08:00 --json
  uptally refund-check web-7 --terms cmivps-2019            what if it were under other terms
  uptally refund-check web-7 --terms-file data/terms/mine.json
  uptally refund-check --show 5f0c…                         one made before
  uptally refund-check --list --account acme --decision eligible
`;

export function register(program: Command, context: CliContext): void {
  program
    .command('refund-check [vm]')
    .description('check by its terms whether a VM may be refunded, with clauses and evidence')
    .option('--at <instant>', 'the instant of the check, RFC 3339; now by default')
    .option('--terms <id>', 'what if: another terms sheet that the server knows')
    .option('--terms-file <file>', 'what if: a terms sheet of this machine')
    .option('--show <id>', 'show a check made before')
    .option('--list', 'list those made before, of the VM where one is named')
    .option('--account <id>', 'of the list: only those of its VMs')
    .addOption(
      new Option('--decision <decision>', 'of the list: only such').choices(['eligible', 'not_eligible', 'needs_review']),
    )
    .addOption(
      new Option('--granted <granted>', 'of the list: only those that were granted, or were not').choices(['true', 'false']),
    )
    .option('--from <instant>', 'of the list: only those made at it or later, RFC 3339')
    .option('--to <instant>', 'of the list: only those made before it')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (vm: string | undefined, options: Options, command: Command) => {
      if (options.list === true) {
        await withClient(command, context, async (client) => {
          await listChecks(client, context, vm, options);
        });
        return;
      }
      const request = requestOf(vm, options);
      await withClient(command, context, async (client) => {
        const { json, text } =
          request === undefined
            ? await client.call('GET', `/v1/refund-checks/${encodeURIComponent(options.show ?? '')}`)
            : await client.call('POST', '/v1/refund-checks', request);
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        for (const line of answerLines(answerAs(Answer, json))) writeLine(context.stdout, line);
      });
    });
}

interface Options {
  list?: boolean;
  account?: string;
  decision?: string;
  granted?: string;
  from?: string;
  to?: string;
  at?: string;
  terms?: string;
  termsFile?: string;
  show?: string;
  json?: boolean;
}

const Page = z.object({
  rows: z.array(
    z.object({
      ...{ id: z.string(), vm: z.string(), at: z.string(), terms: z.string(), decision: z.string(), currency: z.string() },
      ...{ amount: z.string().nullable(), granted: z.boolean(), recorded_by: z.string() },
    }),
  ),
  next: z.string().nullable(),
});

/** Checks made before, page by page; with `--json` a line each. */
async function listChecks(client: ApiClient, context: CliContext, vm: string | undefined, options: Options): Promise<void> {
  const { account, decision, granted, from, to } = options;
  const given = Object.entries({ vm, account, decision, granted, from, to }).filter((each): each is [string, string] => each[1] !== undefined); // prettier-ignore
  const rows: string[][] = [];
  for (let query = new URLSearchParams(given); ;) {
    const { json, text } = await client.call('GET', `/v1/refund-checks?${query.toString()}`);
    const page = answerAs(Page, json);
    if (options.json === true) writeLine(context.stdout, text.trim());
    rows.push(...page.rows.map((row) => [row.id, row.vm, row.at, row.terms, row.decision, row.amount === null ? '' : `${row.amount} ${row.currency}`, row.granted ? 'yes' : '', row.recorded_by])); // prettier-ignore
    if (page.next === null) break;
    query = new URLSearchParams({ cursor: page.next });
  }
  if (options.json === true) return;
  for (const line of tableLines(['id', 'vm', 'at', 'terms', 'decision', 'amount', 'granted', 'by'], rows)) writeLine(context.stdout, line); // prettier-ignore
}

/** The body to post; undefined to show an earlier check. Throws wrong usage. */
function requestOf(vm: string | undefined, options: Options): object | undefined {
  const { at, terms, termsFile, show } = options;
  if (show !== undefined) {
    if (vm !== undefined || at !== undefined || terms !== undefined || termsFile !== undefined)
      throw new CommandFailure('--show stands alone: a check made before is shown as it was', 2);
    return undefined;
  }
  if (vm === undefined) throw new CommandFailure('which VM? name it, or give --show ID', 2);
  if (terms !== undefined && termsFile !== undefined) throw new CommandFailure('--terms or --terms-file, not both', 2);
  return { vm, ...(at === undefined ? {} : { at }), ...termsMember(terms, termsFile) };
}

function termsMember(id: string | undefined, file: string | undefined): { terms?: unknown } {
  if (file === undefined) return id === undefined ? {} : { terms: id };
  const text = readFileSync(file, 'utf8');
  try {
    return { terms: JSON.parse(text) as unknown };
  } catch {
    throw new CommandFailure(`${file} is no JSON; see uptally terms check`, 2);
  }
}

function answerLines(answer: Answer): string[] {
  const { evidence, amount } = answer;
  const whatIf = answer.what_if ? ', what if' : '';
  const rules = answer.clauses.map((rule) => [rule.kind, rule.id, rule.outcome, rule.measured, rule.limit]);
  return [
    `${answer.vm} at ${answer.at}, terms ${answer.terms} version ${answer.terms_version}${whatIf}`,
    amount === null
      ? `${answer.decision}: ${answer.reason}`
      : `${answer.decision}: ${amount} ${answer.currency}, to ${answer.destination}; ${answer.reason}`,
    '',
    ...tableLines(['', 'rule', 'outcome', 'measured', 'limit'], rules),
    '',
    ...answer.clauses.map((rule) => `  ${rule.clause}`),
    '',
    `evidence: ${evidence.from} to ${evidence.to}: ${evidence.samples} samples, ${evidence.outages_total} ${evidence.outages_total === 1 ? 'outage' : 'outages'}, ${evidence.traffic_bytes ?? 'unknown'} bytes`,
    `kept as ${answer.id}`,
  ];
}
