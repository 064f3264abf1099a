import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { formatInstant } from '../../domain/instant.ts';
import type { LoadedSheet, TermsLibrary } from '../../terms/library.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { register as registerBacktest } from './terms-backtest.ts';
import { tableLines } from '../../process/text-table.ts';

const EXAMPLES = `
A terms sheet says in JSON what a provider promised: credits, refunds, fees. The server reads the shipped ones and those in the
folder "terms" of its data directory; the guide is schemas/terms/README.md.

Examples:
  uptally terms list
  uptally terms show cstserver-2022
  uptally terms show cstserver-2022 --json > data/terms/mine.json
  uptally terms known cstserver-2022                        as the server has it
  uptally terms check data/terms/mine.json
  uptally terms backtest mine.json --from 2026-01 --to 2026-04      what it would have changed
`;

/** `uptally terms`: works on files; only a backtest asks a server. */
export function register(program: Command, context: CliContext): void {
  const terms = program.command('terms').description("check and show providers' terms sheets").addHelpText('after', EXAMPLES);
  registerBacktest(terms, context);

  terms
    .command('check <file...>')
    .description('check sheets: their form, and whether their rules contradict each other')
    .action(async (files: string[]) => {
      const { parseSheet, sheetLine, TermsError, TermsLibrary } = await import('../../terms/library.ts');
      const faults: string[] = [];
      const sheets: LoadedSheet[] = [];
      for (const file of files) {
        const parsed = parseSheet(readFileSync(file, 'utf8'), file);
        if ('sheet' in parsed) sheets.push(parsed);
        else faults.push(...parsed);
      }
      try {
        // Versions of one sheet must follow each other, too.
        new TermsLibrary(sheets);
      } catch (error) {
        if (!(error instanceof TermsError)) throw error;
        faults.push(...error.faults);
      }
      for (const fault of faults) writeLine(context.stderr, fault);
      if (faults.length > 0) throw new CommandFailure(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} found`);
      for (const { sheet, file } of sheets) writeLine(context.stdout, `${file}: ${sheetLine(sheet)}, in order`);
    });

  terms
    .command('list')
    .description('list the sheets that a server here would know')
    .option('--dir <folder>', "a folder of sheets besides the shipped ones; by default the data directory's terms")
    .action(async (options: { dir?: string }) => {
      const { library } = await load(context, options.dir);
      const rows = library
        .ids()
        .flatMap((id) =>
          library
            .versions(id)
            .map(({ sheet, file }) => [id, sheet.version, formatInstant(sheet.effective_from), basename(file), sheet.title]),
        );
      for (const line of tableLines(['id', 'version', 'effective from', 'file', 'title'], rows)) writeLine(context.stdout, line);
    });

  terms
    .command('known [id]')
    .description('the sheets that a server knows, or one of them, as the server answers')
    .action(async (id: string | undefined, _: object, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json } = await client.call('GET', `/v1/terms${id === undefined ? '' : `/${encodeURIComponent(id)}`}`);
        writeLine(context.stdout, JSON.stringify(json, null, 2));
      });
    });

  terms
    .command('show <id>')
    .description('show the rules of a sheet, each with its clause; the version in force now')
    .option('--dir <folder>', "a folder of sheets besides the shipped ones; by default the data directory's terms")
    .option('--json', 'print the sheet as it is written')
    .action(async (id: string, options: { dir?: string; json?: boolean }) => {
      const { library } = await load(context, options.dir);
      const loaded = library.inForce(id, context.now());
      if (loaded === undefined)
        throw new CommandFailure(`there is no sheet ${id} in force; loaded are: ${library.ids().join(', ')}`);
      if (options.json === true) writeLine(context.stdout, JSON.stringify(loaded.json, null, 2));
      else for (const line of await sheetLines(loaded)) writeLine(context.stdout, line);
    });
}

async function load(context: CliContext, dir: string | undefined): Promise<{ library: TermsLibrary }> {
  const { loadTerms, shippedTermsFolder, TermsError } = await import('../../terms/library.ts');
  if (dir !== undefined && !existsSync(dir)) throw new CommandFailure(`there is no folder ${dir}`, 2);
  const own = dir ?? join(context.env['UPTALLY_DATA_DIR'] ?? './data', 'terms');
  try {
    return { library: loadTerms([shippedTermsFolder(), own]) };
  } catch (error) {
    if (error instanceof TermsError) throw new CommandFailure(error.message);
    throw error;
  }
}

/** Rule, and clause it encodes, for people. */
async function sheetLines({ sheet }: LoadedSheet): Promise<string[]> {
  const { clauseShown } = await import('../../terms/sheet.ts');
  const { sheetLine } = await import('../../terms/library.ts');
  const { clauseUses } = await import('../../terms/contradictions.ts');
  const shown = clauseUses(sheet).map(({ path, clause }) => [ruleName(sheet, path), clauseShown(sheet, clause)]);
  return [`${sheetLine(sheet)}: ${sheet.title}`, `document: ${sheet.document}`, '', ...tableLines(['rule', 'clause'], shown)];
}

/** `refund.bars.2.clause` as `refund bar three-refunds`. */
function ruleName(sheet: LoadedSheet['sheet'], path: readonly (string | number)[]): string {
  const [part, list, i] = path;
  if (part === 'refund' && (list === 'grounds' || list === 'bars') && typeof i === 'number')
    return `refund ${list === 'grounds' ? 'ground' : 'bar'} ${sheet.refund[list][i]?.id ?? ''}`;
  if (part === 'fees' && typeof list === 'number')
    return `fee ${sheet.fees[list]?.id ?? ''}${path.includes('free') ? ', free' : ''}`;
  if (part === 'excluded' && typeof list === 'number') return `excluded ${sheet.excluded[list]?.causes.join(' ') ?? ''}`;
  if (part === 'credit') return `credit ${sheet.credit.kind}`;
  return path
    .filter((name) => name !== 'clause' && typeof name === 'string')
    .join(' ')
    .replace('destination_clause', 'destination');
}
