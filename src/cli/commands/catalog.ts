import { Argument, type Command, Option } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../../client/wire/client.ts';
import { parseExact } from '../../verify/exact-json.ts';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { registerWrites } from './catalog-write.ts';

const entry = z.looseObject({
  id: z.string(),
  version: z.union([z.number(), z.string()]),
  recorded_at: z.string(),
  recorded_by: z.string(),
});
/** VMs are listed with what was seen of them beside what is agreed. */
const listed = z.union([entry, z.looseObject({ vm: z.string(), agreed: entry.nullable() })]);
const List = z.looseObject({ rows: z.array(listed), next: z.string().nullable() });
const Page = z.looseObject({ rows: z.array(entry), next: z.string().nullable() });

const EXAMPLES = `
The catalog only grows: every change of a plan, an account or a VM is one more version, and none is edited or taken away.
--at asks what had been recorded by an instant (recorded_at). From when on something is effective stands in the bodies
themselves, as in a VM's plans: a change recorded today may hold from last month on.

Examples:
  uptally catalog list vm --account acme --state suspended
  uptally catalog list account --q example --json
  uptally catalog show vm web-7
  uptally catalog show plan small --at 2026-03-01T00:00:00+08:00
  uptally catalog patch account acme '{"email":"billing@acme.example"}'
  uptally catalog import fleet.ndjson --dry-run
  uptally catalog export vm --csv > vms.csv
  uptally catalog history account acme
  uptally catalog history vm web-7 --json | jq .recorded_by
`;

/** `uptally catalog`: what is agreed, what was, and who recorded it when. */
export function register(program: Command, context: CliContext): void {
  const catalog = program
    .command('catalog')
    .description('plans, accounts and VMs: as they are, as they were, every change; put, patch, import and export them')
    .addHelpText('after', EXAMPLES);
  registerWrites(catalog, context);
  const kinds = (): Argument => new Argument('<kind>', 'what it is').choices(['plan', 'account', 'vm']);

  catalog
    .command('list')
    .description('list plans, accounts or VMs, in the order of their ids')
    .addArgument(kinds())
    .option('--account <id>', 'of plans and VMs: only those of this account')
    .option('--plan <id>', 'of accounts and VMs: only those that are, were or will be on this plan')
    .addOption(new Option('--state <state>', 'of accounts and VMs: how they stand').choices(['active', 'suspended', 'ended']))
    .option('--q <text>', 'only those with this in their id, name or title')
    .option('--json', 'print them whole, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: Kind, { json, ...filters }: Filters & { json?: boolean }, command: Command) => {
      refuseForeign(kind, filters);
      await withClient(command, context, async (client) => {
        const table: string[][] = [];
        for (let asked = new URLSearchParams({ ...filters }); ;) {
          const { rows, next } = await read(client, `/v1/${kind}s?${asked.toString()}`, List);
          for (const row of rows.flatMap(agreedOf))
            if (json === true) writeLine(context.stdout, JSON.stringify(row));
            else table.push(COLUMNS[kind].map((column) => cellOf(row, column)));
          if (next === null) break;
          asked = new URLSearchParams({ cursor: next });
        }
        if (json !== true) for (const line of tableLines([...COLUMNS[kind]], table)) writeLine(context.stdout, line);
      });
    });

  catalog
    .command('show')
    .description('show one as it is, or as it had been recorded by an instant')
    .addArgument(kinds())
    .argument('<id>')
    .option('--at <instant>', 'what had been recorded by then, RFC 3339')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: string, id: string, options: { at?: string }, command: Command) => {
      await withClient(command, context, async (client) => {
        const at = options.at === undefined ? '' : `?at=${encodeURIComponent(options.at)}`;
        const found = await read(client, `/v1/${kind}s/${encodeURIComponent(id)}${at}`, entry);
        writeLine(context.stdout, JSON.stringify(found, null, 2));
      });
    });

  catalog
    .command('history')
    .description('every version, the oldest first, with what changed')
    .addArgument(kinds())
    .argument('<id>')
    .option('--json', 'print the versions whole, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: string, id: string, options: { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const path = `/v1/${kind}s/${encodeURIComponent(id)}/history`;
        let before: Record<string, unknown> = {};
        for (let cursor: string | null = ''; cursor !== null;) {
          const page: z.infer<typeof Page> = await read(
            client,
            cursor === '' ? path : `${path}?cursor=${encodeURIComponent(cursor)}`,
            Page,
          );
          for (const row of page.rows) {
            if (options.json === true) writeLine(context.stdout, JSON.stringify(row));
            else {
              writeLine(context.stdout, `version ${row.version}, ${row.recorded_at}, by ${row.recorded_by}`);
              for (const line of changed(before, row)) writeLine(context.stdout, `  ${line}`);
            }
            before = row;
          }
          cursor = page.next;
        }
      });
    });
}

/** What the catalog has of a row; none of a name that is only metered. */
function agreedOf(row: z.infer<typeof listed>): z.infer<typeof entry>[] {
  const own = entry.safeParse(row);
  if (own.success) return [own.data];
  const { agreed } = answerAs(z.looseObject({ agreed: entry.nullable() }), row);
  return agreed === null ? [] : [agreed];
}

type Kind = 'plan' | 'account' | 'vm';
interface Filters {
  account?: string;
  plan?: string;
  state?: string;
  q?: string;
}

/** What a kind is listed by. */
const COLUMNS = {
  plan: ['id', 'title', 'currency', 'price', 'terms'],
  account: ['id', 'name', 'currency', 'tax_percent', 'language', 'time_zone'],
  vm: ['id', 'account', 'title', 'plans', 'starts_at', 'ends_at', 'paid_until'],
} as const satisfies Readonly<Record<Kind, readonly string[]>>;

/** Throws wrong usage where a filter is not one of the kind. */
function refuseForeign(kind: Kind, { account, plan, state }: Filters): void {
  if (kind === 'account' && account !== undefined) throw new CommandFailure('--account goes with plan and vm: for an id, --q', 2);
  if (kind === 'plan' && plan !== undefined) throw new CommandFailure('--plan goes with account and vm: for an id, --q', 2);
  if (kind === 'plan' && state !== undefined) throw new CommandFailure('--state goes with account and vm', 2);
}

/** A member in one cell: a price as it is said, the plans of a VM by name. */
function cellOf(row: Readonly<Record<string, unknown>>, column: string): string {
  const value = row[column];
  if (column === 'price') {
    const { amount, per } = answerAs(z.looseObject({ amount: z.string(), per: z.string() }), value);
    return `${amount} a ${per}`;
  }
  if (column === 'plans')
    return answerAs(z.array(z.looseObject({ plan: z.string() })), value)
      .map(({ plan }) => plan)
      .join(', ');
  return typeof value === 'string' ? value : '';
}

async function read<T>(client: ApiClient, path: string, shape: z.ZodType<T>): Promise<T> {
  const { text } = await client.call('GET', path);
  return answerAs(shape, parseExact(text));
}

const OURS = new Set(['id', 'version', 'recorded_at', 'recorded_by']);

/** The members that differ from the version before, as they now are. */
function changed(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !OURS.has(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${name}: ${JSON.stringify(after[name] ?? null)}`);
}
