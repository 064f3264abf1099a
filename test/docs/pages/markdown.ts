/** What pages that are written from code have in common. */
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Prose is broken here: a diff shows a line, not a paragraph. */
const COLUMNS = 110;

/** Breaks a text into lines, each but the first after `indent`; words are never cut. */
export function wrapped(text: string, first = '', indent = ' '.repeat(first.length)): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.trim().split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}

/** A list item. */
export const item = (text: string): string => wrapped(text, '- ');

/** A page as it stands in docs/: says what it is written from, in the repository's own format. */
export async function page(title: string, from: string, lines: readonly string[]): Promise<string> {
  const text = [`<!-- Written by \`npm run docs\` from ${from}: change that, not this page. -->`, '', `# ${title}`, '', ...lines];
  return await format(`${text.join('\n')}\n`, { ...(await resolveConfig(`${ROOT}package.json`)), parser: 'markdown' });
}

/** The first letter large. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Values by a key, in the order in which the keys are first met. */
export function grouped<K, V>(values: readonly V[], keyOf: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const key = keyOf(value);
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return groups;
}
