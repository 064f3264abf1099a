import { PriceList } from '../shapes/prices.ts';
import type { Caller, Query } from './caller.ts';

const FORMS = { html: 'text/html', pdf: 'application/pdf' } as const;

/** Which plans, in which language; left out: all, in English. */
export interface PriceListAsked {
  readonly language?: string;
  readonly currency?: string;
  readonly plans?: readonly string[];
}

/** The price list: plans, and the fees of their terms, as a customer is told them. */
export class Prices {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async list(asked: PriceListAsked = {}): Promise<PriceList> {
    return await this.#caller.json(PriceList, 'GET', '/v1/price-list', { query: queryOf(asked) });
  }

  /** As people read it. */
  async document(form: keyof typeof FORMS, asked: PriceListAsked = {}): Promise<Uint8Array> {
    return (await this.#caller.download('/v1/price-list', FORMS[form], queryOf(asked))).bytes;
  }
}

function queryOf({ language, currency, plans }: PriceListAsked): Query {
  return { language, currency, plans: plans?.join(',') };
}
