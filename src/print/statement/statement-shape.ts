import type { StatementKind } from '../words/doc/statement-words.ts';

interface Party {
  readonly name: string;
  readonly address?: string | undefined;
  readonly tax_id?: string | undefined;
  readonly registration?: string | undefined;
  readonly email?: string | undefined;
  readonly website?: string | undefined;
}

/** A document that an entry belongs to. */
export interface NamedDocument {
  readonly type: 'invoice' | 'credit_note';
  readonly id: string;
  /** As documents write it; null: it has none. */
  readonly number: string | null;
}

/** An entry of a statement; amounts are decimals, signed as the customer's credit. */
export interface StatementEntry {
  readonly id: string;
  readonly kind: StatementKind;
  readonly at: string;
  readonly amount: string;
  /** After this entry. */
  readonly balance: string;
  readonly invoice: NamedDocument | null;
  readonly creditNote: NamedDocument | null;
  /** Of a day's charge: `2026-03-05`. */
  readonly day: string | null;
  readonly vm: string | null;
  readonly term: { readonly from: string; readonly until: string } | null;
  readonly account: string | null;
  /** What the books did by themselves: made an invoice void, let unused credit lapse, corrected what a day was charged. Null: none of it. */
  readonly made: 'void' | 'lapse' | 'correction' | null;
  readonly reference: string | null;
  /** What somebody wrote; empty where the books would say in their own words what the entry's words say already. */
  readonly note: string;
}

/** What was booked in an account's ledger from one instant up to another. */
export interface Statement {
  readonly account: string;
  readonly currency: string;
  readonly language: string;
  readonly time_zone: string;
  readonly from: string;
  readonly to: string;
  readonly madeAt: string;
  readonly issuer: (Party & { readonly payment?: string | undefined }) | undefined;
  readonly customer: Party;
  readonly opening: string;
  readonly closing: string;
  /** What counted up, and what counted down, both without sign. */
  readonly credits: string;
  readonly charges: string;
  readonly entries: readonly StatementEntry[];
}
