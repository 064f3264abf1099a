import { Command, CommanderError } from 'commander';
import { productVersion } from '../process/version.ts';
import { CommandFailure, writeLine, type CliContext } from './terminal/context.ts';

/** What a command's file exports: it adds itself to the program. Heavy imports belong into its action, not its top. */
export interface CommandModule {
  register(program: Command, context: CliContext): void;
}

const EXAMPLES = `
Examples:
  uptally serve                                    start a server here, data in ./data
  uptally keys create --role agent --name host-1 --vm 'h1-*'
  uptally agent --source libvirt --spool /var/lib/uptally-agent
  uptally send march.ndjson                        post recorded samples
  uptally status --wait                            until everything posted can be queried

Every command has its own --help with examples. Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

/** The whole command line. Exits nowhere itself: see `runProgram`. */
export function buildProgram(modules: readonly CommandModule[], context: CliContext): Command {
  const program = new Command('uptally')
    .description('Exact metering and billing for rented virtual machines.')
    .version(productVersion())
    .option('--server <url>', 'address of the Uptally server (or UPTALLY_SERVER)')
    .option('--key <key>', 'API key (or UPTALLY_KEY, which keeps it out of the process list)')
    .addHelpText('after', EXAMPLES)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    });
  for (const module of modules) module.register(program, context);
  return program;
}

/** Runs a command line (without node and script) and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(
  modules: readonly CommandModule[],
  args: readonly string[],
  context: CliContext,
): Promise<number> {
  try {
    const program = buildProgram(modules, context);
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // commander has printed its own message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommandFailure) {
      writeLine(context.stderr, `uptally: ${error.message}`);
      return error.exitCode;
    }
    // The system's refusals (a folder that may not be written) are for the user to mend; anything else is ours, with its place.
    const bySystem = error instanceof Error && 'syscall' in error;
    const text = error instanceof Error ? (bySystem ? error.message : (error.stack ?? error.message)) : String(error);
    writeLine(context.stderr, `uptally: ${text}`);
    return 1;
  }
}
