/**
 * The agent alone: one file with all that it needs, for Node 20 and newer, without node_modules beside it.
 *
 *     node scripts/build-agent.js [file]       build/uptally-agent.mjs if none is named
 */
import { chmodSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

const ROOT = dirname(import.meta.dirname);
const out = resolve(process.argv[2] ?? join(ROOT, 'build/uptally-agent.mjs'));
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

await build({
  entryPoints: [join(ROOT, 'src/cli/agent-main.ts')],
  outfile: out,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // packages in the older form ask for Node's modules by require, which a module of the newer form has not
  banner: { js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);" },
  // beside the file there is no package.json to read it from
  define: { UPTALLY_VERSION: JSON.stringify(version) },
  legalComments: 'inline',
  logLevel: 'warning',
});
chmodSync(out, 0o755);
