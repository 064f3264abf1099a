/**
 * Runs after the compiler: `dist/` is the product and nothing else, so what an earlier layout or a source that is gone has left there
 * goes. `dist/src/cli/main.js`, where the program was until 0.1, leads to it in a checkout: scripts of others name it. It is not packed.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = dirname(import.meta.dirname);
const DIST = join(ROOT, 'dist');

/** Every file below a folder, by its path in there. */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

const made = filesOf(join(ROOT, 'src'))
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => ['.js', '.js.map', '.d.ts'].map((ending) => file.replace(/\.ts$/, ending)));
const kept = new Set([...made, 'kernel.wasm', '.tsbuildinfo']);
// the pages have a build of their own, which leaves nothing of an earlier one
for (const file of filesOf(DIST)) if (!kept.has(file) && !file.startsWith('web/')) rmSync(join(DIST, file));

const folders = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
for (const entry of folders.reverse()) {
  const folder = join(entry.parentPath, entry.name);
  if (filesOf(folder).length === 0) rmSync(folder, { recursive: true, force: true });
}

mkdirSync(join(DIST, 'src/cli'), { recursive: true });
writeFileSync(join(DIST, 'src/cli/main.js'), "// The program is dist/cli/main.js.\nimport '../../cli/main.js';\n");
