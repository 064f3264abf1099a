import { Option, type Command } from 'commander';
import { FleetOutagePage, type FleetOutage } from '../../client/shapes/metering.ts';
import { allPages } from '../terminal/all-pages.ts';
import { withClient } from '../terminal/connection.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';
import { durationText } from '../terminal/duration.ts';
import { tableLines } from '../../process/text-table.ts';
import { CAUSES } from '../../domain/condition.ts';

const CALL_TIMEOUT_MS = 300_000;

const EXAMPLES = `
Outages that overlap the time, whole, VM by VM; causes are as incidents restate them, or with --raw as agents reported them.

Examples:
  uptally outages --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --cause provider
  uptally outages --from 2026-03-06T00:00:00Z --to 2026-03-07T00:00:00Z --account acme --raw
  uptally outages --from 2026-03-06T00:00:00Z --to 2026-03-07T00:00:00Z --agent host-3 --json
`;

interface Options {
  from: string;
  to: string;
  cause?: string[];
  agent?: string;
  host?: string;
  account?: string;
  raw?: boolean;
  json?: boolean;
}

/** `uptally outages`: those of the whole fleet. */
export function register(program: Command, context: CliContext): void {
  program
    .command('outages')
    .description('outages of all VMs, by cause, agent, host and account')
    .requiredOption('--from <instant>', 'start of the time, RFC 3339')
    .requiredOption('--to <instant>', 'its end, RFC 3339')
    .addOption(
      new Option('--cause <cause>', `only of this cause; may be repeated: ${[...CAUSES, 'silent'].join(', ')}`).argParser(
        collect,
      ),
    )
    .option('--agent <name>', 'only where this agent spoke for the VM')
    .option('--host <name>', 'only where the VM was on this host')
    .option('--account <id>', 'only of the VMs of this account')
    .option('--raw', 'causes as agents reported them')
    .option('--json', 'print them as JSON, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options, command: Command) => {
      const { from, to, cause, agent, host, account, raw, json } = options;
      const query = {
        from,
        to,
        ...(cause === undefined ? {} : { cause: cause.join(',') }),
        ...(agent === undefined ? {} : { agent }),
        ...(host === undefined ? {} : { host }),
        ...(account === undefined ? {} : { account }),
        ...(raw === true ? { incidents: 'raw' } : {}),
      };
      const found = await withClient(command, context, (client) => allPages(client, '/v1/outages', query, FleetOutagePage), {
        timeoutMs: CALL_TIMEOUT_MS,
      });
      if (json === true) for (const each of found) writeLine(context.stdout, JSON.stringify(each));
      else for (const line of outageLines(found)) writeLine(context.stdout, line);
    });
}

function outageLines(found: readonly FleetOutage[]): string[] {
  if (found.length === 0) return ['no outage'];
  const rows = found.map((each) => [each.vm, each.account ?? '-', each.start, each.end ?? 'open', each.cause, durationText(each.duration_ms)]); // prettier-ignore
  const causes = [...new Set(found.map((each) => each.cause))].sort();
  const totals = causes.map((cause) => {
    const own = found.filter((each) => each.cause === cause);
    const ms = own.reduce((sum, each) => sum + (each.duration_ms ?? 0), 0);
    const open = own.filter((each) => each.end === null).length;
    return [cause, own.length, new Set(own.map((each) => each.vm)).size, open, durationText(ms)];
  });
  return [
    ...tableLines(['VM', 'account', 'start', 'end', 'cause', 'lasted'], rows),
    '',
    ...tableLines(['cause', 'outages', 'VMs', 'open', 'lasted, of those that ended'], totals),
  ];
}
