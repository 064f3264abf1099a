import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DemoOptions } from '../../demo/demo.ts';
import { compiledFile } from '../../process/compiled.ts';
import { CommandFailure, type CliContext } from '../terminal/context.ts';

const DETAILS = `
What happens:
  a server starts on a folder of its own; the agent reads this machine's network interfaces into it once a second;
  some traffic is made over loopback; one VM reports that it is down and one falls silent; then come the tables:
  traffic and uptime by minute, outages, the credit of a priced VM, and the totals beside the interfaces' own counters.
  Nothing is left behind, and nothing outside that folder is touched.

Examples:
  uptally demo
  uptally demo --keep        then plays a month of a small provider, serves it until Ctrl-C with a link into the console,
                             and leaves the folder
`;

/** `uptally demo`: the product doing its job on this machine, in about two minutes. */
export function register(program: Command, context: CliContext): void {
  program
    .command('demo')
    .description("show what it does: meter this machine's own interfaces for about two minutes")
    .option('--keep', 'then serve a month of a small provider to look at in the console, until Ctrl-C; keep the folder')
    .addOption(
      new Option('--seconds <n>', 'read at least this long; it then goes on to the end of that minute')
        .argParser(parseSeconds)
        .default(70),
    )
    .addHelpText('after', DETAILS)
    .action((options: { keep?: boolean; seconds: number }) => demo(context, options));
}

/** Less than 30 s leaves no time for a silence to show; more than 100 s would make it longer than three minutes. */
function parseSeconds(text: string): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 30 && seconds <= 100)) throw new InvalidArgumentError('write a whole number from 30 to 100.');
  return seconds;
}

async function demo(context: CliContext, options: { keep?: boolean; seconds: number }): Promise<void> {
  const [{ mkdtemp, rm }, { tmpdir }, path, { fileURLToPath }, { runDemo }, { narrator }] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
    import('node:url'),
    import('../../demo/demo.ts'),
    import('../../demo/narrator.ts'),
  ]);
  const interrupted = context.interrupted();
  const tell = narrator(context.stdout, context.now);
  const dir = await mkdtemp(path.join(tmpdir(), 'uptally-demo-'));
  try {
    tell.line("Uptally, on this machine's own network interfaces.");
    const script = fileURLToPath(compiledFile('cli/main.js'));
    const stage = { dir, script, tell, now: context.now, sleep: context.sleep, interrupted };
    const { adminKey, env } = await runDemo({ ...stage, minMs: options.seconds * 1000 });
    if (options.keep === true) {
      const kept = { dataDir: path.join(dir, 'data'), env, adminKey };
      await showKept({ ...stage, minMs: 0 }, kept);
      return;
    }
    tell.heading('Where to look next');
    tell.line('  npm start                        a server on http://127.0.0.1:8080 that keeps its data in ./data');
    tell.line('  http://127.0.0.1:8080/docs       its API, to browse and to try');
    tell.line('  npx uptally keys create --help   keys for agents and for billing');
    tell.line('  npx uptally agent --help         metering a host: its taps, or its libvirt domains');
    tell.line('  npx uptally verify --help        everything counted again, from the raw samples');
  } catch (error) {
    const left = options.keep === true ? `; what there is of it is in ${dir}` : '';
    if (interrupted.aborted) throw new CommandFailure(`the demo was interrupted${left}`);
    throw new CommandFailure(`the demo failed${left}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    if (options.keep !== true) await rm(dir, { recursive: true, force: true });
  }
}

interface Kept {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly adminKey: string;
}

/** A month to look at, served until Ctrl-C; then how to serve each of the folders again. */
async function showKept(stage: DemoOptions, interfaces: Kept): Promise<void> {
  const { tell } = stage;
  const { keepMonth } = await import('../../demo/month.ts');
  tell.heading('9. A month of a small provider, to look at');
  tell.event('a second server; its samples are made up, and go through the same door (about half a minute)');
  const month = await keepMonth(stage);
  try {
    tell.line();
    tell.line(`  Open      ${month.console}`);
    tell.line(`  log in    ${month.adminKey}`);
    tell.line();
    tell.line('  Ctrl-C ends it; the data stays.');
    await month.shown();
  } finally {
    await month.stop();
  }
  tell.heading('Where to look next');
  tell.line(`  Kept in ${stage.dir}. To serve the month again:`);
  tell.line(`    ${serving(month)}`);
  tell.line("  or this machine's own interfaces:");
  tell.line(`    ${serving(interfaces)}`);
  tell.line('  and to ask it, with its admin key:');
  tell.line(`    curl -H 'Authorization: Bearer ${interfaces.adminKey}' http://127.0.0.1:8080/v1/status`);
}

function serving({ env, dataDir }: Pick<Kept, 'env' | 'dataDir'>): string {
  const settings = Object.entries({ ...env, UPTALLY_DATA_DIR: dataDir }).map(([name, value]) => `${name}=${value}`);
  return `${settings.join(' ')} npm start`;
}
