import type { ShownPart } from '../explained-shape.ts';
import { grouped } from '../numbers.ts';
import type { Words } from '../words/words.ts';

/** How much of a plan's price a part of a service line is: `1 month`, `15 of 31 days`, `72 h`. */
export function partQuantity({ days, minutes, of_days: ofDays, per }: ShownPart, { doc }: Words): string {
  const rest = doc.hours(Math.floor(minutes / 60), minutes % 60);
  if (per === 'hour') return rest;
  if (per === 'month' && ofDays !== null) {
    if (minutes === 0 && days === ofDays) return doc.months(1);
    return doc.daysOf(minutes === 0 ? days.toString() : [...(days === 0 ? [] : [doc.days(days)]), rest].join(' + '), ofDays);
  }
  return [...(days === 0 ? [] : [doc.days(days)]), ...(minutes === 0 ? [] : [rest])].join(' + ');
}

/** The agreed price of a part: `310.00 / month`. */
export function partPrice({ price, per }: ShownPart, { doc }: Words): string {
  return doc.per[per](grouped(price));
}

/** How many of an add-on a quantity is of: `2 × `; nothing where it is one. */
export function piecesText(pieces: number | undefined): string {
  return pieces === undefined || pieces === 1 ? '' : `${pieces} × `;
}
