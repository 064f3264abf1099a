import { formatInstant } from '../domain/instant.ts';
import type { ListedFee, ListedPlan, ListedTerms, PriceList } from '../print/price-list/price-list-shape.ts';
import { languageOf } from '../print/words/language.ts';
import { decimalText, exact } from '../rating/exact.ts';
import { clauseSays, type ClauseLanguage, type TermsSheet } from '../terms/sheet.ts';
import type { BillingContext } from './context.ts';

/** Which plans of the catalog a price list is of; what is left out does not narrow it. */
export interface PriceListAsked {
  readonly language: string;
  readonly plans?: readonly string[] | undefined;
  readonly currency?: string | undefined;
}

/** The plans of the catalog, by name, as they are now, with the fees of the terms that they name, by the versions in force. */
export function priceListOf(context: BillingContext, { language, plans: asked, currency }: PriceListAsked): PriceList {
  const nowMs = context.businessNow();
  const plans = context.catalog
    .idsAfter('plan')
    .filter((id) => asked?.includes(id) !== false)
    .flatMap((id): ListedPlan[] => {
      const body = context.catalog.plan(id)?.body;
      return body === undefined || (currency !== undefined && body.currency !== currency)
        ? []
        : [{ ...body, id, title: body.title ?? null }];
    });
  const named = [...new Set(plans.flatMap(({ terms }) => terms ?? []))].sort();
  return {
    at: formatInstant(nowMs),
    language: languageOf(language),
    issuer: context.issuer,
    plans,
    terms: named.flatMap((id): ListedTerms[] => {
      const sheet = context.termsLibrary.inForce(id, nowMs)?.sheet;
      return sheet === undefined
        ? []
        : [{ id, title: sheet.title, version: sheet.version, fees: feesOf(sheet, languageOf(language)) }];
    }),
  };
}

function feesOf(sheet: TermsSheet, language: ClauseLanguage): ListedFee[] {
  const said = (clause: string): Pick<ListedFee, 'clause' | 'place'> => ({
    clause: clauseSays(sheet, clause, language),
    place: sheet.clauses[clause]?.place ?? '',
  });
  const late = sheet.billing?.late_fee ?? null;
  return [
    ...sheet.fees.map(({ event, amount, currency, clause, free }) => ({
      ...{ event, amount, currency, percent_per_day: null, ...said(clause) },
      free: free.map((each) => clauseSays(sheet, each.clause, language)),
    })),
    ...(late === null
      ? []
      : [
          {
            ...{ event: null, amount: null, currency: null, ...said(late.clause), free: [] },
            percent_per_day: decimalText(exact(late.percent_per_day.num * 100n, late.percent_per_day.den)),
          },
        ]),
  ];
}
