import { Moments } from '../moments.ts';
import { languageOf, wordsOf } from '../words/language.ts';
import type { Statement, StatementEntry } from './statement-shape.ts';

/** What an entry is, in the language of its statement: its kind with its day, the number of its document, or its VM and term. */
export function entryTeller({
  language,
  time_zone: zone,
}: Pick<Statement, 'language' | 'time_zone'>): (entry: StatementEntry) => string {
  const words = wordsOf(languageOf(language));
  const moments = new Moments(zone, words);
  return ({ kind, invoice, creditNote, day, vm, term, account, made }) => {
    const [year = 0, month = 1, dayOfMonth = 1] = (day ?? '').split('-').map(Number);
    return words.statement.what[kind]({
      invoice: invoice === null ? null : (invoice.number ?? invoice.id),
      creditNote: creditNote === null ? null : (creditNote.number ?? creditNote.id),
      day: day === null ? null : words.date({ year, month, dayOfMonth }),
      vm,
      term: term === null ? null : moments.days(term.from, term.until),
      account,
      made,
    });
  };
}
