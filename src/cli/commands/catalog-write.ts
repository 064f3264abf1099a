import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { Argument, type Command, Option } from 'commander';
import { parseExact } from '../../client/wire/exact-json.ts';
import { exportCatalog } from '../bulk/catalog-export.ts';
import { importCatalog, type Kind, KINDS } from '../bulk/catalog-import.ts';
import { formatOf } from '../bulk/rows-of-file.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const BODY = `
The body is JSON, as the API's PUT /v1/plans/{id}, /v1/accounts/{id} and /v1/vms/{id} take it: the text itself, @FILE, or - for standard
input. What show prints may be put back: id, version and who recorded it are passed over. Nothing is deleted: the catalog only grows;
a VM's service ends with ends_at.
`;
const PUT = `${BODY}
Examples:
  uptally catalog put plan small '{"currency":"EUR","time_zone":"Europe/Berlin","price":{"amount":"9.00","per":"month"}}'
  uptally catalog put account acme '{"name":"Acme Ltd","currency":"EUR","tax_percent":"19"}'
  uptally catalog put vm web-7 '{"account":"acme","plans":[{"plan":"small","from":"2026-03-01T00:00:00+01:00"}]}' --dry-run
  uptally catalog show vm web-7 > web-7.json; vi web-7.json; uptally catalog put vm web-7 @web-7.json --if-match 4711
`;
const PATCH = `${BODY}
Examples:
  uptally catalog patch account acme '{"email":"billing@acme.example"}'
  uptally catalog patch vm web-7 '{"ends_at":"2026-04-01T00:00:00+02:00"}' --dry-run
  uptally catalog patch plan small '{"title":null}'                       null: as it is by default
`;
const IMPORT = `
A file is NDJSON, a plan, an account or a VM a line as show prints it, or CSV, whose heading names the members: price.amount is one
within another, plans.0.from one of a list's, and a cell may hold JSON (traffic, plans, nics). An empty cell says nothing. Rows say
their kind in a column, or --kind says it of all. Put plans before accounts before VMs, as export does.
Each row is made by the call that put makes, so a row that is refused stops no other; the same file again changes nothing. Where a
row has a version, it is made only if that version is still in force, or says the same. Amounts are texts and stay exact.
--dry-run asks the server for the same verdicts and writes nothing. Exit code 0: each row is in force; 1: some were refused, or it
was stopped; 2: the file can't be read, and nothing was done.

Examples:
  uptally catalog import fleet.ndjson --dry-run
  uptally catalog import vms.csv --kind vm
  uptally catalog import emails.csv --kind account --patch                only the columns that it has
  uptally catalog import fleet.csv --json | jq 'select(.verdict == "refused")'
  uptally catalog import kunden.csv --kind account --encoding windows-1252
`;
const EXPORT = `
Writes to standard output what import reads: NDJSON (all kinds, or one), or the CSV of one kind. A cell that a spreadsheet would take
for a formula begins with an apostrophe, which import takes off.

Examples:
  uptally catalog export > catalog.ndjson
  uptally catalog export vm --account acme > acme.ndjson
  uptally catalog export account --csv > accounts.csv
`;

interface WriteOptions {
  ifMatch?: string;
  dryRun?: boolean;
  restate?: boolean;
}
interface ImportOptions {
  kind?: Kind;
  format?: string;
  encoding?: string;
  dryRun?: boolean;
  patch?: boolean;
  restate?: boolean;
  json?: boolean;
}

/** `uptally catalog put`, `patch`, `import`, `export`. */
export function registerWrites(catalog: Command, context: CliContext): void {
  for (const method of ['put', 'patch'] as const)
    catalog
      .command(method)
      .description(method === 'put' ? 'make or change one: the body is all of it' : 'change the fields that the body names')
      .addArgument(new Argument('<kind>', 'what it is').choices(KINDS))
      .argument('<id>')
      .argument('<body>', 'JSON, @FILE, or - for standard input')
      .option('--if-match <version>', 'only if this version is still in force')
      .option('--dry-run', 'say what it would do, also to final invoices; nothing is written')
      .option('--restate', 'also where it touches what was invoiced; uptally reconcile then corrects that')
      .addHelpText('after', method === 'put' ? PUT : PATCH)
      .action(async (kind: string, id: string, given: string, options: WriteOptions, command: Command) => {
        const body = await bodyOf(context, given);
        const query = new URLSearchParams({
          ...(options.dryRun === true ? { dry_run: 'true' } : {}),
          ...(options.restate === true ? { restate: 'true' } : {}),
        });
        await withClient(command, context, async (client) => {
          const path = `/v1/${kind}s/${encodeURIComponent(id)}?${query.toString()}`;
          const headers = options.ifMatch === undefined ? {} : { 'if-match': `"${options.ifMatch}"` };
          const { text } = await client.call(method === 'put' ? 'PUT' : 'PATCH', path, body, undefined, headers);
          writeLine(context.stdout, text.trim());
        });
      });

  catalog
    .command('import <file>')
    .description('make and change what a file of rows says, with a verdict a row; - is standard input')
    .addOption(new Option('--kind <kind>', 'what rows are that do not say it').choices(KINDS))
    .addOption(new Option('--format <format>', "by default as the file's name says").choices(['csv', 'ndjson']))
    .option('--encoding <label>', 'of the text; by default UTF-8')
    .option('--dry-run', 'say what would become of every row; nothing is written')
    .option('--patch', 'rows change the fields that they name, and no other')
    .option('--restate', 'also where it touches what was invoiced; uptally reconcile then corrects that')
    .option('--json', 'print the verdicts as JSON, one a line, as they come')
    .addHelpText('after', IMPORT)
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const source = { file, format: formatOf(file, options.format), encoding: options.encoding };
      await withClient(command, context, (client) =>
        importCatalog(client, context, {
          ...{ source, kind: options.kind, isDryRun: options.dryRun === true, isPatch: options.patch === true },
          ...{ restates: options.restate === true, json: options.json === true },
        }),
      );
    });

  catalog
    .command('export')
    .description('write plans, accounts and VMs as rows that import reads')
    .addArgument(new Argument('[kind]', 'only these').choices(KINDS))
    .option('--account <id>', 'of plans and VMs: only those of this account')
    .option('--csv', 'as CSV, of one kind')
    .addHelpText('after', EXPORT)
    .action(async (kind: Kind | undefined, options: { account?: string; csv?: boolean }, command: Command) => {
      if (options.csv === true && kind === undefined)
        throw new CommandFailure('CSV has one kind: export plan, account or vm --csv', 2);
      if (options.account !== undefined && kind === 'account') throw new CommandFailure('--account goes with plan and vm', 2);
      await withClient(command, context, (client) =>
        exportCatalog(client, context, { kind, account: options.account, csv: options.csv === true }),
      );
    });
}

/** Throws wrong usage where it is no JSON object. */
async function bodyOf(context: CliContext, given: string): Promise<Record<string, unknown>> {
  let text = given;
  try {
    if (given === '-') text = await textOf(context.stdin);
    else if (given.startsWith('@')) text = await readFile(given.slice(1), 'utf8');
  } catch (error) {
    throw new CommandFailure(`${given.slice(1)} can't be read: ${(error as Error).message}`, 2);
  }
  try {
    const body = parseExact(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new CommandFailure('the body must be a JSON object, @FILE with one, or -', 2);
}
