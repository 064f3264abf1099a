import type { Command } from 'commander';
import { Asked, Webhook, WebhookList } from '../../client/shapes/notices.ts';
import { tableLines } from '../../process/text-table.ts';
import { answerAs } from '../terminal/answer.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';

const EXAMPLES = `
What happens is posted to a URL by Standard Webhooks, at least once and with an id that stays. The secret that signs it is printed
once, when it is made; rotate makes a new one, and both sign for a day.

Examples:
  uptally webhooks add https://hooks.example.com/uptally --account acme --type invoice.final --type outage.begun
  uptally webhooks list
  uptally webhooks test 3f9a…
  uptally webhooks replay 3f9a… --from 2026-03-01T00:00:00Z
  uptally webhooks rotate 3f9a…
  uptally notices deliveries --subscription 3f9a… --state failing
`;

interface AddOptions {
  account?: string;
  type: string[];
  description?: string;
  json?: boolean;
}

/** `uptally webhooks`: add, list, test, replay, rotate, remove. */
export function register(program: Command, context: CliContext): void {
  const webhooks = program.command('webhooks').description('where what happens is posted to').addHelpText('after', EXAMPLES);

  webhooks
    .command('add <url>')
    .description('have notices posted to a URL; its secret is printed, once, on stdout')
    .option('--account <id>', 'of this account alone; left out: of all, and what is staff’s')
    .option('--type <type>', 'this type; may be repeated; left out: all', collect, [])
    .option('--description <text>', 'what it is')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (url: string, { account, type, description, json: asIs }: AddOptions, command: Command) => {
      const body = {
        url,
        ...(account === undefined ? {} : { account }),
        ...(type.length === 0 ? {} : { types: type }),
        ...(description === undefined ? {} : { description }),
      };
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('POST', '/v1/webhooks', body);
        if (asIs === true) writeLine(context.stdout, text.trim());
        else printSecret(context, answerAs(Webhook, json));
      });
    });

  webhooks
    .command('list')
    .description('all of them, without their secrets')
    .option('--account <id>', 'only of this account')
    .action(async ({ account }: { account?: string }, command: Command) => {
      await withClient(command, context, async (client) => {
        const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
        const { webhooks: all } = answerAs(WebhookList, (await client.call('GET', `/v1/webhooks${query}`)).json);
        const rows = all.map((each) => [each.id, each.url, each.account ?? '-', stateOf(each), each.types?.join(' ') ?? 'all']);
        for (const line of tableLines(['id', 'url', 'account', 'state', 'types'], rows)) writeLine(context.stdout, line);
      });
    });

  webhooks
    .command('rotate <id>')
    .description('make a new secret and print it, once, on stdout; the one before signs beside it for a day')
    .action(async (id: string, _options: object, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json } = await client.call('POST', `/v1/webhooks/${encodeURIComponent(id)}/rotate`);
        printSecret(context, answerAs(Webhook, json));
      });
    });

  webhooks
    .command('test <id>')
    .description('have a notice.test posted')
    .action(async (id: string, _options: object, command: Command) => {
      await ask(command, context, `/v1/webhooks/${encodeURIComponent(id)}/test`);
    });

  webhooks
    .command('replay <id>')
    .description('have what was recorded in a time posted again, or one notice')
    .option('--from <instant>', 'from when on')
    .option('--to <instant>', 'until when; left out: now')
    .option('--notice <id>', 'this notice alone')
    .action(async (id: string, options: { from?: string; to?: string; notice?: string }, command: Command) => {
      if ((options.from === undefined) === (options.notice === undefined))
        throw new CommandFailure('say either --from or --notice', 2);
      await ask(command, context, `/v1/webhooks/${encodeURIComponent(id)}/replay`, options);
    });

  webhooks
    .command('remove <id>')
    .description('take one away')
    .action(async (id: string, _options: object, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `/v1/webhooks/${encodeURIComponent(id)}`);
        writeLine(context.stderr, `webhook ${id} is gone`);
      });
    });
}

async function ask(command: Command, context: CliContext, path: string, body?: object): Promise<void> {
  await withClient(command, context, async (client) => {
    const { json } = await client.call('POST', path, body);
    writeLine(context.stdout, `asked for: ${answerAs(Asked, json).request}; uptally notices deliveries says what became of it`);
  });
}

function printSecret(context: CliContext, { id, secret }: Webhook): void {
  writeLine(context.stdout, secret ?? '');
  writeLine(context.stderr, `webhook ${id}; the secret above is shown this once`);
}

function stateOf({ active, disabled }: Webhook): string {
  if (disabled !== null) return `disabled: ${disabled.why}`;
  return active ? 'active' : 'inactive';
}
