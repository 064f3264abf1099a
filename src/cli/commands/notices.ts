import { Option, type Command } from 'commander';
import { Asked, DeliveryPage, MailSubscription, MailSubscriptionList, NoticePage } from '../../client/shapes/notices.ts';
import { tableLines } from '../../process/text-table.ts';
import { allPages } from '../terminal/all-pages.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';

const EXAMPLES = `
What happens is told to those who subscribe: by mail here, by webhooks with uptally webhooks. What became of each notice for each of
them is on record.

Examples:
  uptally notices list --account acme
  uptally notices deliveries --state failing
  uptally notices mail ops@acme.example --account acme --type outage.begun --type outage.ended
  uptally notices mail staff@provider.example --digest daily
  uptally notices subscriptions
  uptally notices test 3f9a…
`;

interface MailOptions {
  account?: string;
  type: string[];
  language?: string;
  digest?: string;
  json?: boolean;
}

/** `uptally notices`: list, deliveries, mail, subscriptions, test, remove. */
export function register(program: Command, context: CliContext): void {
  const notices = program
    .command('notices')
    .description('what was told, to whom, and what became of it')
    .addHelpText('after', EXAMPLES);

  notices
    .command('list')
    .description('notices on record, the newest first')
    .option('--account <id>', 'only about this account')
    .option('--type <type>', 'only of this type')
    .option('--json', 'print them as JSON, one a line')
    .action(async ({ json, ...query }: { account?: string; type?: string; json?: boolean }, command: Command) => {
      const found = await withClient(command, context, (client) => allPages(client, '/v1/notices', { ...query }, NoticePage));
      if (json === true) for (const each of found) writeLine(context.stdout, JSON.stringify(each));
      else {
        const rows = found.map((each) => [each.id, each.timestamp, each.type, each.account ?? '-', JSON.stringify(each.data)]);
        for (const line of tableLines(['id', 'at', 'type', 'account', 'data'], rows)) writeLine(context.stdout, line);
      }
    });

  notices
    .command('deliveries')
    .description('what became of notices for each who was to be told')
    .option('--subscription <id>', 'of this webhook, or subscription by mail')
    .option('--account <id>', 'only about this account')
    .option('--notice <id>', 'of this notice')
    .addOption(
      new Option('--state <state>', 'only in this state').choices(['pending', 'failing', 'delivered', 'given_up', 'dropped']),
    )
    .option('--json', 'print them as JSON, one a line')
    .action(async ({ json, ...query }: Record<string, string> & { json?: string }, command: Command) => {
      const found = await withClient(command, context, (client) =>
        allPages(client, '/v1/deliveries', { ...query }, DeliveryPage),
      );
      if (json !== undefined) for (const each of found) writeLine(context.stdout, JSON.stringify(each));
      else {
        const rows = found.map((each) => [each.subscription, each.notice, each.type, each.state, each.attempts, each.at, each.next_at ?? '-', each.why]); // prettier-ignore
        const heads = ['subscription', 'notice', 'type', 'state', 'attempts', 'at', 'next', 'why'];
        for (const line of tableLines(heads, rows)) writeLine(context.stdout, line);
      }
    });

  notices
    .command('mail <address>')
    .description('have notices mailed to an address')
    .option('--account <id>', 'of this account alone; left out: of all, and what is staff’s')
    .option('--type <type>', 'this type; may be repeated; left out: all', collect, [])
    .option('--language <tag>', 'left out: that of the account')
    .addOption(new Option('--digest <how>', 'what there is to tell goes out together').choices(['none', 'hourly', 'daily']))
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (to: string, { account, type, language, digest, json: asIs }: MailOptions, command: Command) => {
      const body = {
        to,
        ...(account === undefined ? {} : { account }),
        ...(type.length === 0 ? {} : { types: type }),
        ...(language === undefined ? {} : { language }),
        ...(digest === undefined ? {} : { digest }),
      };
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('POST', '/v1/subscriptions', body);
        writeLine(context.stdout, asIs === true ? text.trim() : answerAs(MailSubscription, json).id);
      });
    });

  notices
    .command('subscriptions')
    .description('who is written to')
    .option('--account <id>', 'only of this account')
    .action(async ({ account }: { account?: string }, command: Command) => {
      await withClient(command, context, async (client) => {
        const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
        const { subscriptions } = answerAs(MailSubscriptionList, (await client.call('GET', `/v1/subscriptions${query}`)).json);
        const rows = subscriptions.map((each) => [each.id, each.to, each.account ?? '-', each.disabled?.why ?? (each.active ? 'active' : 'inactive'), each.digest, each.types?.join(' ') ?? 'all']); // prettier-ignore
        for (const line of tableLines(['id', 'to', 'account', 'state', 'digest', 'types'], rows)) writeLine(context.stdout, line);
      });
    });

  notices
    .command('test <subscription>')
    .description('have a test mailed')
    .action(async (id: string, _options: object, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json } = await client.call('POST', `/v1/subscriptions/${encodeURIComponent(id)}/test`);
        writeLine(
          context.stdout,
          `asked for: ${answerAs(Asked, json).request}; uptally notices deliveries says what became of it`,
        );
      });
    });

  notices
    .command('remove <subscription>')
    .description('write to an address no more')
    .action(async (id: string, _options: object, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `/v1/subscriptions/${encodeURIComponent(id)}`);
        writeLine(context.stderr, `subscription ${id} is gone`);
      });
    });
}
