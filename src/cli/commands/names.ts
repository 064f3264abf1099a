import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../../client/wire/client.ts';
import { parseInstant } from '../../domain/instant.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { tableLines } from '../../process/text-table.ts';

const nameShape = z.looseObject({
  vm: z.string(),
  samples: z.int(),
  first_sample: z.string().nullable(),
  last_sample: z.string().nullable(),
  nics: z.int(),
  agents: z.array(z.string()),
});
const Names = z.object({ rows: z.array(nameShape), next: z.string().nullable() });
const Forgot = z.object({ names: z.int(), samples: z.int(), shown: z.array(nameShape), more: z.boolean() });
const forgottenShape = z.looseObject({
  vm: z.string(),
  forgotten_at: z.string(),
  forgotten_by: z.string(),
  samples: z.int(),
  first_sample: z.string().nullable(),
  last_sample: z.string().nullable(),
});
const Forgotten = z.object({ rows: z.array(forgottenShape), next: z.string().nullable() });

/** All samples of thousands of VMs are gone over. */
const CALL_TIMEOUT_MS = 300_000;

const EXAMPLES = `
Every VM that was ever posted has a place, and places are bounded (UPTALLY_MAX_VMS). Names that no account has can be forgotten: their
place is free again, and their samples and rows are deleted for good. Never those of a VM that the catalog has or had, or that an
event or an incident names. Who had what forgotten stays on record, and uptally verify counts it.

Examples:
  uptally names list
  uptally names list --pattern 'lab-*' --json | jq -r .vm
  uptally names forget lab-1 lab-2
  uptally names forget --pattern 'lab-*' --before 2026-03-01T00:00:00Z --dry-run
  uptally names forgotten
`;

/** `uptally names`: which names nobody needs, and having them forgotten. */
export function register(program: Command, context: CliContext): void {
  const names = program
    .command('names')
    .description('names that are metered and in no catalog: list them, have them forgotten')
    .addHelpText('after', EXAMPLES);

  names
    .command('list')
    .description('names in no catalog, with what is stored of them')
    .option('--pattern <pattern>', 'only these, with * for any characters')
    .option('--json', 'print them as JSON, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { pattern?: string; json?: boolean }, command: Command) => {
      const query = options.pattern === undefined ? '' : `?pattern=${encodeURIComponent(options.pattern)}`;
      const rows = await withClient(command, context, (client) => pagesOf(client, `/v1/names${query}`, Names), TIMEOUT);
      if (options.json === true) for (const each of rows) writeLine(context.stdout, JSON.stringify(each));
      else for (const line of nameLines(rows)) writeLine(context.stdout, line);
    });

  names
    .command('forget [names...]')
    .description('have names forgotten, with all that is stored of them (needs an admin key)')
    .option('--pattern <pattern>', 'names in no catalog that match, with * for any characters')
    .addOption(new Option('--before <instant>', 'only those whose newest sample is older (RFC 3339)').argParser(parseMoment))
    .option('--dry-run', 'only tell what would go')
    .option('--json', "print the server's answers, one a line")
    .addHelpText('after', EXAMPLES)
    .action(async (vms: string[], options: ForgetOptions, command: Command) => {
      if ((vms.length === 0) === (options.pattern === undefined)) throw new CommandFailure('give either names or --pattern', 2);
      if (options.before !== undefined && options.pattern === undefined)
        throw new CommandFailure('--before goes with --pattern', 2);
      await withClient(command, context, (client) => forget(client, context, vms, options), TIMEOUT);
    });

  names
    .command('forgotten')
    .description('names that were forgotten: which, when, by whom, and how many samples')
    .option('--json', 'print them as JSON, one a line')
    .action(async (options: { json?: boolean }, command: Command) => {
      const rows = await withClient(command, context, (client) => pagesOf(client, '/v1/names/forgotten', Forgotten), TIMEOUT);
      if (options.json === true) for (const each of rows) writeLine(context.stdout, JSON.stringify(each));
      else {
        const cells = rows.map((row) => [row.vm, row.forgotten_at, row.forgotten_by, row.samples, row.first_sample ?? '', row.last_sample ?? '']); // prettier-ignore
        const head = ['VM', 'forgotten', 'by', 'samples', 'first', 'last'];
        for (const line of rows.length === 0 ? ['nothing was forgotten'] : tableLines(head, cells))
          writeLine(context.stdout, line);
      }
    });
}

interface ForgetOptions {
  readonly pattern?: string;
  readonly before?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const TIMEOUT = { timeoutMs: CALL_TIMEOUT_MS };

async function forget(client: ApiClient, context: CliContext, vms: readonly string[], options: ForgetOptions): Promise<void> {
  const dryRun = options.dryRun === true;
  const which = options.pattern === undefined ? { vms } : { pattern: options.pattern, before: options.before };
  const sum = { names: 0, samples: 0 };
  for (let more = true; more;) {
    const { json, text } = await client.call('POST', '/v1/names/forget', { ...which, dry_run: dryRun });
    const answer = shapedAs(Forgot, json);
    sum.names += answer.names;
    sum.samples += answer.samples;
    if (options.json === true) writeLine(context.stdout, text.trim());
    else if (sum.names === answer.names && answer.shown.length > 0)
      for (const line of nameLines(answer.shown)) writeLine(context.stdout, line);
    // a further call finds the same ones again until those of this one are gone, or for ever where none go
    more = answer.more && !dryRun;
    if (more) await untilApplied(client, context);
  }
  const done = dryRun ? 'would be forgotten' : 'are forgotten: uptally status --wait waits until their room is free';
  writeLine(context.stderr, `${sum.names} names with ${sum.samples} samples ${done}`);
}

const Applied = z.looseObject({ catalog: z.looseObject({ recorded: z.number(), applied: z.number() }) });
const POLL_MS = 500;

async function untilApplied(client: ApiClient, context: CliContext): Promise<void> {
  for (;;) {
    const { catalog } = shapedAs(Applied, (await client.call('GET', '/v1/status')).json);
    if (catalog.applied >= catalog.recorded) return;
    await context.sleep(POLL_MS);
  }
}

async function pagesOf<Row>(
  client: ApiClient,
  path: string,
  shape: z.ZodType<{ rows: Row[]; next: string | null }>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let asked = path; ;) {
    const page = shapedAs(shape, (await client.call('GET', asked)).json);
    rows.push(...page.rows);
    if (page.next === null) return rows;
    asked = `${path.split('?')[0] ?? path}?cursor=${encodeURIComponent(page.next)}`;
  }
}

function shapedAs<T>(shape: z.ZodType<T>, json: unknown): T {
  const parsed = shape.safeParse(json);
  if (!parsed.success) throw new CommandFailure(`the server's answer is not as expected: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function nameLines(rows: readonly z.infer<typeof nameShape>[]): string[] {
  if (rows.length === 0) return ['every name is in the catalog'];
  const cells = rows.map((row) => [
    row.vm,
    row.samples,
    row.nics,
    row.first_sample ?? '',
    row.last_sample ?? '',
    row.agents.join(' '),
  ]);
  return tableLines(['VM', 'samples', 'interfaces', 'first', 'last', 'by'], cells);
}

function parseMoment(text: string): number {
  const ms = parseInstant(text);
  if (ms === undefined) throw new InvalidArgumentError('write an instant such as 2026-03-01T00:00:00Z.');
  return ms;
}
