/** Where the files are that come with the product. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A folder of this installation, such as `schemas/terms`: beside `src` in the sources, one level further up in `dist`. */
export function installedFolder(path: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, path);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) throw new Error(`${path} is missing from this installation`);
  }
}
