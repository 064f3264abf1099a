import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { ApiError } from '../../client/wire/api-error.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { Invoice, InvoicePage, type InvoiceSummary } from '../../client/shapes/billing.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { FindingPage } from '../../client/shapes/catalog.ts';
import { allPages } from '../terminal/all-pages.ts';
import { type RunOptions, runInvoices, summaryLines } from './invoice-run.ts';
import { collect } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

/** A part of a run on a busy machine may take its time; asked again it would only begin anew. */
const CALL_TIMEOUT_MS = 300_000;

const FORMATS = { json: 'application/json', html: 'text/html', csv: 'text/csv', pdf: 'application/pdf' } as const;

const EXAMPLES = `
Examples:
  uptally invoices run --period 2026-03 --dry-run      what every account would be billed
  uptally invoices run --period 2026-03                drafts, to look through
  uptally invoices run --period 2026-03 --finalize     numbers them; once more makes nothing twice
  uptally invoices list --status final --from 2026-03-01T00:00:00Z
  uptally invoices show 17                             by number, or by id
  uptally invoices get 17 --format pdf --output invoice-17.pdf
`;

const RUN_EXAMPLES = `
A period is a calendar month or day, each account's in the time zone of its plans (or its own). What is wrong with one account stops
no other. A run may be stopped at any time, and the server too: the same command goes on where it was.
Exit code 0: every account was billed, or had nothing to bill; 1: some failed, or it was stopped.

Examples:
  uptally invoices run --period 2026-03 --dry-run
  uptally invoices run --period 2026-03 --finalize
  uptally invoices run --period 2026-03-05 --account acme --account example
  uptally invoices run --period 2026-03 --json | jq '.outcomes[] | select(.outcome == "failed")'
`;

/** `uptally invoices`: run, list, show, get, finalize, void. */
export function register(program: Command, context: CliContext): void {
  const invoices = program.command('invoices').description('bill a period, and read invoices').addHelpText('after', EXAMPLES);

  invoices
    .command('run')
    .description('rate a period of all accounts, as drafts or final invoices')
    .requiredOption('--period <period>', 'a month such as 2026-03, or a day such as 2026-03-05')
    .addOption(new Option('--account <id>', 'only this account; may be repeated').argParser(collect))
    .option('--finalize', 'number the invoices; from then on nothing in them changes')
    .option('--allow-incomplete', 'with --finalize: also what has not been metered to the end of the period')
    .option('--without-issuer', 'with --finalize: also when the server has no issuer.json, so that they name no seller')
    .option('--dry-run', 'say what would be done and write nothing')
    .option('--json', 'print every outcome as JSON')
    .addHelpText('after', RUN_EXAMPLES)
    .action(async (options: RunOptions, command: Command) => {
      if (!/^\d{4}-\d{2}(-\d{2})?$/.test(options.period))
        throw new CommandFailure('--period: write a month such as 2026-03, or a day such as 2026-03-05', 2);
      if (options.allowIncomplete === true && options.finalize !== true)
        throw new CommandFailure('--allow-incomplete goes with --finalize', 2);
      if (options.withoutIssuer === true && options.finalize !== true)
        throw new CommandFailure('--without-issuer goes with --finalize', 2);
      const result = await withClient(
        command,
        context,
        async (client) => ({ ...(await runInvoices(client, context, options)), strangers: await strangersOf(client) }),
        { timeoutMs: CALL_TIMEOUT_MS },
      );
      if (options.json === true) {
        const { dryRun, strangers, ...rest } = result;
        writeLine(context.stdout, JSON.stringify({ ...rest, dry_run: dryRun, not_in_catalog: strangers }, null, 2));
      } else for (const line of [...summaryLines(result), ...strangerLines(result.strangers)]) writeLine(context.stdout, line);
      const failed = result.outcomes.filter((each) => each.outcome === 'failed').length;
      if (failed > 0) throw new CommandFailure(`${failed} of ${result.outcomes.length} accounts failed`);
      if (result.interrupted) throw new CommandFailure('stopped before the end');
    });

  invoices
    .command('list')
    .description('invoices and credit notes by period')
    .option('--account <id>', 'only of this account')
    .option('--from <instant>', 'only periods that end after it, RFC 3339')
    .option('--to <instant>', 'only periods that begin before it, RFC 3339')
    .addOption(new Option('--status <status>', 'only with this status').choices(['draft', 'final', 'paid', 'void']))
    .addOption(new Option('--type <type>', 'only of this type').choices(['invoice', 'credit_note']))
    .option('--json', 'print them as JSON, one a line')
    .action(async ({ json, ...filters }: Record<string, string> & { json?: boolean }, command: Command) => {
      const rows = await withClient(command, context, (client) => listAll(client, filters));
      if (json === true) for (const row of rows) writeLine(context.stdout, JSON.stringify(row));
      else {
        const heading = ['number', 'type', 'status', 'account', 'from', 'to', 'total', '', 'id'];
        const cells = rows.map((row) => [row.number_text ?? row.number ?? '-', row.type, row.status, row.account, row.from, row.to, row.total, row.currency, row.id]); // prettier-ignore
        for (const line of tableLines(heading, cells)) writeLine(context.stdout, line);
      }
    });

  const named = (name: string, description: string): Command =>
    invoices.command(`${name} <invoice>`).description(description).option('--credit-note', 'the number is that of a credit note');

  invoices
    .command('draft <account>')
    .description('rate a period of an account and keep the draft, or only look at it')
    .requiredOption('--from <instant>', 'its start: the beginning of a local day, RFC 3339')
    .requiredOption('--to <instant>', 'its end')
    .option('--preview', 'keep nothing')
    .option('--json', "print the server's answer as it is")
    .action(
      async (account: string, options: { from: string; to: string; preview?: boolean; json?: boolean }, command: Command) => {
        await withClient(command, context, async (client) => {
          const { from, to, preview } = options;
          const body = { account, from, to, mode: preview === true ? 'preview' : 'draft' };
          const { json, text } = await client.call('POST', '/v1/invoices', body);
          if (options.json === true) writeLine(context.stdout, text.trim());
          else showInvoice(context, json);
        });
      },
    );

  named('show', 'the lines of an invoice, by number or id')
    .option('--json', "print the server's answer as it is")
    .action(async (which: string, options: { creditNote?: boolean; json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { text, json } = await client.call('GET', await pathOf(client, which, options.creditNote));
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        showInvoice(context, json);
      });
    });

  named('get', 'download an invoice as a document')
    .addOption(new Option('--format <format>', 'of the document').choices(Object.keys(FORMATS)).default('pdf'))
    .option('--output <file>', 'write it there; - is standard output. Left out: a name made of type, number and format')
    .action(
      async (
        which: string,
        options: { creditNote?: boolean; format: keyof typeof FORMATS; output?: string },
        command: Command,
      ) => {
        await withClient(command, context, async (client) => {
          const path = await pathOf(client, which, options.creditNote);
          const { bytes } = await client.download(path, FORMATS[options.format]);
          if (options.output === '-') {
            context.stdout.write(bytes);
            return;
          }
          const file = options.output ?? `${options.creditNote === true ? 'credit-note' : 'invoice'}-${which}.${options.format}`;
          await writeFile(file, bytes);
          writeLine(context.stderr, `${file}: ${bytes.length} bytes`);
        });
      },
    );

  named('finalize', 'give a draft its number; once more is harmless')
    .option('--allow-incomplete', 'also before the period is over, or metered to its end')
    .option('--without-issuer', 'also when it names no seller, because the server has no issuer.json')
    .action(async (which: string, options: { allowIncomplete?: boolean; withoutIssuer?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const query = `allow_incomplete=${options.allowIncomplete === true}&without_issuer=${options.withoutIssuer === true}`;
        const { json } = await client.call('POST', `${await pathOf(client, which, false)}/finalize?${query}`);
        showInvoice(context, json);
      });
    });

  named('void', 'make an invoice void; its number stays used').action(
    async (which: string, options: { creditNote?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json } = await client.call('POST', `${await pathOf(client, which, options.creditNote)}/void`);
        showInvoice(context, json);
      });
    },
  );
}

/** VMs that are metered and that no account is billed for; none where the server can't say. */
async function strangersOf(client: ApiClient): Promise<string[]> {
  try {
    return (await allPages(client, '/v1/findings', { kind: 'vm_not_in_catalog' }, FindingPage)).map((each) => each.vm ?? '');
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

function strangerLines(vms: readonly string[]): string[] {
  if (vms.length === 0) return [];
  const named = vms.length <= 5 ? vms.join(', ') : `${vms.slice(0, 5).join(', ')} and ${vms.length - 5} more`;
  const are = vms.length === 1 ? 'VM is' : 'VMs are';
  return ['', `warning: ${vms.length} ${are} metered and in no account, so nobody is billed (${named}): uptally findings`];
}

/** The path of an invoice that was named by its number or its id. */
async function pathOf(client: ApiClient, which: string, creditNote: boolean | undefined): Promise<string> {
  const byId = `/v1/invoices/${encodeURIComponent(which)}`;
  if (/^[0-9a-f]{16,}$/.test(which) && !/^\d+$/.test(which)) return byId;
  const type = creditNote === true ? 'credit_note' : 'invoice';
  const [found] = await listAll(client, { number: which, type });
  if (found === undefined && !/^\d+$/.test(which)) return byId;
  if (found === undefined) throw new CommandFailure(`there is no ${type.replace('_', ' ')} with number ${which}`);
  return `/v1/invoices/${found.id}`;
}

async function listAll(client: ApiClient, filters: Readonly<Record<string, string>>): Promise<InvoiceSummary[]> {
  const rows: InvoiceSummary[] = [];
  for (let query = new URLSearchParams(filters); ;) {
    const { json } = await client.call('GET', `/v1/invoices?${query.toString()}`);
    const { invoices, next } = answerAs(InvoicePage, json);
    rows.push(...invoices);
    if (next === null) return rows;
    query = new URLSearchParams({ cursor: next });
  }
}

function showInvoice(context: CliContext, json: unknown): void {
  const { lines, warnings, ...head } = answerAs(Invoice, json);
  const name = head.type === 'credit_note' ? 'credit note' : 'invoice';
  const rows = lines.map((line) => [
    line.kind,
    line.vm ?? '',
    line.description,
    line.quantity,
    line.unit,
    line.unit_price,
    line.amount,
  ]);
  for (const text of [
    `${name} ${head.number_text ?? head.number ?? '(no number yet)'} of ${head.account}, ${head.status}, id ${head.id}`,
    `${head.from} to ${head.to}`,
    '',
    ...tableLines(['', 'VM', 'line', 'quantity', 'unit', `${head.currency} a unit`, head.currency], rows),
    '',
    `total ${head.total} ${head.currency}${head.outstanding === undefined ? '' : `, outstanding ${head.outstanding}`}`,
    ...warnings.map((each) => `warning: ${each}`),
  ])
    writeLine(context.stdout, text);
}
