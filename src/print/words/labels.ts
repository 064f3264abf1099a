/** What stands on a document around its lines. */
export interface Labels extends Readonly<Record<FixedLabel, string>> {
  readonly dueOn: (date: string) => string;
  readonly allVms: (n: number) => string;
  readonly some: (shown: number, all: number) => string;
  readonly notUp: (time: string) => string;
  readonly notMeasured: (time: string) => string;
  readonly perDay: (most: string) => string;
  readonly page: (page: number, pages: number) => string;
  readonly moreDays: (n: number) => string;
  readonly minutes: (n: string) => string;
  readonly traffic: (received: string, sent: string) => string;
  readonly included: (amount: string) => string;
}

type FixedLabel =
  | 'invoice'
  | 'creditNote'
  | 'preview'
  | 'draft'
  | 'void'
  | 'paid'
  | 'settled'
  | 'open'
  | 'issuedNote'
  | 'from'
  | 'billTo'
  | 'number'
  | 'noNumber'
  | 'issued'
  | 'period'
  | 'due'
  | 'account'
  | 'taxId'
  | 'corrects'
  | 'currency'
  | 'vm'
  | 'item'
  | 'quantity'
  | 'unitPrice'
  | 'amount'
  | 'subtotal'
  | 'total'
  | 'credited'
  | 'paidAmount'
  | 'outstanding'
  | 'toPay'
  | 'notes'
  | 'incomplete'
  | 'incompleteFinal'
  | 'formulas'
  | 'usage'
  | 'up'
  | 'provider'
  | 'otherCause'
  | 'silent'
  | 'unmetered'
  | 'received'
  | 'sent'
  | 'alwaysUp'
  | 'upAsMeasured'
  | 'sources'
  | 'sourcesText'
  | 'line'
  | 'query'
  | 'samples'
  | 'digests'
  | 'digestText'
  | 'notFinal'
  | 'content'
  | 'evidence'
  | 'missing'
  | 'capped';
