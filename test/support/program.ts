import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

const ROOT = join(import.meta.dirname, '../..');

export interface Program {
  /** Starts it as a process of its own, under plain Node. */
  start(args: readonly string[]): ChildProcess;
  /** The program and its arguments, for those who start it inside something else. */
  readonly command: readonly [string, string];
  remove(): void;
}

/**
 * Compiles a test program and the sources it imports to JavaScript, as they are now: for tests that need several processes, without
 * a build of the whole project. `name` is relative to `test/`. Inside the project, so that packages and schemas are found.
 */
export function compileProgram(name: string): Program {
  const out = join(ROOT, '.cache', `program-${process.pid}-${name.replaceAll(/\W/g, '-')}`);
  const target = compileInto(out, join(ROOT, 'test', name));
  return {
    command: [process.execPath, target],
    start: (args) => spawn(process.execPath, [target, ...args], { stdio: ['pipe', 'pipe', 'inherit'] }),
    remove() {
      rmSync(out, { recursive: true, force: true });
    },
  };
}

/** Compiles a file of the project and whatever it imports into a folder inside the project; answers where it is. */
export function compileInto(out: string, entry: string, done = new Set<string>()): string {
  const target = (file: string): string => join(out, relative(ROOT, file).replace(/\.ts$/, '.js'));
  const compile = (file: string): void => {
    if (done.has(file)) return;
    done.add(file);
    const { outputText } = transpileModule(readFileSync(file, 'utf8'), {
      compilerOptions: {
        module: ModuleKind.ESNext,
        target: ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const path = target(file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, outputText);
    for (const [, from = ''] of outputText.matchAll(/from ['"](\.[^'"]*)\.js['"]/g)) compile(join(dirname(file), `${from}.ts`));
  };
  compile(entry);
  return target(entry);
}
