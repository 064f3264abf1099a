import { IDENTIFIER } from '../../domain/identifier.ts';
import { z } from 'zod';
import { priceListOf } from '../../billing/price-list.ts';
import { EVENT_KINDS } from '../../domain/event-kinds.ts';
import { currency, planBody } from '../../domain/plan.ts';
import { priceListFile, priceListPage } from '../../print/forms/price-list.ts';
import { feeLine, planLines } from '../../print/price-list/price-list-paper.ts';
import type { PriceList } from '../../print/price-list/price-list-shape.ts';
import { languageOf, wordsOf } from '../../print/words/language.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { formAsked, sendFile, sendPage } from '../shared/forms.ts';
import { instantShape } from '../shared/shapes.ts';
import { PAGE_ROWS_MAX, parameterProblem } from '../shared/window.ts';

const FORMS = { json: 'application/json', html: 'text/html', pdf: 'application/pdf' } as const;

const line = z.object({
  item: z.string().describe('What it is for, in the language of the list.'),
  price: z.string(),
  notes: z.array(z.string()),
});
const { price, traffic, minimum, maximum, flat, setup, refund_handling_fee } = planBody.shape;
const listShape = z.object({
  at: instantShape.describe('As of when.'),
  language: z.enum(['en', 'zh-Hant', 'zh-Hans']),
  plans: z.array(
    z.object({
      ...{ id: z.string(), title: z.string().nullable(), currency, terms: z.string().nullable() },
      ...{ price, traffic, minimum, maximum, flat, setup, refund_handling_fee },
      lines: z.array(line).describe('All of it in words.'),
    }),
  ),
  terms: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        version: z.int(),
        fees: z.array(
          z.object({
            event: z.enum(EVENT_KINDS).nullable().describe('For what each is charged; null: for being late.'),
            amount: z.string().nullable(),
            currency: z.string().nullable(),
            percent_per_day: z.string().nullable().describe('Of what is overdue.'),
            clause: z.string(),
            place: z.string().describe('Where the clause stands in the document.'),
            free: z.array(z.string()).describe('When it is free, each as its clause says.'),
            words: line,
          }),
        ),
      }),
    )
    .describe('The terms that the plans name, in the versions in force.'),
});

/** Prices that a customer can read. */
export function priceListRoute(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/price-list',
      tag: 'billing',
      summary: 'The price list: plans, and the fees of their terms, as JSON, HTML or PDF by Accept',
      description: `In English, traditional or simplified Chinese. At most ${PAGE_ROWS_MAX} plans: ask for fewer by currency, or by name.`,
      roles: ['billing', 'admin'],
      query: z.strictObject({
        language: z
          .string()
          .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as en or zh-TW')
          .max(40)
          .default('en')
          .describe('A language tag: `en`, `zh-TW`. Languages that there are no words in are answered in English.'),
        currency: currency.optional().describe('Plans of this currency alone.'),
        plans: z
          .string()
          .regex(new RegExp(`^${IDENTIFIER}(,${IDENTIFIER}){0,99}$`), 'must be names of plans, at most 100, apart by commas')
          .optional()
          .describe('These plans alone, apart by commas.'),
      }),
      answers: { 200: { description: 'The price list', schema: listShape, otherTypes: [FORMS.html, FORMS.pdf] } },
      problems: ['invalid_parameter', 'not_acceptable'],
    },
    async ({ query: { language, currency: of, plans: asked }, request, reply }) => {
      const plans = asked?.split(',');
      const unknown = plans?.find((id) => context.catalog.plan(id) === undefined);
      if (unknown !== undefined) throw parameterProblem('plans', `names ${unknown}, which is no plan`);
      const list = priceListOf(context, { language, currency: of, plans });
      if (list.plans.length > PAGE_ROWS_MAX)
        throw parameterProblem('plans', `must narrow a list of ${list.plans.length} plans: at most ${PAGE_ROWS_MAX}`);
      reply.header('vary', 'accept');
      switch (formAsked(request, FORMS, 'a price list')) {
        case 'json':
          return listJson(list);
        case 'html': {
          const { html, policy } = priceListPage(list);
          return sendPage(reply, html, policy);
        }
        case 'pdf':
          return sendFile(reply, await priceListFile(list), 'price-list');
      }
    },
  );
}

function listJson({ at, language, plans, terms }: PriceList): Record<string, unknown> {
  const words = wordsOf(languageOf(language));
  return {
    ...{ at, language },
    plans: plans.map((plan) => ({
      ...{ id: plan.id, title: plan.title, currency: plan.currency, terms: plan.terms },
      ...{ price: plan.price, traffic: plan.traffic, minimum: plan.minimum, maximum: plan.maximum },
      ...{ flat: plan.flat, setup: plan.setup, refund_handling_fee: plan.refund_handling_fee },
      lines: planLines(plan, words),
    })),
    terms: terms.map(({ fees, ...sheet }) => ({ ...sheet, fees: fees.map((fee) => ({ ...fee, words: feeLine(fee, words) })) })),
  };
}
