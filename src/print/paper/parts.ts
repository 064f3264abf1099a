import type { KeptClauseShape } from '../explained-shape.ts';
import type { Words } from '../words/words.ts';
import type { Section } from './paper.ts';

/** Parts that documents of several kinds have. */

interface Party {
  readonly name: string;
  readonly address?: string | undefined;
  readonly tax_id?: string | undefined;
  readonly registration?: string | undefined;
  readonly email?: string | undefined;
  readonly website?: string | undefined;
}

/** Who a party is, a line each: the name first. */
export function partyLines(party: Party | undefined, { labels, doc }: Words): string[] {
  if (party === undefined) return [];
  const { name, address, tax_id: taxId, registration, email, website } = party;
  return [
    name,
    ...linesOf(address),
    ...(registration === undefined ? [] : [doc.registration(registration)]),
    ...(taxId === undefined ? [] : [`${labels.taxId} ${taxId}`]),
    ...[email, website].filter((each) => each !== undefined),
  ];
}

/** The lines of a text that have any. */
export function linesOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split('\n').filter((line) => line.trim() !== '');
}

/** A section of lines; none where there are none. */
export function textSection(heading: string, lines: readonly string[], small = false): Section[] {
  return lines.length === 0 ? [] : [{ kind: 'text', heading, lines, small }];
}

/** The clauses that a document names by numbers, in its language where the sheet says them in it. */
export function clausesSection(
  named: readonly (readonly [key: string, number: number])[],
  clauses: readonly KeptClauseShape[],
  { doc, language }: Words,
): Section[] {
  const lines = named.flatMap(([key, number]) => {
    const clause = clauses.find((each) => each.key === key);
    if (clause === undefined) return [];
    const says = typeof clause.says === 'string' ? clause.says : clause.says[language];
    return [`[${number}] ${doc.quoted(says)} – ${clause.title}, ${clause.place}`];
  });
  return textSection(doc.clauses, lines);
}
