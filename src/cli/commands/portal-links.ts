import type { Command } from 'commander';
import { MadePortalLink, PortalLinkList } from '../../client/shapes/access.ts';
import { tableLines } from '../../process/text-table.ts';
import { connectionOf, withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { collect, parseDuration } from '../terminal/option-values.ts';

const EXAMPLES = `
A link lets somebody into the portal of one account, once, for a session that only reads. It is shown once, when it is made,
and is over with the key that made it. Needs a billing or an admin key.

Examples:
  uptally portal-links create acme
  uptally portal-links create acme --expires-in 5m --vm web-1 --vm 'db-*'
  uptally portal-links list acme
  uptally portal-links revoke acme l_3f9a
`;

interface CreateOptions {
  readonly expiresIn?: number;
  readonly vm: string[];
  readonly json?: boolean;
}

const pathOf = (account: string): string => `/v1/accounts/${encodeURIComponent(account)}/portal-links`;

/** `uptally portal-links`: who is let into the portal. */
export function register(program: Command, context: CliContext): void {
  const links = program
    .command('portal-links')
    .description("make, list and revoke links into an account's portal")
    .addHelpText('after', EXAMPLES);

  links
    .command('create <account>')
    .description('make a link and print it, once, on stdout')
    .option('--expires-in <time>', 'within which it is used, such as 5m or 24h (default: 1h)', parseDuration)
    .option('--vm <pattern>', 'only these VMs, and nothing of the account as a whole; may be repeated', collect, [])
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (account: string, { expiresIn, vm, json: asJson }: CreateOptions, command: Command) => {
      await withClient(command, context, async (client) => {
        const body = {
          ...(expiresIn === undefined ? {} : { expires_in: Math.floor(expiresIn / 1000) }),
          ...(vm.length === 0 ? {} : { vms: vm }),
        };
        const { json, text } = await client.call('POST', pathOf(account), body);
        const made = MadePortalLink.safeParse(json);
        if (!made.success) throw new CommandFailure('the server made a link but its answer is not as expected');
        const { url, id, expires_at: until } = made.data;
        const { server } = connectionOf(command, context);
        writeLine(context.stdout, asJson === true ? text.trim() : `${server.replace(/\/+$/, '')}${url}`);
        writeLine(context.stderr, `link ${id} of account ${account} can be used once, until ${until}; it is not shown again`);
      });
    });

  links
    .command('list <account>')
    .description("list an account's links, without their tokens")
    .option('--json', "print the server's answer as it is")
    .action(async (account: string, options: { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('GET', pathOf(account));
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        const listed = PortalLinkList.safeParse(json);
        if (!listed.success) throw new CommandFailure("the server's list of links is not as expected");
        const rows = listed.data.links.map((row) => [
          ...[row.id, row.state, row.vms?.join(' ') ?? 'all', row.created_at, row.created_by, row.expires_at],
        ]);
        for (const line of tableLines(['id', 'state', 'VMs', 'made', 'by', 'until'], rows)) writeLine(context.stdout, line);
      });
    });

  links
    .command('revoke <account> <id>')
    .description('revoke a link, and end the session that it was used for')
    .action(async (account: string, id: string, _options: unknown, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `${pathOf(account)}/${encodeURIComponent(id)}`);
        writeLine(context.stderr, `link ${id} is revoked`);
      });
    });
}
