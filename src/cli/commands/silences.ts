import { Option, type Command } from 'commander';
import type { Silence } from '../../client/shapes/silences.ts';
import { SilenceDecided, SilenceDetail, SilencePage } from '../../client/shapes/silences.ts';
import { CAUSES } from '../../domain/condition.ts';
import { tableLines } from '../../process/text-table.ts';
import { allPages } from '../terminal/all-pages.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';
import { durationText } from '../terminal/duration.ts';
import { collect } from '../terminal/option-values.ts';

const CALL_TIMEOUT_MS = 300_000;

const EXAMPLES = `
VMs of one agent that fell silent together are one silence: likely one host that died, or whose agent did. Until somebody says what
it was, nothing is credited for it, and invoices and refund checks that hang on it say so. A cause is recorded as an incident about
the silent time alone; ignored: nobody's outage, the monitoring had a gap. Who decided what, when and why stays on record.

Examples:
  uptally silences list --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --state open
  uptally silences show mm2x1k00-5f0c0d4e7a91
  uptally silences decide mm2x1k00-5f0c0d4e7a91 --as provider --note 'host 7 lost its power supply' --dry-run
  uptally silences decide mm2x1k00-5f0c0d4e7a91 --as ignored --note 'agent stopped for its upgrade, guests ran on'
  uptally silences withdraw mm2x1k00-5f0c0d4e7a91 1d9f…
`;

interface DecideOptions {
  as: string;
  note: string;
  vm: string[];
  announcedAt?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** `uptally silences`: list, show, decide, withdraw. */
export function register(program: Command, context: CliContext): void {
  const silences = program
    .command('silences')
    .description('what fell silent together, and what people say it was')
    .addHelpText('after', EXAMPLES);
  registerList(silences, context);

  silences
    .command('show <id>')
    .description('a silence with its VMs and what was decided on it')
    .option('--json', "print the server's answer as it is")
    .action(async (id: string, { json: asIs }: { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('GET', `/v1/silences/${encodeURIComponent(id)}`);
        if (asIs === true) writeLine(context.stdout, text.trim());
        else for (const line of detailLines(answerAs(SilenceDetail, json))) writeLine(context.stdout, line);
      });
    });

  silences
    .command('decide <id>')
    .description('say what a silence was, or show what that would change')
    .addOption(new Option('--as <cause>', 'what it was').choices([...CAUSES, 'ignored']).makeOptionMandatory())
    .requiredOption('--note <text>', 'why')
    .addOption(new Option('--vm <id>', 'of this VM of it only; may be repeated').argParser(collect).default([], 'all'))
    .option('--announced-at <instant>', 'of maintenance: when customers were told of it')
    .option('--dry-run', 'say what would change and record nothing')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, options: DecideOptions, command: Command) => {
      const body = {
        decision: options.as,
        note: options.note,
        ...(options.vm.length === 0 ? {} : { vms: options.vm }),
        ...(options.announcedAt === undefined ? {} : { announced_at: options.announcedAt }),
      };
      const query = options.dryRun === true ? '?dry_run=true' : '';
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('POST', `/v1/silences/${encodeURIComponent(id)}/decision${query}`, body);
        if (options.json === true) writeLine(context.stdout, text.trim());
        else for (const line of decidedLines(answerAs(SilenceDecided, json))) writeLine(context.stdout, line);
      });
    });

  silences
    .command('withdraw <id> <decision>')
    .description('withdraw a decision, which stays on record; its time is open again')
    .action(async (id: string, decision: string, _options: object, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `/v1/silences/${encodeURIComponent(id)}/decision/${encodeURIComponent(decision)}`);
        writeLine(context.stderr, `decision ${decision} is withdrawn`);
      });
    });
}

interface ListOptions {
  from: string;
  to: string;
  agent?: string;
  host?: string;
  account?: string;
  state?: string;
  json?: boolean;
}

function registerList(silences: Command, context: CliContext): void {
  silences
    .command('list')
    .description('silences of a time, those that began together as one')
    .requiredOption('--from <instant>', 'start of the time, RFC 3339')
    .requiredOption('--to <instant>', 'its end, RFC 3339')
    .option('--agent <name>', 'only of this agent')
    .option('--host <name>', 'only where a VM was on this host')
    .option('--account <id>', 'only where a VM of this account fell silent')
    .addOption(new Option('--state <state>', 'only open or decided ones').choices(['open', 'decided']))
    .option('--json', 'print them as JSON, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async ({ json, ...query }: ListOptions, command: Command) => {
      const found = await withClient(command, context, (client) => allPages(client, '/v1/silences', { ...query }, SilencePage), {
        timeoutMs: CALL_TIMEOUT_MS,
      });
      if (json === true) for (const each of found) writeLine(context.stdout, JSON.stringify(each));
      else for (const line of listLines(found)) writeLine(context.stdout, line);
    });
}

function listLines(found: readonly Silence[]): string[] {
  if (found.length === 0) return ['no silence'];
  const rows = found.map((each) => [each.id, each.agent ?? '-', each.from, each.to ?? 'lasting', each.vms, durationText(each.open_ms), each.state, each.accounts.join(' ')]); // prettier-ignore
  const open = found.filter((each) => each.state === 'open');
  const openMs = found.reduce((sum, each) => sum + each.open_ms, 0);
  return [
    ...tableLines(['id', 'agent', 'from', 'to', 'VMs', 'undecided', 'state', 'accounts'], rows),
    '',
    `${found.length} silences, ${open.length} open: ${durationText(openMs)} of VM time that nobody has decided on`,
  ];
}

function detailLines(silence: SilenceDetail): string[] {
  const vms = silence.silences.map(({ vm, account, start, end, open }) => {
    const left = open.map((each) => `${each.from} to ${each.to}`).join(', ');
    return [vm, account ?? '-', start, end ?? 'lasting', left === '' ? '-' : left];
  });
  const decisions = silence.decisions.map((each) => [each.id, each.decision, each.vms, each.from, each.to, each.by, each.recorded_at, each.withdrawn_at ?? '-', each.note]); // prettier-ignore
  return [
    `${silence.id}: ${silence.agent ?? 'nobody known'} spoke for ${silence.vms} VMs; ${silence.state}`,
    ...tableLines(['VM', 'account', 'from', 'to', 'undecided'], vms),
    ...silence.at_stake.map(({ account, currency, amount }) => `${amount} ${currency} of ${account} hang on it, before tax`),
    ...(decisions.length === 0 ? [] : ['', ...tableLines(['decision', 'as', 'VMs', 'from', 'to', 'by', 'recorded', 'withdrawn', 'note'], decisions)]), // prettier-ignore
  ];
}

function decidedLines({ id, decision, times, minutes, final_invoices: invoices, dry_run: dryRun }: SilenceDecided): string[] {
  const rows = Object.entries(times).flatMap(([vm, runs]) => runs.map((run) => [vm, run.from, run.to]));
  return [
    ...tableLines(['VM', 'from', 'to'], rows),
    `${Object.keys(times).length} VMs, ${minutes} minutes restated`,
    ...invoices.map(({ number, account }) => `final invoice ${number} of ${account} rates to another amount: uptally reconcile corrects it`), // prettier-ignore
    dryRun ? 'dry run: nothing is recorded' : `decided as ${decision}: ${id ?? ''}`,
  ];
}
