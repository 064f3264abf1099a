import { InvalidArgumentError, Option, type Command } from 'commander';
import { globMatcher } from '../../agent/naming.ts';
import { parseInstant } from '../../domain/instant.ts';
import type { LogGap } from '../../store/named-log.ts';
import type { VerifyReport } from '../../verify/fleet.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { gapLine } from '../terminal/gap-lines.ts';
import { collect, parseDuration } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

interface Options {
  readonly vm?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
  readonly timeout: number;
  readonly invoices?: boolean;
  readonly invoice?: string;
}

/** A handful of megabytes an answer. */
const PAGE_ROWS = 50_000;

const EXAMPLES = `
What is proved:
  Every VM's raw samples are read back and counted again by a second, slow program that shares no arithmetic with the first.
  Minute rows, uptime with credits, traffic, outages and quarantined increases must be the same, and
  accepted = raw samples + duplicate + conflict + forgotten. The first row that disagrees is named, and the exit code is 1.
  It may run while samples come in; the newest minutes, which may still change, are then left for the next time.
  Final invoices and credit notes: numbers without gaps, digests, sums, every line computed again by that second program from the
  evidence, at most each line credited and each payment refunded, and the rows behind them as they were. What was restated
  since is told as such: uptally reconcile corrects it.
  Ledgers: every entry, balance and outstanding amount, what is overdue and what late fees rest on, derived again from the rows on record; no time
  charged twice, no money refunded or paid out twice.

Examples:
  uptally verify
  uptally verify --invoices                          only invoices, credit notes and ledgers
  curl -H "Authorization: Bearer $UPTALLY_KEY" "$UPTALLY_SERVER/v1/invoices/ID?part=copy" > copy.json
  uptally verify --invoice copy.json                 a copy, on any machine; with a server also against that
  uptally verify --vm 'h1-*' --vm db-7 --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z
  uptally verify --json | jq .disagreement
`;

export function register(program: Command, context: CliContext): void {
  program
    .command('verify')
    .description('recompute everything stored from the raw samples and name the first row that disagrees')
    .addOption(new Option('--vm <pattern>', 'only these VMs, with * and ? (repeatable)').argParser(collect))
    .addOption(new Option('--from <instant>', 'only rows that begin at or after it (RFC 3339)').argParser(parseMoment))
    .addOption(new Option('--to <instant>', 'only rows that begin before it (RFC 3339)').argParser(parseMoment))
    .option('--invoices', 'only invoices, credit notes and ledgers')
    .option('--invoice <file>', 'only this copy of a document; no server is needed')
    .option('--json', 'print the report as JSON')
    .addOption(
      new Option('--timeout <time>', 'give up if posted samples are not stored after it')
        .argParser(parseDuration)
        .default(300_000, '5m'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options, command: Command) => {
      if ((options.from ?? 0) >= (options.to ?? Infinity)) throw new CommandFailure('--to must be after --from', 2);
      if (options.invoice !== undefined) {
        const { verifyCopy } = await import('../terminal/verify-copy.ts');
        await verifyCopy(options.invoice, options.json === true, command, context);
        return;
      }
      const narrowed = options.vm !== undefined || options.from !== undefined || options.to !== undefined;
      if (options.invoices === true && narrowed) throw new CommandFailure('--invoices goes without --vm, --from and --to', 2);
      await withClient(command, context, async (client) => {
        const { verifyFleet } = await import('../../verify/fleet.ts');
        const { Reader, VerifyError } = await import('../../verify/reader.ts');
        const { describe } = await import('../../verify/disagreement.ts');
        const { startProgress } = await import('../terminal/progress.ts');
        const reader = new Reader({ client, sleep: context.sleep, signal: context.interrupted(), pageRows: PAGE_ROWS });
        const progress = startProgress(
          context,
          { format: '{bar} {value} of {total} {what} | {name}', first: { done: 0, of: 0, what: 'VMs', name: '' } },
          ({ done, of, what, name }) => `${done} of ${Math.max(of, done)} ${what} verified${name === '' ? '' : `, now ${name}`}`,
        );
        let report: VerifyReport;
        try {
          report = await verifyFleet(reader, {
            picks: options.vm === undefined ? null : globMatcher(options.vm),
            fromMs: options.from ?? null,
            toMs: options.to ?? null,
            settleMs: options.timeout,
            now: context.now,
            onVm: (done, of, name) => {
              progress.update({ done, of, what: 'VMs', name });
            },
            documents: options.invoices === true ? 'only' : narrowed ? 'not' : 'also',
            onDocument: (done, of, name) => {
              progress.update({ done, of, what: 'documents', name });
            },
            onAccount: (done, of, name) => {
              progress.update({ done, of, what: 'ledgers', name });
            },
          });
        } catch (error) {
          if (error instanceof VerifyError) throw new CommandFailure(error.message);
          throw error;
        } finally {
          progress.stop();
        }
        if (options.json === true) writeLine(context.stdout, jsonOf(report));
        else for (const line of reportLines(report)) writeLine(context.stdout, line);
        if (report.disagreement !== null) throw new CommandFailure(`disagreement at ${describe(report.disagreement)}`);
      });
    });
}

function parseMoment(text: string): number {
  const ms = parseInstant(text);
  if (ms === undefined) throw new InvalidArgumentError('write an instant such as 2026-03-01T00:00:00Z.');
  return ms;
}

/** Counts are far below 2⁵³ here; bytes and nanos are texts already. */
function jsonOf(report: VerifyReport): string {
  return JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2);
}

function reportLines(report: VerifyReport): string[] {
  const { compared, samples, documents } = report;
  const lines = tableLines(
    ['', ''],
    [
      ['VMs', report.vms],
      ['raw samples read', compared.samples],
      ['minute rows', compared.minutes],
      ['traffic rows', compared.traffic],
      ['outages', compared.outages],
      ['quarantined increases', compared.quarantined],
      ...(documents === null
        ? []
        : [
            ['invoices', documents.invoices],
            ['credit notes', documents.credit_notes],
            ['lines computed again', documents.lines],
            ['ledgers', documents.accounts],
            ['entries of ledgers', documents.entries],
          ]),
    ],
  ).slice(1);
  if (report.until !== null && report.vms > 0) lines.push(`Rows compared up to ${report.until} at least.`);
  if (report.counts_checked) {
    lines.push(
      `${samples.accepted} accepted = ${samples.applied} raw samples + ${samples.duplicate} duplicate + ${samples.conflict} conflict${
        report.names_forgotten === 0 ? '' : ` + ${samples.forgotten} forgotten`
      }.`,
    );
  } else if (report.counts_skipped !== null) lines.push(`Counts not checked: ${report.counts_skipped}.`);
  if (documents !== null) lines.push(...documentLines(documents));
  lines.push(...gapLines(report.gaps));
  if (report.names_forgotten > 0)
    lines.push(
      `${report.names_forgotten} names were forgotten, and ${samples.forgotten} samples with them: uptally names forgotten says which, when and by whom.`,
    );
  if (report.agree && report.vms > 0) lines.push('Everything stored is what the raw samples amount to.');
  if (report.agree && documents !== null && documents.invoices + documents.credit_notes > 0)
    lines.push(`${documents.invoices} invoices and ${documents.credit_notes} credit notes are what their evidence comes to.`);
  if (report.agree && documents !== null && documents.entries > 0)
    lines.push(`${documents.entries} entries of ${documents.accounts} ledgers are what the rows on record come to.`);
  return lines;
}

/** Where something is missing that no row can show: said first, and for ever. */
function gapLines(gaps: VerifyReport['gaps']): string[] {
  const lines = gaps.map(({ log_id, recorded_at, kind, ...gap }) =>
    gapLine({ ...gap, kind: kind as LogGap['kind'], logId: log_id, recordedMs: recorded_at }),
  );
  if (gaps.length > 0) lines.push('These samples were answered and are in no row and no invoice.');
  return lines;
}

const RESTATED_SHOWN_MAX = 100;

function documentLines({ restated, not_derived }: NonNullable<VerifyReport['documents']>): string[] {
  const lines = restated.slice(0, RESTATED_SHOWN_MAX).map((each) => `Restated since: ${each.document}: ${each.what}`);
  if (restated.length > RESTATED_SHOWN_MAX) lines.push(`… and ${restated.length - RESTATED_SHOWN_MAX} more`);
  if (restated.length > 0) lines.push('That is no damage; uptally reconcile --dry-run says whether an amount changes.');
  if (not_derived > 0)
    lines.push(`${not_derived} documents are too old to be computed again: only digests and sums were checked.`);
  return lines;
}
