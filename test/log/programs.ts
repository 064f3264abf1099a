import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

const ROOT = join(import.meta.dirname, '../..');
const DIRECTORIES = ['src/log', 'src/domain', 'src/kernel', 'test/log/programs'];

/**
 * Compiles the log and the test programs to JavaScript that plain Node can run in a worker or a child process, without
 * the build of the whole project. Inside the project, so that packages are found.
 */
export function compilePrograms(): { path: (program: string) => string; remove: () => void } {
  const out = join(ROOT, '.cache', `log-programs-${process.pid}`);
  for (const directory of DIRECTORIES) {
    mkdirSync(join(out, directory), { recursive: true });
    for (const file of readdirSync(join(ROOT, directory)).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))) {
      const { outputText } = transpileModule(readFileSync(join(ROOT, directory, file), 'utf8'), {
        compilerOptions: {
          module: ModuleKind.ESNext,
          target: ScriptTarget.ES2023,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      });
      writeFileSync(join(out, directory, file.replace(/\.ts$/, '.js')), outputText);
    }
  }
  return {
    path: (program) => join(out, 'test/log/programs', `${program}.js`),
    remove: () => {
      rmSync(out, { recursive: true, force: true });
    },
  };
}
