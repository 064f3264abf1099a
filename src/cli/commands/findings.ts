import { Option, type Command } from 'commander';
import { type Finding, FindingPage } from '../../client/shapes/catalog.ts';
import { allPages } from '../terminal/all-pages.ts';
import { withClient } from '../terminal/connection.ts';
import { writeLine, type CliContext } from '../terminal/context.ts';
import { collect } from '../terminal/option-values.ts';
import { tableLines } from '../../process/text-table.ts';

/** A page is answered within seconds; on a busy machine one part of a large fleet may take its time. */
const CALL_TIMEOUT_MS = 300_000;

const EXAMPLES = `
VMs that are metered and in no account, served and not metered, or on no plan; samples after the end of a service; names that the
PDF can't print; a server without issuer.json. Computed from what is stored now: a finding goes with its cause.

Examples:
  uptally findings
  uptally findings --kind vm_not_in_catalog --kind vm_never_metered
  uptally findings --account acme
  uptally findings --json | jq -r 'select(.kind == "vm_not_metered_now") | .vm'
`;

/** `uptally findings`: what should worry the biller today. */
export function register(program: Command, context: CliContext): void {
  program
    .command('findings')
    .description('what should worry the biller today: metered and not billed, billed and not metered')
    .addOption(new Option('--kind <kind>', 'only of this kind; may be repeated').argParser(collect))
    .option('--account <id>', 'only of this account')
    .option('--vm <id>', 'only of this VM')
    .option('--json', 'print them as JSON, one a line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { kind?: string[]; account?: string; vm?: string; json?: boolean }, command: Command) => {
      const filters = {
        ...(options.kind === undefined ? {} : { kind: options.kind.join(',') }),
        ...(options.account === undefined ? {} : { account: options.account }),
        ...(options.vm === undefined ? {} : { vm: options.vm }),
      };
      const found = await withClient(command, context, (client) => allPages(client, '/v1/findings', filters, FindingPage), {
        timeoutMs: CALL_TIMEOUT_MS,
      });
      if (options.json === true) for (const each of found) writeLine(context.stdout, JSON.stringify(each));
      else for (const line of findingLines(found)) writeLine(context.stdout, line);
    });
}

function findingLines(found: readonly Finding[]): string[] {
  if (found.length === 0) return ['nothing found'];
  const kinds = [...new Set(found.map((each) => each.kind))];
  return kinds.flatMap((kind, i) => {
    const own = found.filter((each) => each.kind === kind);
    const rows = own.map((each) => [each.vm ?? '', each.account ?? '', each.since ?? '', each.until ?? '', each.words]);
    const todo = [...new Set(own.map((each) => each.what_to_do))].slice(0, 3);
    return [...(i === 0 ? [] : ['']), `${kind}: ${own.length}`, ...tableLines(['VM', 'account', 'since', 'until', ''], rows), ...todo.map((text) => `-> ${text}`)]; // prettier-ignore
  });
}
