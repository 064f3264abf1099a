import { write } from '../../../src/billing/charges/post-day.ts';
import { type BalanceBody, BLANK_ENTRY } from '../../../src/books/balances.ts';
import type { Books } from '../../../src/books/books.ts';
import { owedOf } from '../../../src/books/charges.ts';
import type { BooksContext } from '../../../src/books/context.ts';
import { DAY_MS } from '../../../src/domain/zone.ts';
import { CENT, CURRENCY, type MadeLine, START, taxLine } from './documents.ts';
import { feeOfDays, ruleOf } from './late-fees.ts';

const BY = 'charge-days';
type Part = NonNullable<BalanceBody['day']>['parts'][number];

/** The days of an account, charged one by one: what a run of charge-days decides, with usage that nobody metered. */
export class Days {
  readonly #account: string;
  readonly #vms: readonly string[];
  readonly #taxPercent: number;
  /** What was used, by day, in cents: service of two VMs, traffic of the first. */
  readonly #used = new Map<number, readonly number[]>();

  constructor(account: string, vms: readonly string[], taxPercent: number) {
    this.#account = account;
    this.#vms = vms;
    this.#taxPercent = taxPercent;
  }

  usedLines(used: readonly number[]): MadeLine[] {
    const [first = '', second = ''] = this.#vms;
    const of = [[first, 'service'], [second, 'service'], [first, 'traffic']] as const; // prettier-ignore
    return of.flatMap(([vm, kind], i) => {
      const cents = used[i] ?? 0;
      return cents === 0 ? [] : [{ vm, kind, nanos: BigInt(cents) * CENT }];
    });
  }

  chargedToMs(books: Books): number {
    return Math.max(START, ...books.balanceOf(this.#account).flatMap(({ day }) => day?.to ?? []));
  }

  nextEndMs(books: Books): number {
    return this.chargedToMs(books) + DAY_MS;
  }

  /** Charges the next day; one that a process before has charged is charged. */
  async charge(context: BooksContext, used: readonly number[]): Promise<void> {
    const from = this.chargedToMs(context.books);
    this.#used.set(from, used);
    await this.#post(context, from, 'charge');
  }

  restate(nth: number, used: readonly number[]): void {
    const days = [...this.#used.keys()];
    const from = days[nth % Math.max(1, days.length)];
    if (from !== undefined) this.#used.set(from, used);
  }

  /** Days that no invoice holds, from the first on, each corrected by itself. */
  async rateAgain(context: BooksContext): Promise<void> {
    const closedMs = this.#invoicedToMs(context.books);
    for (const from of [...this.#used.keys()].sort((a, b) => a - b))
      if (from >= closedMs && from < this.chargedToMs(context.books)) await this.#post(context, from, 'correction');
  }

  #invoicedToMs(books: Books): number {
    const final = books.statesOf(this.#account).filter(({ head, status }) => head.type === 'invoice' && head.final && status !== 'void'); // prettier-ignore
    return Math.max(START, ...final.map(({ head }) => head.to));
  }

  async #post(context: BooksContext, from: number, kind: 'charge' | 'correction'): Promise<void> {
    const { books } = context;
    const to = from + DAY_MS;
    const used = this.usedLines(this.#used.get(from) ?? []);
    const rule = ruleOf(context, this.#account, from);
    const fee = rule === undefined ? 0n : feeOfDays(owedOf(context, this.#account).days, rule, from, to);
    const lines: MadeLine[] = [
      ...used,
      ...taxLine(used, this.#taxPercent),
      ...(fee === 0n ? [] : [{ kind: 'late_fee' as const, vm: null, nanos: fee }]),
    ];
    const parts = lacking(lines, books.balanceOf(this.#account).flatMap(({ day }) => (day?.from === from ? day.parts : []))); // prettier-ignore
    if (kind === 'correction' && parts.length === 0) return;
    const amount = parts.reduce((sum, { nanos }) => sum - BigInt(nanos), 0n);
    const body: BalanceBody = {
      ...BLANK_ENTRY,
      ...{ account: this.#account, currency: CURRENCY, kind, at: to, amount_nanos: `${amount}` },
      due_at: amount < 0n ? to + DAY_MS : null,
      day: { from, to, date: new Date(from).toISOString().slice(0, 10), run_from: START, parts },
      ...{ source: kind, by: BY },
    };
    await write(books, () => [body], BY);
  }

  /** What the days of a time were charged, as the invoice of all of them says it. */
  linesOf(books: Books, fromMs: number, toMs: number): MadeLine[] {
    const rows = books.balanceOf(this.#account).flatMap(({ day }) => (day !== null && day.from >= fromMs && day.from < toMs ? day.parts : []));
    return lacking([], rows).map(({ vm, kind, nanos }) => ({ vm, kind, nanos: -BigInt(nanos) }));
  } // prettier-ignore
}

/** What lines come to, less what was posted, by VM and kind. */
function lacking(lines: readonly MadeLine[], posted: readonly Part[]): Part[] {
  const sums = new Map<string, { vm: string | null; kind: Part['kind']; nanos: bigint }>();
  const all = [...lines, ...posted.map(({ vm, kind, nanos }) => ({ vm, kind, nanos: -BigInt(nanos) }))];
  for (const { vm, kind, nanos } of all) {
    const key = `${vm ?? ''} ${kind}`;
    sums.set(key, { vm, kind, nanos: (sums.get(key)?.nanos ?? 0n) + nanos });
  }
  return [...sums.values()].filter(({ nanos }) => nanos !== 0n).map((sum) => ({ ...sum, nanos: `${sum.nanos}` }));
}
