import { Option, type Command } from 'commander';
import { type Incident, IncidentEffect, IncidentList } from '../../client/shapes/catalog.ts';
import { CAUSES } from '../../domain/condition.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

const EXAMPLES = `
An incident says what really happened: inside it, down and silent time of its VMs counts as its cause; with --asserts-down up
time too. What agents reported stays. Where incidents overlap, the one recorded later counts. --dry-run says which VMs, how many
minutes and which final invoices would change; uptally reconcile then corrects those invoices.

Examples:
  uptally incidents record --vm web-7 --from 2026-03-06T10:00:00+08:00 --to 2026-03-06T12:00:00+08:00 --cause maintenance --dry-run
  uptally incidents record --agent host-3 --from 2026-03-06T02:00:00Z --to 2026-03-06T04:00:00Z --cause provider --note 'ticket 7'
  uptally incidents record --all --from 2026-03-06T02:00:00Z --to 2026-03-06T02:10:00Z --cause provider --asserts-down
  uptally incidents list
  uptally incidents withdraw 5f0c… --dry-run
  uptally incidents withdraw 5f0c…
`;

interface RecordOptions {
  vm: string[];
  account?: string;
  agent?: string;
  all?: boolean;
  from: string;
  to: string;
  cause: string;
  assertsDown?: boolean;
  note?: string;
  announcedAt?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** `uptally incidents`: list, record, withdraw. */
export function register(program: Command, context: CliContext): void {
  const incidents = program
    .command('incidents')
    .description('restate the causes of outages after the fact')
    .addHelpText('after', EXAMPLES);

  incidents
    .command('record')
    .description('record an incident, or show what it would change')
    .addOption(new Option('--vm <id>', 'about this VM; may be repeated').argParser(collect).default([], 'none'))
    .option('--account <id>', 'about the VMs of this account')
    .option('--agent <name>', 'about the time for which this agent reported')
    .option('--all', 'about every VM')
    .requiredOption('--from <instant>', 'its start, RFC 3339')
    .requiredOption('--to <instant>', 'its end, RFC 3339')
    .addOption(new Option('--cause <cause>', 'what it counts as').choices(CAUSES).makeOptionMandatory())
    .option('--asserts-down', 'up time counts as down too')
    .option('--note <text>', 'why')
    .option(
      '--announced-at <instant>',
      'when customers were told of it; maintenance that nobody announced in time may count as the provider’s',
    )
    .option('--dry-run', 'say what would change and record nothing')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (options: RecordOptions, command: Command) => {
      const body = {
        scope: scopeOf(options),
        from: options.from,
        to: options.to,
        cause: options.cause,
        asserts_down: options.assertsDown === true,
        ...(options.note === undefined ? {} : { note: options.note }),
        ...(options.announcedAt === undefined ? {} : { announced_at: options.announcedAt }),
      };
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('POST', `/v1/incidents${queryOf(options)}`, body);
        if (options.json === true) writeLine(context.stdout, text.trim());
        else tellEffect(context, json, options.dryRun === true ? 'dry run: nothing is recorded' : 'recorded');
      });
    });

  incidents
    .command('withdraw <id>')
    .description('withdraw an incident, which stays on record, or show what that would change')
    .option('--dry-run', 'say what would change and withdraw nothing')
    .option('--json', "print the server's answer as it is; there is none but with --dry-run")
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, options: { dryRun?: boolean; json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('DELETE', `/v1/incidents/${encodeURIComponent(id)}${queryOf(options)}`);
        if (options.dryRun !== true) writeLine(context.stderr, `incident ${id} is withdrawn`);
        else if (options.json === true) writeLine(context.stdout, text.trim());
        else tellEffect(context, json, 'dry run: nothing is withdrawn');
      });
    });

  incidents
    .command('list')
    .description('all incidents in the order they were recorded, withdrawn ones too')
    .addOption(
      new Option('--state <state>', 'only such; upcoming: announced windows').choices([
        'upcoming',
        'running',
        'past',
        'withdrawn',
      ]),
    )
    .addOption(new Option('--cause <cause>', 'only those that count as it').choices(CAUSES))
    .option('--account <id>', 'only those about a VM of it, or about all of it')
    .option('--vm <id>', 'only those about it')
    .option('--from <instant>', 'only those that end after it, RFC 3339')
    .option('--to <instant>', 'only those that begin before it, RFC 3339')
    .option('--json', "print the server's answer as it is")
    .action(async (options: Record<string, string | boolean>, command: Command) => {
      await withClient(command, context, async (client) => {
        const given = Object.entries(options).filter((each): each is [string, string] => typeof each[1] === 'string');
        const query = new URLSearchParams(given).toString();
        const { json, text } = await client.call('GET', `/v1/incidents${query === '' ? '' : `?${query}`}`);
        if (options['json'] === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        const rows = answerAs(IncidentList, json).incidents.map((each) => [
          each.id,
          each.from,
          each.to,
          each.asserts_down ? `${each.cause}, down` : each.cause,
          scopeText(each.scope),
          each.by,
          each.withdrawn_at ?? '-',
          each.note,
        ]);
        for (const line of tableLines(['id', 'from', 'to', 'cause', 'scope', 'by', 'withdrawn', 'note'], rows))
          writeLine(context.stdout, line);
      });
    });
}

/** Which VMs it is about: said in exactly one way. Throws wrong usage. */
function scopeOf({ vm, account, agent, all }: RecordOptions): object {
  const scopes = [
    ...(vm.length === 0 ? [] : [{ vms: vm }]),
    ...(account === undefined ? [] : [{ account }]),
    ...(agent === undefined ? [] : [{ agent }]),
    ...(all === true ? [{ all }] : []),
  ];
  const [scope] = scopes;
  if (scope === undefined || scopes.length > 1)
    throw new CommandFailure('about which VMs? give one of --vm (as often as needed), --account, --agent and --all', 2);
  return scope;
}

function queryOf({ dryRun }: { dryRun?: boolean }): string {
  return dryRun === true ? '?dry_run=true' : '';
}

const VMS_SHOWN = 5;

function scopeText(scope: Incident['scope']): string {
  const [kind = '', value] = Object.entries(scope)[0] ?? [];
  if (!Array.isArray(value)) return value === true ? kind : `${kind} ${value ?? ''}`;
  const more = value.length - VMS_SHOWN;
  return `${value.slice(0, VMS_SHOWN).join(' ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function tellEffect(context: CliContext, json: unknown, outcome: string): void {
  const { id, effect, minutes, final_invoices: invoices, unknown_vms: unknown = [], late_announcement: late = [] } = answerAs(IncidentEffect, json);
  const changed = effect.filter((each) => each.minutes > 0);
  const rows = changed.map((each) => [each.vm, each.minutes]);
  for (const line of [
    `${counted(minutes, 'minute')} of ${changed.length} of ${counted(effect.length, 'VM')} in scope restated`,
    ...(rows.length === 0 ? [] : tableLines(['VM', 'minutes'], rows)),
    ...invoices.map(({ number, account }) => `final invoice ${number} of ${account} rates to another amount: uptally reconcile corrects it`),
    ...late.map(({ account, terms, vms: n }) => `${counted(n, 'VM')} of ${account}: announced too late for ${terms}, so it counts as the provider’s`),
    ...unknown.map((vm) => `nothing is known of VM ${vm}: is the name right?`),
    outcome === 'recorded' ? `recorded as incident ${id ?? ''}` : outcome,
  ])
    writeLine(context.stdout, line);
} // prettier-ignore

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
