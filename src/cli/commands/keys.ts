import { Option, type Command } from 'commander';
import { CreatedKey, KeyList } from '../../client/shapes/catalog.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

const EXAMPLES = `
Roles: agent posts samples of the VMs its patterns allow; billing reads everything and bills; read reads the same; admin may do all, keys too; customer reads what is of one account.
The server keeps only a hash of a key: it is shown once, when it is made.

Examples:
  uptally keys create --role agent --name host-1 --vm 'h1-*' --vm 'shared-db'
  uptally keys create --role billing --name accounting > accounting.key
  uptally keys create --role customer --account acme --name acme-portal
  uptally keys list
  uptally keys revoke k_3f9a
`;

interface KeyOptions {
  readonly role: string;
  readonly name: string;
  readonly vm: string[];
  readonly account?: string;
  readonly expiresAt?: string;
  readonly json?: boolean;
}

function checkOptions({ role, vm, account }: KeyOptions): void {
  if (vm.length > 0 && role !== 'agent' && role !== 'customer')
    throw new CommandFailure('--vm is for keys of agents and customers only', 2);
  if ((role === 'customer') !== (account !== undefined))
    throw new CommandFailure(
      role === 'customer' ? '--account says whose customer it is' : '--account is for customer keys only',
      2,
    );
}

export function register(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke API keys (needs an admin key)')
    .addHelpText('after', EXAMPLES);

  keys
    .command('create')
    .description('make a key and print it, once, on stdout')
    .addOption(
      new Option('--role <role>', 'what the key may do')
        .choices(['agent', 'billing', 'read', 'admin', 'customer'])
        .makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'whose key it is; samples are recorded with it')
    .addOption(
      new Option('--vm <pattern>', 'VMs an agent may post for, or a customer sees, such as host1-*; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .option('--account <id>', 'whose customer a key of role customer is of')
    .option('--expires-at <instant>', 'from when on it is not in force, such as 2027-01-01T00:00:00Z')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(async (options: KeyOptions, command: Command) => {
      checkOptions(options);
      await withClient(command, context, async (client) => {
        // an agent says what it may post for, a customer only if it is not to see all of its own
        const patterns = options.vm.length === 0 && options.role === 'agent' ? ['*'] : options.vm;
        const vms = patterns.length === 0 ? {} : { vms: patterns };
        const account = options.account === undefined ? {} : { account: options.account };
        const expires = options.expiresAt === undefined ? {} : { expires_at: options.expiresAt };
        const body = { role: options.role, name: options.name, ...vms, ...account, ...expires };
        const { json, text } = await client.call('POST', '/v1/keys', body);
        const created = CreatedKey.safeParse(json);
        if (!created.success) throw new CommandFailure('the server made a key but its answer is not as expected');
        if (options.json === true) writeLine(context.stdout, text.trim());
        else {
          // The key alone on stdout, so that it can go straight into a file.
          writeLine(context.stdout, created.data.key);
          writeLine(context.stderr, `key ${created.data.id} (${options.role}, ${options.name}); it is not shown again`);
        }
      });
    });

  keys
    .command('list')
    .description('list the keys, without their secrets')
    .option('--all', 'also those that expired or were revoked')
    .option('--json', "print the server's answer as it is")
    .action(async (options: { json?: boolean; all?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('GET', options.all === true ? '/v1/keys?all=true' : '/v1/keys');
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        const listed = KeyList.safeParse(json);
        if (!listed.success) throw new CommandFailure("the server's list of keys is not as expected");
        const rows = listed.data.keys.map((row) => [
          ...[row.id, row.role, row.name, row.account ?? ''],
          ...[row.vms?.join(' ') ?? '', row.created_at, ...(options.all === true ? [row.revoked_at ?? ''] : [])],
        ]);
        for (const line of tableLines(
          ['id', 'role', 'name', 'account', 'VMs', 'created', ...(options.all === true ? ['revoked'] : [])],
          rows,
        ))
          writeLine(context.stdout, line);
      });
    });

  keys
    .command('rotate <id>')
    .description('give a key another text and print it, once; the one before is in force as well for a while')
    .option('--overlap <seconds>', 'for how long', '86400')
    .action(async (id: string, options: { overlap: string }, command: Command) => {
      if (!/^\d{1,7}$/.test(options.overlap)) throw new CommandFailure('--overlap must be a number of seconds', 2);
      await withClient(command, context, async (client) => {
        const body = { overlap_s: Number(options.overlap) };
        const { json } = await client.call('POST', `/v1/keys/${encodeURIComponent(id)}/rotate`, body);
        const rotated = CreatedKey.safeParse(json);
        if (!rotated.success) throw new CommandFailure('the server rotated the key but its answer is not as expected');
        writeLine(context.stdout, rotated.data.key);
        writeLine(context.stderr, `key ${id} has this text now; the one before goes on for ${options.overlap} s`);
      });
    });

  keys
    .command('revoke <id>')
    .description('revoke a key by its id; what it posted stays')
    .action(async (id: string, _options: unknown, command: Command) => {
      await withClient(command, context, async (client) => {
        await client.call('DELETE', `/v1/keys/${encodeURIComponent(id)}`);
        writeLine(context.stderr, `key ${id} is revoked`);
      });
    });
}
