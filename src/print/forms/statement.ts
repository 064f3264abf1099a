import { csvText } from '../csv.ts';
import { PAPER_POLICY, paperHtml } from '../paper/html.ts';
import { paperPdf } from '../pdf/paper.ts';
import { entryTeller } from '../statement/entry-words.ts';
import { statementPaper } from '../statement/statement-paper.ts';
import type { Statement } from '../statement/statement-shape.ts';

/** A statement of account in the forms that people read. */
export function statementPage(statement: Statement): { html: string; policy: string } {
  return { html: paperHtml(statementPaper(statement)), policy: PAPER_POLICY };
}

export function statementFile(statement: Statement): Promise<Buffer> {
  return paperPdf(statementPaper(statement));
}

/** A row an entry, between the balance carried forward (`opening`) and the one at the end (`closing`). */
export function statementTable(statement: Statement): string {
  const { account, currency, from, to, opening, closing, entries } = statement;
  const tell = entryTeller(statement);
  const own = [account, currency];
  return csvText([
    [
      'account',
      'currency',
      'at',
      'kind',
      'invoice',
      'credit_note',
      'day',
      'vm',
      'reference',
      'words',
      'note',
      'amount',
      'balance',
      'id',
    ],
    [...own, from, 'opening', '', '', '', '', '', '', '', '', opening, ''],
    ...entries.map((entry) => [
      ...own,
      entry.at,
      entry.kind,
      entry.invoice === null ? '' : (entry.invoice.number ?? entry.invoice.id),
      entry.creditNote === null ? '' : (entry.creditNote.number ?? entry.creditNote.id),
      entry.day ?? '',
      entry.vm ?? '',
      entry.reference ?? '',
      tell(entry),
      entry.note,
      entry.amount,
      entry.balance,
      entry.id,
    ]),
    [...own, to, 'closing', '', '', '', '', '', '', '', '', closing, ''],
  ]);
}
