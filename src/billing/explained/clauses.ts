import { z } from 'zod';
import type { TermsLibrary } from '../../terms/library.ts';
import { clauseShown, type TermsSheet } from '../../terms/sheet.ts';

/** A clause as a document keeps it: in every language that the sheet says it in, so that it is printed in the customer's. */
export interface KeptClause {
  /** `internet-service/late-fee`: the sheet's id and the clause's. */
  key: string;
  says: TermsSheet['clauses'][string]['says'];
  /** What the sheet is called, and where in its document the clause stands. */
  title: string;
  place: string;
}

/** What of a sheet its clauses need to be said. */
type ClauseSheet = Pick<TermsSheet, 'id' | 'title' | 'document' | 'clauses'>;

/** The clauses that a document's lines name, each once, under keys of their own. */
export class KeptClauses {
  readonly #sheets: readonly ClauseSheet[];
  readonly #found = new Map<string, KeptClause | null>();

  /** @param sheets of several that say a clause in the same words, the first is named */
  constructor(sheets: readonly ClauseSheet[]) {
    this.#sheets = sheets;
  }

  /** The key of a clause that a line names by its English (`clauseShown`); undefined where no sheet of the library says it. */
  keyOf(shown: string): string | undefined {
    const known = this.#found.get(shown) ?? this.#search(shown);
    this.#found.set(shown, known);
    return known?.key;
  }

  /** Those named so far. */
  kept(): KeptClause[] {
    return [...new Map([...this.#found.values()].flatMap((each) => (each === null ? [] : [[each.key, each]]))).values()];
  }

  #search(shown: string): KeptClause | null {
    const id = shown.slice(0, Math.max(0, shown.indexOf(':')));
    for (const sheet of this.#sheets) {
      const clause = Object.hasOwn(sheet.clauses, id) ? sheet.clauses[id] : undefined;
      if (clause === undefined || clauseShown(sheet, id) !== shown) continue;
      return { key: `${sheet.id}/${id}`, says: clause.says, title: sheet.title, place: clause.place };
    }
    return null;
  }
}

/** All sheets of a library, newest versions first. */
export function sheetsIn(library: TermsLibrary): ClauseSheet[] {
  return library.ids().flatMap((id) => library.versions(id).toReversed().map(({ sheet }) => sheet)); // prettier-ignore
}

const says = z.union([z.string(), z.object({ en: z.string(), 'zh-Hans': z.string(), 'zh-Hant': z.string() })]);
const clause = z.object({ says, place: z.string(), document: z.string().optional() });
const sheet = z.object({ id: z.string(), title: z.string(), document: z.string(), clauses: z.record(z.string(), clause) });
const evidence = z.object({ agreed: z.object({ terms: z.record(z.string(), sheet) }) });

/** The sheets that a document's evidence holds; none where it is of a version that kept none. */
export function sheetsOf(evidenceText: string): ClauseSheet[] {
  const parsed = evidence.safeParse(JSON.parse(evidenceText));
  return parsed.success ? Object.values(parsed.data.agreed.terms) : [];
}
