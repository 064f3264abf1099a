/**
 * Builds the pages into `dist/web/`: an app a folder of `web/` that has an index.html, each a page with its own hashed files. They hold all that they
 * need, so the package has no dependency by them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'vite';

const ROOT = dirname(import.meta.dirname);
const WEB = join(ROOT, 'web');

for (const app of readdirSync(WEB).filter((name) => existsSync(join(WEB, name, 'index.html')))) {
  await build({
    root: join(WEB, app),
    base: `/${app}/`,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: join(ROOT, 'dist/web', app),
      emptyOutDir: true,
      target: ['chrome123', 'firefox120', 'safari17.5'],
      modulePreload: { polyfill: false },
      // an image as a file of its own could be cached, and one of some bytes need not be asked for
      assetsInlineLimit: 0,
      // what others wrote and is in there, with its licence
      license: { fileName: 'licences.md' },
      reportCompressedSize: false,
      sourcemap: false,
    },
  });
}
