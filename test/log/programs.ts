import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileInto } from '../support/program.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAMS = join(ROOT, 'test/log/programs');

/**
 * Compiles the test programs, and the log with whatever else they import, to JavaScript that plain Node can run in a worker or a child
 * process, without the build of the whole project. Inside the project, so that packages are found.
 */
export function compilePrograms(): { path: (program: string) => string; remove: () => void } {
  const out = join(ROOT, '.cache', `log-programs-${process.pid}`);
  const done = new Set<string>();
  for (const file of readdirSync(PROGRAMS).filter((name) => name.endsWith('.ts'))) compileInto(out, join(PROGRAMS, file), done);
  return {
    path: (program) => join(out, 'test/log/programs', `${program}.js`),
    remove: () => {
      rmSync(out, { recursive: true, force: true });
    },
  };
}
