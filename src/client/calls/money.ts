import { z } from 'zod';
import { Invoice } from '../shapes/billing.ts';
import { Entered, Grant, HandCharge } from '../shapes/money.ts';
import { type Caller, type Instant, instantText, segment } from './caller.ts';

const Charges = z.looseObject({ charges: z.array(HandCharge) });

/** What people decide on about an account's money: each is there once, however often it is said. */
export class Money {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Grants the refund that a check found due: credit note, end of service and money in one step. */
  async grant(check: string): Promise<Grant> {
    return await this.#caller.json(Grant, 'POST', `/v1/refund-checks/${segment(check)}/grant`, { repeatable: true });
  }

  /** Charges an account by hand: a line of its next invoice. */
  async charge(
    account: string,
    charge: {
      readonly reference: string;
      readonly kind?: 'one_off' | 'quoted' | 'damage';
      readonly description: string;
      readonly amount: string;
      readonly currency?: string;
      readonly rate?: string;
      readonly taxPercent?: string;
      readonly reason: string;
      readonly clause?: string;
      readonly vm?: string;
      readonly at: Instant;
    },
  ): Promise<HandCharge> {
    const { at, taxPercent, ...rest } = charge;
    const body = { ...rest, at: instantText(at), tax_percent: taxPercent };
    return await this.#caller.json(HandCharge, 'POST', `/v1/accounts/${segment(account)}/charges`, { body, repeatable: true });
  }

  /** What an account was charged by hand, in the order in which it was recorded. */
  async charges(account: string): Promise<readonly HandCharge[]> {
    return (await this.#caller.json(Charges, 'GET', `/v1/accounts/${segment(account)}/charges`)).charges;
  }

  /** Withdraws a charge that no final invoice has. */
  async withdrawCharge(account: string, id: string): Promise<void> {
    await this.#caller.call('DELETE', `/v1/accounts/${segment(account)}/charges/${segment(id)}`, { repeatable: true });
  }

  /** Gives back a part of a final invoice, net; tax follows at the rate of each line. */
  async creditNote(
    invoice: string,
    note: {
      readonly reason: string;
      readonly reference: string;
      readonly lines: readonly { readonly line: string; readonly amount: string }[];
    },
  ): Promise<Invoice> {
    const path = `/v1/invoices/${segment(invoice)}/credit-notes`;
    return await this.#caller.json(Invoice, 'POST', path, { body: note, repeatable: true });
  }

  /** Records that free money of an account was paid out. */
  async payOut(
    account: string,
    payout: { readonly reference: string; readonly amount: string; readonly at: Instant; readonly note?: string },
  ): Promise<Entered> {
    const body = { ...payout, at: instantText(payout.at) };
    return await this.#caller.json(Entered, 'POST', `/v1/accounts/${segment(account)}/payouts`, { body, repeatable: true });
  }
}
