import { MINUTE_MS } from '../../domain/zone.ts';
import type { Cause } from '../../domain/condition.ts';
import type { EventKind } from '../../domain/event-kinds.ts';
import type { NoteSay } from '../../rating/note.ts';
import type { AboutSay, FormulaSay, ReasonSay, Sayings, UnitSay } from '../../rating/say.ts';
import type { RefundWords } from './doc/refund-words.ts';
import type { PriceWords } from './doc/price-words.ts';
import type { StatementWords } from './doc/statement-words.ts';
import type { DocWords } from './doc/words.ts';
import type { Labels } from './labels.ts';

/** Languages that documents are printed in. */
export type DocumentLanguage = 'en' | 'zh-Hant' | 'zh-Hans';

export interface Day {
  year: number;
  month: number;
  dayOfMonth: number;
}

/** A unit, and how many of it there are, as a decimal: languages ask for it. */
export type CountedUnit = UnitSay & { quantity: string };

/** All that printed documents say, in one language. What is missing here does not compile. */
export interface Words {
  readonly language: DocumentLanguage;
  readonly labels: Labels;
  /** What a line is for. */
  readonly about: Sayings<AboutSay>;
  readonly formula: Sayings<FormulaSay>;
  readonly unit: Sayings<CountedUnit>;
  readonly reason: Sayings<ReasonSay>;
  /** Notes for who makes the invoice. */
  readonly note: Sayings<NoteSay>;
  readonly causes: Readonly<Record<Cause | 'silent', string>>;
  /** Between the parts of a formula or reason, and between the items of a list. */
  readonly partsApart: string;
  readonly itemsApart: string;
  readonly date: (day: Day) => string;
  /** A whole month: `March 2026`. */
  readonly month: (month: Pick<Day, 'year' | 'month'>) => string;
  /** Days from the first to the last: `1–31 March 2026`. */
  readonly range: (first: Day, last: Day) => string;
  /** A date without its year, for lists: `5 Mar`. */
  readonly shortDate: (date: Pick<Day, 'month' | 'dayOfMonth'>) => string;
  readonly duration: { readonly h: string; readonly min: string; readonly s: string; readonly ms: string };
  readonly bytes: string;
  /** What documents of `layout` 2 say besides. */
  readonly doc: DocWords;
  readonly refund: RefundWords;
  readonly statement: StatementWords;
  readonly prices: PriceWords;
  /** Kinds of recorded events, as fees name them. */
  readonly events: Readonly<Record<EventKind, string>>;
}

/** The text of one of some codes. */
export function sayIn<S extends { code: string }>(sayings: Sayings<S>, said: S): string {
  const saying = sayings[said.code as S['code']] as (said: S) => string;
  return saying(said);
}

/** Units whose names are the same everywhere, and others by their size: GB is 10⁹ bytes and GiB 2³⁰. */
export function sizeName(bytes: number): string | undefined {
  const names: Readonly<Record<number, string>> = {
    [1e6]: 'MB',
    [1e9]: 'GB',
    [1e12]: 'TB',
    [2 ** 20]: 'MiB',
    [2 ** 30]: 'GiB',
    [2 ** 40]: 'TiB',
  };
  return names[bytes];
}

/** A length of time in whole hours and minutes, cut: `25 h 4 min`, `30 min`. */
export function hoursText(ms: number, hourName: string, minuteName: string): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes} ${minuteName}`;
  return `${Math.floor(minutes / 60)} ${hourName}${minutes % 60 === 0 ? '' : ` ${minutes % 60} ${minuteName}`}`;
}
