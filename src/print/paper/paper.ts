import type { Fact, Page } from '../page.ts';
import type { ShownDays } from '../invoice-shape.ts';

/** A document of `layout` 2 as it is printed, whatever it is about and in whatever form: every text in its place, nothing escaped. */
export interface Paper extends Pick<Page, 'words' | 'title' | 'state' | 'seller' | 'customer' | 'facts' | 'author' | 'madeAtMs'> {
  /** The amount to pay, or that the document is about; null: it is about none. */
  readonly headline: Fact | null;
  readonly currency: string;
  /** Whether its state is stamped across every page: what is no invoice, or none any more, says so. */
  readonly stamped: boolean;
  readonly sections: readonly Section[];
  /** Of the file. */
  readonly subject: string;
  readonly keywords: readonly string[];
}

export type Section = TableSection | TextSection | FactsSection | PictureSection;

export interface TableSection {
  readonly kind: 'table';
  readonly heading: string | null;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Stands small under the rows. */
  readonly remark: string | null;
  readonly sums: readonly (Fact & { strong: boolean })[];
}

export interface Column {
  readonly head: string;
  /** In points of a page 505 wide; what is left between columns is in it. */
  readonly width: number;
  readonly align: 'left' | 'right';
}

export interface Row {
  readonly cells: readonly Cell[];
  /** Stands small under the row, from its `notesFrom`th column to the last. */
  readonly notes: readonly string[];
}

export interface Cell {
  readonly text: string;
  /** Small lines below. */
  readonly more?: readonly string[];
  readonly strong?: boolean;
  readonly weak?: boolean;
}

export interface TextSection {
  readonly kind: 'text';
  readonly heading: string;
  readonly lines: readonly string[];
  readonly small: boolean;
}

export interface FactsSection {
  readonly kind: 'facts';
  readonly heading: string;
  readonly intro: string | null;
  readonly facts: readonly Fact[];
}

export interface PictureSection {
  readonly kind: 'picture';
  readonly days: ShownDays;
}

/** The column that a row's notes begin under: the first that has text of any length. */
export function notesFrom(columns: readonly Column[]): number {
  const widest = Math.max(...columns.map(({ width }) => width));
  return columns.findIndex(({ width }) => width === widest);
}
