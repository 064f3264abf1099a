/** The licences under which the product's production dependencies are given, as the lock file names them. */
import { readFileSync } from 'node:fs';
import { URL } from 'node:url';

/** Packages that name none in their manifest, and the licence that lies in their folder. */
const IN_THEIR_FOLDER = { 'png-js': 'MIT' };

const FOLDER = 'node_modules/';

/** Name, version and licence (SPDX) of each, by name; `licence` undefined where none is known. */
export function productionLicences() {
  const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version, license }]) => {
      const name = path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
      return { name, version, licence: license ?? IN_THEIR_FOLDER[name] };
    })
    .sort((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1));
}
