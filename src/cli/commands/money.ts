import type { Command } from 'commander';
import { z } from 'zod';
import { Entered, Grant, HandCharge } from '../../client/shapes/money.ts';
import type { ApiClient } from '../../client/wire/client.ts';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';

const EXAMPLES = `
Whatever has a reference is there once: said again it is the same, and other content under it is refused.

Examples:
  uptally money grant 5f0c…                                     what a refund check found due, in one step
  uptally money charge a1 --reference q-7 --kind quoted --amount 120.00 --description "Moving two machines" \\
      --reason "quote 7" --at 2026-04-10T00:00:00Z              a line of the next invoice
  uptally money charges a1
  uptally money withdraw a1 5f0c…                               a charge that no final invoice has
  uptally money credit 7a1e… --line 0=50.00 --reason "slow support" --reference ticket-9
  uptally money payout a1 --reference wire-31 --amount 15.00 --at 2026-04-05T00:00:00Z
  uptally money ledger a1 --from 2026-04-01T00:00:00Z           the entries of an account's book
  uptally money standing a1                                     what follows from what is due, and when
  uptally money debits --account a1                             what the next invoice charges of earlier ones
`;

const Charges = z.looseObject({ charges: z.array(HandCharge) });
const Note = z.looseObject({ id: z.string(), number: z.int().nullable(), currency: z.string(), total: z.string() });

const Debits = z.looseObject({
  debits: z.array(
    z.looseObject({
      ...{ id: z.string(), account: z.string(), number: z.int(), total: z.string(), currency: z.string(), status: z.string() },
    }),
  ),
});

const LedgerPage = z.looseObject({
  entries: z.array(
    z.looseObject({
      ...{ id: z.string(), at: z.string(), kind: z.string(), amount: z.string(), balance: z.string() },
      reference: z.string().nullish(),
    }),
  ),
  next: z.string().nullable(),
});

type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** `uptally money`: what people decide on about an account's money. */
export function register(program: Command, context: CliContext): void {
  const money = program
    .command('money')
    .description('grant refunds, charge by hand, give back, pay out; books and standing')
    .addHelpText('after', EXAMPLES);
  const asks = (command: Command, ask: (client: ApiClient, args: string[], options: Options) => Promise<Asked>): void => {
    command.option('--json', "print the server's answer as it is").action(async () => {
      const options: Options = command.opts();
      await withClient(command, context, async (client) => {
        const { text, lines } = await ask(client, command.args, options);
        for (const line of options['json'] === true ? [text.trim()] : lines()) writeLine(context.stdout, line);
      });
    });
  };

  asks(money.command('grant <check>').description('grant the refund that a check found due'), async (client, [check]) => {
    const { json, text } = await client.call('POST', `/v1/refund-checks/${part(check)}/grant`);
    return { text, lines: () => grantLines(answerAs(Grant, json)) };
  });

  asks(
    money
      .command('charge <account>')
      .description('charge an account by hand: a line of its next invoice')
      .requiredOption('--reference <text>', 'unique in the account')
      .requiredOption('--description <text>', 'what the line says')
      .requiredOption('--amount <amount>', 'net')
      .requiredOption('--reason <text>', 'why; printed under the line')
      .requiredOption('--at <instant>', 'when it came to be owed, RFC 3339')
      .option('--kind <kind>', 'one_off, quoted or damage', 'one_off')
      .option('--currency <code>', "of the amount, if not the account's")
      .option('--rate <decimal>', "what one unit of it is in the account's")
      .option('--tax-percent <decimal>', 'a rate of its own')
      .option('--clause <text>', 'by which it is owed')
      .option('--vm <name>', 'the VM that it is about'),
    async (client, [account], { taxPercent, ...said }) => {
      const body = { ...said, json: undefined, ...(taxPercent === undefined ? {} : { tax_percent: taxPercent }) };
      const { json, text } = await client.call('POST', `/v1/accounts/${part(account)}/charges`, body);
      return { text, lines: () => chargeLines([answerAs(HandCharge, json)]) };
    },
  );

  asks(money.command('charges <account>').description('what an account was charged by hand'), async (client, [account]) => {
    const { json, text } = await client.call('GET', `/v1/accounts/${part(account)}/charges`);
    return { text, lines: () => chargeLines(answerAs(Charges, json).charges) };
  });

  asks(
    money.command('withdraw <account> <charge>').description('withdraw a charge that no final invoice has'),
    async (client, [account, charge]) => {
      await client.call('DELETE', `/v1/accounts/${part(account)}/charges/${part(charge)}`);
      return { text: '', lines: () => ['withdrawn'] };
    },
  );

  asks(
    money
      .command('credit <invoice>')
      .description('give back a part of a final invoice, net')
      .requiredOption('--line <id=amount...>', 'of which line how much')
      .requiredOption('--reason <text>', 'printed on the note')
      .requiredOption('--reference <text>', 'unique in the account'),
    async (client, [invoice], { line, reason, reference }) => {
      const body = { reason, reference, lines: linesOf(line) };
      const { json, text } = await client.call('POST', `/v1/invoices/${part(invoice)}/credit-notes`, body);
      return {
        text,
        lines: () => {
          const { number, total, currency, id } = answerAs(Note, json);
          return [`credit note ${number ?? '-'}: ${total} ${currency} (${id})`];
        },
      };
    },
  );

  asks(
    money
      .command('payout <account>')
      .description('record that free money was paid out')
      .requiredOption('--reference <text>', 'unique in the account')
      .requiredOption('--amount <amount>', 'above 0')
      .requiredOption('--at <instant>', 'when, RFC 3339')
      .option('--note <text>', 'why'),
    async (client, [account], { reference, amount, at, note }) => {
      const body = { reference, amount, at, ...(note === undefined ? {} : { note }) };
      const { json, text } = await client.call('POST', `/v1/accounts/${part(account)}/payouts`, body);
      return { text, lines: () => [`paid out; the balance is ${answerAs(Entered, json).balance}`] };
    },
  );

  asks(
    money
      .command('ledger <account>')
      .description('the entries of an account, page by page; with --json a page a line')
      .option('--from <instant>', 'from it on, RFC 3339')
      .option('--to <instant>', 'before it'),
    async (client, [account], { from, to }) => await ledgerOf(client, part(account), { from, to }),
  );

  asks(
    money.command('standing <account>').description('what follows from what is due, or has followed, by account and VM'),
    async (client, [account]) => {
      const { json, text } = await client.call('GET', `/v1/accounts/${part(account)}/standing`);
      return { text, lines: () => [JSON.stringify(json, null, 2)] };
    },
  );

  asks(
    money
      .command('debits')
      .description('what invoices lacked, and which invoice charges it; --show with its evidence')
      .option('--account <id>', 'only of this account')
      .option('--show <id>', 'one of them'),
    async (client, _, { account, show }) => {
      if (typeof show === 'string') {
        const { json, text } = await client.call('GET', `/v1/debits/${part(show)}`);
        return { text, lines: () => [JSON.stringify(json, null, 2)] };
      }
      const query = typeof account === 'string' ? `?account=${part(account)}` : '';
      const { json, text } = await client.call('GET', `/v1/debits${query}`);
      return { text, lines: () => debitLines(answerAs(Debits, json).debits) };
    },
  );
}

/** The pages of a ledger. */
async function ledgerOf(client: ApiClient, account: string, given: Pick<Options, 'from' | 'to'>): Promise<Asked> {
  const rows: string[][] = [];
  const texts: string[] = [];
  const first = Object.entries(given).filter((each): each is [string, string] => typeof each[1] === 'string');
  for (let query = new URLSearchParams(first); ;) {
    const { json, text } = await client.call('GET', `/v1/accounts/${account}/ledger?${query.toString()}`);
    const page = answerAs(LedgerPage, json);
    texts.push(text.trim());
    rows.push(...page.entries.map((each) => [each.at, each.kind, each.amount, each.balance, each.reference ?? '', each.id]));
    if (page.next === null) break;
    query = new URLSearchParams({ cursor: page.next });
  }
  return { text: texts.join('\n'), lines: () => tableLines(['at', 'kind', 'amount', 'balance', 'reference', 'entry'], rows) };
}

function debitLines(debits: z.infer<typeof Debits>['debits']): string[] {
  if (debits.length === 0) return ['no invoice lacked anything'];
  return tableLines(
    ['debit', 'account', 'of invoice', 'amount', 'status'],
    debits.map(({ id, account, number, total, currency, status }) => [id, account, number, `${total} ${currency}`, status]),
  );
}

interface Asked {
  readonly text: string;
  readonly lines: () => string[];
}

const part = (text: string | undefined): string => encodeURIComponent(text ?? '');

/** `0=50.00` as a line of a note. Throws wrong usage. */
function linesOf(given: Options[string]): { line: string; amount: string }[] {
  const list = Array.isArray(given) ? given : [];
  return list.map((text: unknown) => {
    const [line, amount] = String(text).split('=');
    if (line === undefined || line === '' || amount === undefined)
      throw new CommandFailure(`--line ${String(text)}: must be ID=AMOUNT, as 0=50.00`, 2);
    return { line, amount };
  });
}

function grantLines({ refund, credit_notes: notes, balance }: Grant): string[] {
  const { amount, currency, vm, destination, ends_at: endsAt } = refund;
  const where = destination === 'balance' ? 'stays in the account' : 'has left the account';
  return [
    `${amount} ${currency} for ${vm} granted: it ${where}`,
    `service ended ${endsAt}`,
    ...notes.map(({ number, total }) => `credit note ${number ?? '-'}: ${total} ${currency}`),
    `balance ${balance} ${currency}`,
  ];
}

function chargeLines(charges: readonly HandCharge[]): string[] {
  if (charges.length === 0) return ['nothing was charged by hand'];
  const rows = charges.map(({ id, kind, amount, currency, status, invoice, description }) => [
    ...[id, kind, `${amount} ${currency}`],
    invoice === null ? status : `invoice ${invoice.number ?? '-'}`,
    description,
  ]);
  return tableLines(['charge', 'kind', 'amount', 'status', 'description'], rows);
}
