import { z } from 'zod';
import { Balance, type BalanceEntry, ChargePart, type ChargedAccount } from '../shapes/balance.ts';
import { Debit } from '../shapes/billing.ts';
import { type Caller, type Instant, instantText, segment } from './caller.ts';

const Debits = z.looseObject({ debits: z.array(Debit) });

/** Prepaid balances and what waits to be charged. */
export class Balances {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** The balance with its newest entries. */
  async get(account: string): Promise<Balance> {
    return await this.#caller.json(Balance, 'GET', `/v1/accounts/${segment(account)}/balance`);
  }

  /** All entries, the newest first. */
  entries(account: string): AsyncGenerator<BalanceEntry> {
    return this.#caller.pages(async (before) => {
      const path = `/v1/accounts/${segment(account)}/balance`;
      const { entries, before: next } = await this.#caller.json(Balance, 'GET', path, { query: { before } });
      return { rows: entries, next };
    });
  }

  /** Books a payment. Under its `reference` it is booked once, however often it is said. */
  async topUp(
    account: string,
    payment: { readonly amount: string; readonly reference: string; readonly at?: Instant; readonly note?: string },
  ): Promise<Balance> {
    const { at, ...rest } = payment;
    const body = { kind: 'top_up', ...rest, ...(at === undefined ? {} : { at: instantText(at) }) };
    return await this.#caller.json(Balance, 'POST', `/v1/accounts/${segment(account)}/balance`, { body, repeatable: true });
  }

  /** Charges the days that are over, each once, and gives what was booked, account by account. */
  chargeDays(request: { readonly account?: string } = {}): AsyncGenerator<ChargedAccount> {
    return this.#caller.pages(async (after) => {
      const options = { body: { ...request, after }, repeatable: true };
      const { accounts, next } = await this.#caller.json(ChargePart, 'POST', '/v1/charge-days', options);
      return { rows: accounts, next };
    });
  }

  /** What final invoices charged too little. */
  async debits(filter: { readonly account?: string } = {}): Promise<readonly Debit[]> {
    return (await this.#caller.json(Debits, 'GET', '/v1/debits', { query: filter })).debits;
  }
}
