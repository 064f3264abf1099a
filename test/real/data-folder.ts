/** The folder of recorded data beside the repository. It is no part of the product, and may be missing. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { productRoot } from '../../src/process/version.ts';

const FOLDER = process.env['UPTALLY_TEST_DATA'] ?? fileURLToPath(new URL('../shared/data', productRoot()));
const TEXT_BYTES_MAX = 64 * 1024 * 1024;

/** The rows of an `.csv.xz` file without its heading, or the reason why there are none. No field of ours holds a quoted comma. */
export function readTrace(file: string): { readonly rows: string[][] } | { readonly missing: string } {
  const path = join(FOLDER, file);
  if (!existsSync(path)) return { missing: `${path} is not there (UPTALLY_TEST_DATA names another folder)` };
  let text: string;
  try {
    text = execFileSync('xz', ['-dc', path], { encoding: 'utf8', maxBuffer: TEXT_BYTES_MAX });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { missing: 'there is no xz on this machine' };
    throw error;
  }
  const lines = text.split('\n').slice(1);
  return { rows: lines.filter((line) => line !== '').map((line) => line.split(',')) };
}

/** Says why tests are skipped, where a reader of the results sees it. */
export function saySkipped(what: string, missing: string): void {
  console.warn(`skipped: ${what}: ${missing}`);
}
