import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { page, ROOT, wrapped } from './markdown.ts';

/** The list of the decisions: number and title, each from its file. */
export async function decisionsPage(): Promise<string> {
  const folder = join(ROOT, 'docs/decisions');
  const files = readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.md$/.test(file))
    .toSorted();
  return await page('Decisions', 'the files beside this page', [
    wrapped(
      'What the contract leaves open, and where we left the beaten path: one file each, with context, choice, alternatives and date. The numbers have gaps on purpose; a decision that is overtaken stays, and names its successor.',
    ),
    '',
    ...files.map((file) => {
      const [, title = ''] = /^# (?:\d+\. )?(.+)$/m.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
      return `- [${file.slice(0, 4)}](${file}) ${title}`;
    }),
  ]);
}
