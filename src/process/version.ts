import { existsSync, readFileSync } from 'node:fs';

/** The product's folder: that of the nearest package.json above this file that is ours, whether it runs from sources or from the build. */
export function productRoot(): URL {
  for (let folder = new URL('./', import.meta.url); ; folder = new URL('../', folder)) {
    if (nameIn(folder) === 'uptally') return folder;
    if (folder.pathname === '/') throw new Error('the package.json of the product is gone');
  }
}

function nameIn(folder: URL): string | undefined {
  const manifest = new URL('package.json', folder);
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name : undefined;
}

/** Put in by the build of the agent's file (scripts/build-agent.js), beside which there is no package.json. */
declare const UPTALLY_VERSION: string | undefined;

/** The version in package.json, which is the only place that has it. */
export function productVersion(): string {
  if (typeof UPTALLY_VERSION === 'string') return UPTALLY_VERSION;
  const { version } = JSON.parse(readFileSync(new URL('package.json', productRoot()), 'utf8')) as { version: string };
  return version;
}
