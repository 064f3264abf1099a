import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildProgram, type CommandModule } from '../../../src/cli/program.ts';
import { processContext } from '../../../src/cli/terminal/context.ts';
import { page, ROOT, wrapped } from './markdown.ts';

const COLUMNS = 110;

/** The commands in the order of `--help`, which is that of `src/cli/main.ts`. */
async function allModules(): Promise<CommandModule[]> {
  const main = readFileSync(join(ROOT, 'src/cli/main.ts'), 'utf8');
  const names = [...main.matchAll(/import\('\.\/commands\/([a-z-]+)\.ts'\)/g)].map(([, name = '']) => name);
  return await Promise.all(names.map(async (name) => (await import(join(ROOT, `src/cli/commands/${name}.ts`))) as CommandModule));
}

/** A command's help as a terminal of a fixed width shows it, without what every command has. */
function helpOf(command: Command): string {
  let text = '';
  command.configureHelp({ helpWidth: COLUMNS, showGlobalOptions: false });
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => COLUMNS,
  });
  command.outputHelp();
  return text.trim();
}

function commandsBelow(command: Command, path: string): [string, Command][] {
  return command.commands
    .filter((each) => each.name() !== 'help')
    .flatMap((each) => [[`${path} ${each.name()}`, each], ...commandsBelow(each, `${path} ${each.name()}`)]);
}

export async function cliPage(): Promise<string> {
  const program = buildProgram(await allModules(), processContext());
  const all: [string, Command][] = [['uptally', program], ...commandsBelow(program, 'uptally')];
  return await page('Commands', '`uptally --help` of each', [
    wrapped(
      'Exit code 0 means done, 1 failed, 2 wrong usage. `--server` and `--key` may stand before or after a command, or be `UPTALLY_SERVER` and `UPTALLY_KEY`.',
    ),
    ...all.flatMap(([path, command]) => ['', `## ${path}`, '', '```text', helpOf(command), '```']),
  ]);
}

/** Every command there is, by its words. */
export async function commandPaths(): Promise<string[]> {
  const program = buildProgram(await allModules(), processContext());
  return commandsBelow(program, 'uptally').map(([path]) => path);
}
