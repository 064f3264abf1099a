import { Option, type Command } from 'commander';
import type { ApiClient } from '../../client/wire/client.ts';
import { Status } from '../../client/shapes/metering.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { parseDuration } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

const POLL_MS = 250;

const EXAMPLES = `
What the lines mean:
  appended     positions in the log: everything answered 202 is in there
  aggregated   how far of it has been counted
  stored       how far of it can be queried; all three equal: everything posted is in the answers

Examples:
  uptally status
  uptally status --json | jq .samples.conflict
  uptally send march.ndjson && uptally status --wait --timeout 5m
`;

export function register(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('show what the server has taken in and how far it has counted')
    .option('--json', "print the server's answer as it is")
    .option('--wait', 'wait until everything posted so far can be queried')
    .addOption(
      new Option('--timeout <time>', 'with --wait: give up after this long').argParser(parseDuration).default(300_000, '5m'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: { json?: boolean; wait?: boolean; timeout: number }, command: Command) => {
      await withClient(command, context, async (client) => {
        const answer = options.wait === true ? await settled(client, context, options.timeout) : await fetchStatus(client);
        if (options.json === true) writeLine(context.stdout, answer.text.trim());
        else for (const line of statusLines(answer.status)) writeLine(context.stdout, line);
      });
    });
}

interface StatusAnswer {
  readonly status: Status;
  readonly text: string;
}

async function fetchStatus(client: ApiClient, signal?: AbortSignal): Promise<StatusAnswer> {
  const { json, text } = await client.call('GET', '/v1/status', undefined, signal);
  return { status: answerAs(Status, json), text };
}

/** Waits for what was posted before the call: the log may go on growing behind it. */
async function settled(client: ApiClient, context: CliContext, timeoutMs: number): Promise<StatusAnswer> {
  const interrupted = context.interrupted();
  const endsAtMs = context.now() + timeoutMs;
  let answer = await fetchStatus(client, interrupted);
  const goal = answer.status.log.appended;
  while (answer.status.log.aggregated < goal || answer.status.log.stored < goal) {
    if (interrupted.aborted) throw new CommandFailure('interrupted');
    if (context.now() >= endsAtMs) {
      const { aggregated, stored } = answer.status.log;
      throw new CommandFailure(
        `not settled within ${timeoutMs / 1000} s: of ${goal} appended, ${aggregated} aggregated, ${stored} stored`,
      );
    }
    await context.sleep(POLL_MS, interrupted);
    answer = await fetchStatus(client, interrupted);
  }
  return answer;
}

/** The status for people. */
export function statusLines(status: Status): string[] {
  const { appended, aggregated, stored } = status.log;
  const caughtUp = appended === aggregated && aggregated === stored;
  const rows: [string, string | number][] = [
    ['log appended', appended],
    ['log aggregated', aggregated],
    ['log stored', stored],
  ];
  const rejected = Object.entries(status.samples.rejected);
  const counts = Object.entries(status.samples).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  for (const [name, count] of counts) rows.push([`samples ${name}`, count]);
  for (const [code, count] of rejected) rows.push([`rejected ${code}`, count]);
  rows.push(['VMs', status.vms]);
  if ((status.waiting?.vms ?? 0) > 0)
    rows.push(['VMs that wait for repair', status.waiting?.vms ?? 0], ['minutes of theirs', status.waiting?.minutes ?? 0]);
  return [
    ...tableLines(['', ''], rows).slice(1),
    `watermark       ${status.watermark ?? 'none yet'}`,
    caughtUp
      ? 'Everything posted can be queried.'
      : `${appended - Math.min(aggregated, stored)} log positions are still on their way.`,
  ];
}
