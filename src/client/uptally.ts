import { Balances } from './calls/balances.ts';
import { Caller, type CallOptions } from './calls/caller.ts';
import { Entries, findings, Incidents, Keys } from './calls/catalog.ts';
import { Invoices } from './calls/invoices.ts';
import { Metering } from './calls/metering.ts';
import { Money } from './calls/money.ts';
import { Prices } from './calls/prices.ts';
import { ApiClient, type ClientOptions, type Method } from './wire/client.ts';
import { parseExact } from './wire/exact-json.ts';
import { sleepReal, type Sleep } from './wire/retry.ts';
import type { Finding } from './shapes/catalog.ts';
import { Status } from './shapes/metering.ts';

export interface UptallyOptions extends ClientOptions {
  /** How long a call that may work later is made again, in milliseconds; two minutes if left out, 0: once only. */
  readonly patienceMs?: number;
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

const PATIENCE_MS = 120_000;

/**
 * The API by subject. Whole numbers that may be large are bigints, amounts decimal strings; questions of many rows are async iterators.
 * What may work later is made again for `patienceMs`, where twice is as good as once. Whatever else happens is an `ApiError` with the problem's code.
 */
export class Uptally {
  readonly metering: Metering;
  readonly plans: Entries;
  readonly accounts: Entries;
  readonly vms: Entries;
  readonly incidents: Incidents;
  readonly invoices: Invoices;
  readonly balances: Balances;
  readonly money: Money;
  readonly prices: Prices;
  readonly keys: Keys;
  readonly #client: ApiClient;
  readonly #caller: Caller;

  /** Throws `ApiError` with code `bad_server` when the address is no http(s) URL. */
  constructor(options: UptallyOptions) {
    this.#client = new ApiClient(options);
    this.#caller = new Caller(this.#client, {
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      now: options.now ?? Date.now,
      random: options.random ?? Math.random,
      sleep: options.sleep ?? sleepReal,
    });
    this.metering = new Metering(this.#caller);
    this.plans = new Entries(this.#caller, 'plans');
    this.accounts = new Entries(this.#caller, 'accounts');
    this.vms = new Entries(this.#caller, 'vms');
    this.incidents = new Incidents(this.#caller);
    this.invoices = new Invoices(this.#caller);
    this.balances = new Balances(this.#caller);
    this.money = new Money(this.#caller);
    this.prices = new Prices(this.#caller);
    this.keys = new Keys(this.#caller);
  }

  /** What the server has taken in and how far it has counted. */
  async status(): Promise<Status> {
    return await this.#caller.json(Status, 'GET', '/v1/status');
  }

  /** What should worry the biller today. */
  findings(filter: { readonly kind?: string; readonly account?: string; readonly vm?: string } = {}): AsyncGenerator<Finding> {
    return findings(this.#caller, filter);
  }

  /** Any other call of the API; integers beyond 2⁵³ in its answer are bigints. Throws `ApiError`. */
  async call(method: Method, path: string, options: CallOptions = {}): Promise<unknown> {
    const { text } = await this.#caller.call(method, path, options);
    return text === '' ? null : parseExact(text);
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}
