import { Option, type Command } from 'commander';
import { CreatedKey, KeyList } from '../../client/shapes/catalog.ts';
import { withClient } from '../terminal/connection.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

const EXAMPLES = `
Roles: agent posts samples of the VMs its patterns allow; billing reads everything and bills; admin may do all, keys too.
The server keeps only a hash of a key: it is shown once, when it is made.

Examples:
  uptally keys create --role agent --name host-1 --vm 'h1-*' --vm 'shared-db'
  uptally keys create --role billing --name accounting > accounting.key
  uptally keys list
  uptally keys revoke k_3f9a
`;

export function register(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke API keys (needs an admin key)')
    .addHelpText('after', EXAMPLES);

  keys
    .command('create')
    .description('make a key and print it, once, on stdout')
    .addOption(
      new Option('--role <role>', 'what the key may do').choices(['agent', 'billing', 'read', 'admin']).makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'whose key it is; samples are recorded with it')
    .addOption(
      new Option('--vm <pattern>', 'VMs an agent may post for, such as host1-*; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .option('--expires-at <instant>', 'from when on it is not in force, such as 2027-01-01T00:00:00Z')
    .option('--json', "print the server's answer as it is")
    .addHelpText('after', EXAMPLES)
    .action(
      async (options: { role: string; name: string; vm: string[]; expiresAt?: string; json?: boolean }, command: Command) => {
        if (options.vm.length > 0 && options.role !== 'agent') throw new CommandFailure('--vm is for agent keys only', 2);
        await withClient(command, context, async (client) => {
          // Patterns limit what may be posted, so only agents have any.
          const vms = options.role === 'agent' ? { vms: options.vm.length === 0 ? ['*'] : options.vm } : {};
          const expires = options.expiresAt === undefined ? {} : { expires_at: options.expiresAt };
          const body = { role: options.role, name: options.name, ...vms, ...expires };
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
      },
    );

  keys
    .command('list')
    .description('list the keys, without their secrets')
    .option('--json', "print the server's answer as it is")
    .action(async (options: { json?: boolean }, command: Command) => {
      await withClient(command, context, async (client) => {
        const { json, text } = await client.call('GET', '/v1/keys');
        if (options.json === true) {
          writeLine(context.stdout, text.trim());
          return;
        }
        const listed = KeyList.safeParse(json);
        if (!listed.success) throw new CommandFailure("the server's list of keys is not as expected");
        const rows = listed.data.keys.map((row) => [row.id, row.role, row.name, row.vms?.join(' ') ?? '', row.created_at]);
        for (const line of tableLines(['id', 'role', 'name', 'VMs', 'created'], rows)) writeLine(context.stdout, line);
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
