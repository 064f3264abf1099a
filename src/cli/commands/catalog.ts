import { Argument, type Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../../client/wire/client.ts';
import { parseExact } from '../../verify/exact-json.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';

const entry = z.looseObject({
  id: z.string(),
  version: z.union([z.number(), z.string()]),
  recorded_at: z.string(),
  recorded_by: z.string(),
});
const Page = z.looseObject({ rows: z.array(entry), next: z.string().nullable() });

const EXAMPLES = `
The catalog only grows: every change of a plan, an account or a VM is one more version, and none is edited or taken away.
--at asks what had been recorded by an instant (recorded_at). From when on something is effective stands in the bodies
themselves, as in a VM's plans: a change recorded today may hold from last month on.

Examples:
  uptally catalog show vm web-7
  uptally catalog show plan small --at 2026-03-01T00:00:00+08:00
  uptally catalog history account acme
  uptally catalog history vm web-7 --json | jq .recorded_by
`;

/** `uptally catalog`: what is agreed, what was, and who recorded it when. */
export function register(program: Command, context: CliContext): void {
  const catalog = program
    .command('catalog')
    .description('show plans, accounts and VMs as they are, as they were, and every change')
    .addHelpText('after', EXAMPLES);
  const kinds = (): Argument => new Argument('<kind>', 'what it is').choices(['plan', 'account', 'vm']);

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
