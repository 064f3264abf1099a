import type { Command } from 'commander';
import type { z } from 'zod';
import { Balance, ChargePart } from '../../client/shapes/balance.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { patiently } from '../terminal/patiently.ts';
import { startRunProgress } from '../terminal/run-progress.ts';
import { tableLines } from '../../process/text-table.ts';

const BALANCE_EXAMPLES = `
Entries are added, never edited; each names where it comes from. Money pays what fell due first.

Examples:
  uptally balance a1                                            state, since when, and the entries
  uptally balance a1 --top-up 200.00 --reference wire-2026-117  once, however often it is said
  uptally balance a1 --withdraw 20.00                           where the terms let it go
  uptally balance a1 --transfer 20.00 --to a2
  uptally balance a1 --refund 150.00 --check 5f0c…              what a refund check found due
  uptally balance a1 --json
`;

const CHARGE_EXAMPLES = `
For accounts whose terms charge usage by the day from a prepaid balance. Each day of each VM is charged once: run it from a
timer as often as you like, stop it anywhere, run it twice at once. Days charged before are rated again and corrected.

Examples:
  uptally charge-days                                all accounts, every day that is over
  uptally charge-days --account a1
  uptally charge-days --account a1 --from 2026-03-01T00:00:00+08:00     the first day of an account never charged
`;

/** A call is answered within seconds; on a busy machine one day of a large account may take its time. */
const CALL_TIMEOUT_MS = 300_000;

interface Moves {
  topUp?: string;
  withdraw?: string;
  transfer?: string;
  refund?: string;
  to?: string;
  check?: string;
  reference?: string;
  note?: string;
  json?: boolean;
}

export function register(program: Command, context: CliContext): void {
  program
    .command('balance <account>')
    .description('show a prepaid balance with its history, or book on it')
    .option('--top-up <amount>', 'book a payment')
    .option('--withdraw <amount>', 'pay out, where the terms let it')
    .option('--transfer <amount>', 'move to the account of --to, where the terms let it')
    .option('--refund <amount>', 'book what the refund check of --check found due')
    .option('--to <account>', 'the account a transfer goes to')
    .option('--check <id>', 'the refund check')
    .option('--reference <text>', "the payment's reference: booked once")
    .option('--note <text>', 'why')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', BALANCE_EXAMPLES)
    .action(async (account: string, options: Moves, command: Command) => {
      const body = postingOf(options);
      await withClient(command, context, async (client) => {
        const path = `/v1/accounts/${encodeURIComponent(account)}/balance`;
        const { json, text } = await (body === undefined ? client.call('GET', path) : client.call('POST', path, body));
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        for (const line of balanceLines(answerAs(Balance, json))) writeLine(context.stdout, line);
      });
    });

  program
    .command('charge-days')
    .description('charge the days that are over to prepaid balances, each once')
    .option('--account <id>', 'only this account')
    .option('--from <instant>', 'the first day of an account that was never charged')
    .option('--json', "print the server's answers, one a line")
    .addHelpText('after', CHARGE_EXAMPLES)
    .action(async (options: { account?: string; from?: string; json?: boolean }, command: Command) => {
      await withClient(
        command,
        context,
        async (client) => {
          const progress = startRunProgress(context);
          // A bar and lines on one terminal would spoil each other: the lines follow.
          const held: string[] = [];
          const tell = (line: string): void => {
            if (context.stderr.isTTY === true) held.push(line);
            else writeLine(context.stdout, line);
          };
          let after: string | null = null;
          const done = new Set<string>();
          try {
            do {
              const body: object = {
                ...(options.account === undefined ? {} : { account: options.account }),
                ...(options.from === undefined ? {} : { from: options.from }),
                ...(after === null ? {} : { after }),
              };
              const told = done.size;
              const { json, text } = await patiently(
                context,
                (note) => {
                  progress.update(told, told, note);
                },
                () => client.call('POST', '/v1/charge-days', body),
              );
              const runs = answerAs(ChargePart, json);
              if (options.json === true) tell(text.trim());
              else for (const line of runLines(runs)) tell(line);
              for (const run of runs.accounts) if (!run.more) done.add(run.account);
              const going = runs.accounts.find((run) => run.more)?.entries.findLast((each) => each.day !== null);
              progress.update(done.size, done.size + runs.left, going === undefined ? '' : `up to ${going.day?.date ?? ''}`);
              after = runs.next;
            } while (after !== null);
          } finally {
            progress.stop();
            for (const line of held) writeLine(context.stdout, line);
          }
        },
        { timeoutMs: CALL_TIMEOUT_MS },
      );
    });
}

/** The body to post; undefined to show only. Throws wrong usage. */
function postingOf(options: Moves): object | undefined {
  const moves = (
    [
      ['top_up', options.topUp],
      ['withdrawal', options.withdraw],
      ['transfer', options.transfer],
      ['refund', options.refund],
    ] as const
  ).filter(([, amount]) => amount !== undefined);
  const [move] = moves;
  if (moves.length > 1) throw new CommandFailure('one of --top-up, --withdraw, --transfer and --refund at a time', 2);
  if (move === undefined) return undefined;
  const [kind, amount] = move;
  if (kind === 'transfer' && options.to === undefined) throw new CommandFailure('--transfer goes with --to ACCOUNT', 2);
  if (kind === 'refund' && options.check === undefined) throw new CommandFailure('--refund goes with --check ID', 2);
  return {
    kind,
    amount,
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(options.check === undefined ? {} : { refund_check: options.check }),
    ...(options.reference === undefined ? {} : { reference: options.reference }),
    ...(options.note === undefined ? {} : { note: options.note }),
  };
}

function balanceLines(balance: Balance): string[] {
  const { account, currency, state, since, clause, unpaid, entries } = balance;
  return [
    `${account}: ${balance.balance} ${currency}, ${state}${since === null ? '' : ` since ${since}`}`,
    ...(clause === null ? [] : [`  ${clause}`]),
    ...unpaid.map((debt) => `  unpaid ${debt.amount}, due ${debt.due_at}`),
    '',
    ...tableLines(
      ['at', 'entry', 'amount', 'balance', 'from'],
      entries.map((each) => [each.at, each.kind, each.amount, each.balance, each.source]),
    ),
  ];
}

function runLines({ accounts }: z.infer<typeof ChargePart>): string[] {
  return accounts
    .filter((run) => run.entries.length > 0 || run.waiting !== null)
    .flatMap((run) => [
      `${run.account}: ${run.balance}, ${run.state}`,
      ...run.entries.map((each) => `  ${each.kind} ${each.day?.date ?? ''} ${each.amount}: ${each.source}`),
      ...(run.waiting === null ? [] : [`  ${run.waiting} waits for its usage to be complete`]),
    ]);
}
