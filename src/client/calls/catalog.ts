import { z } from 'zod';
import {
  CatalogEntry,
  CreatedKey,
  type Finding,
  FindingPage,
  type Incident,
  IncidentEffect,
  IncidentList,
  type Key,
  KeyList,
} from '../shapes/catalog.ts';
import { type Caller, type Instant, instantText, type Query, segment } from './caller.ts';

const Versions = z.looseObject({ rows: z.array(CatalogEntry), next: z.string().nullable() });

/** Plans, accounts, or VMs: one of the three, by name. */
export class Entries {
  readonly #caller: Caller;
  readonly #path: string;

  constructor(caller: Caller, kind: 'plans' | 'accounts' | 'vms') {
    this.#caller = caller;
    this.#path = `/v1/${kind}`;
  }

  /** As it is, or as the catalog had it at an instant. */
  async get(id: string, options: { readonly at?: Instant } = {}): Promise<CatalogEntry> {
    const query = options.at === undefined ? {} : { at: instantText(options.at) };
    return await this.#caller.json(CatalogEntry, 'GET', `${this.#path}/${segment(id)}`, { query });
  }

  /** Makes it, or replaces all of it; the same again changes nothing. */
  async put(id: string, body: object, options: { readonly restate?: boolean } = {}): Promise<CatalogEntry> {
    return await this.#caller.json(CatalogEntry, 'PUT', `${this.#path}/${segment(id)}`, { body, query: { ...options } });
  }

  /** Changes the fields that are named, and no other. */
  async patch(id: string, body: object, options: { readonly restate?: boolean } = {}): Promise<CatalogEntry> {
    return await this.#caller.json(CatalogEntry, 'PATCH', `${this.#path}/${segment(id)}`, { body, query: { ...options } });
  }

  /** Every version, in the order in which they were recorded. */
  history(id: string): AsyncGenerator<CatalogEntry> {
    return this.#caller.pages(
      async (cursor) => await this.#caller.json(Versions, 'GET', `${this.#path}/${segment(id)}/history`, { query: { cursor } }),
    );
  }
}

/** What restates causes. */
export class Incidents {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Records an incident; with `dryRun` it only says what would change. */
  async record(
    incident: {
      readonly scope: object;
      readonly from: Instant;
      readonly to: Instant;
      readonly cause: string;
      readonly asserts_down?: boolean;
      readonly note?: string;
      readonly announced_at?: Instant;
    },
    options: { readonly dryRun?: boolean } = {},
  ): Promise<IncidentEffect> {
    const body = { ...incident, from: instantText(incident.from), to: instantText(incident.to) };
    const query: Query = options.dryRun === true ? { dry_run: true } : {};
    return await this.#caller.json(IncidentEffect, 'POST', '/v1/incidents', {
      body,
      query,
      repeatable: options.dryRun === true,
    });
  }

  async list(
    filter: {
      readonly state?: 'upcoming' | 'running' | 'past' | 'withdrawn';
      readonly cause?: string;
      readonly account?: string;
      readonly vm?: string;
      readonly from?: Instant;
      readonly to?: Instant;
    } = {},
  ): Promise<readonly Incident[]> {
    const { from, to, ...rest } = filter;
    const query = {
      ...rest,
      ...(from === undefined ? {} : { from: instantText(from) }),
      ...(to === undefined ? {} : { to: instantText(to) }),
    };
    return (await this.#caller.json(IncidentList, 'GET', '/v1/incidents', { query })).incidents;
  }

  /** It stays on record, as withdrawn. */
  async withdraw(id: string): Promise<void> {
    await this.#caller.call('DELETE', `/v1/incidents/${segment(id)}`);
  }
}

/** Keys of agents, billing jobs and admins. */
export class Keys {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Makes a key; its secret is in this answer and nowhere else. */
  async create(key: {
    readonly role: 'agent' | 'billing' | 'read' | 'admin' | 'customer';
    /** Whose customer a key of role customer is of. */
    readonly account?: string;
    readonly name: string;
    readonly vms?: readonly string[];
  }): Promise<CreatedKey> {
    return await this.#caller.json(CreatedKey, 'POST', '/v1/keys', { body: key });
  }

  async list(): Promise<readonly Key[]> {
    return (await this.#caller.json(KeyList, 'GET', '/v1/keys')).keys;
  }

  async revoke(id: string): Promise<void> {
    await this.#caller.call('DELETE', `/v1/keys/${segment(id)}`);
  }
}

/** What should worry the biller, page after page. */
export function findings(
  caller: Caller,
  filter: { readonly kind?: string; readonly account?: string; readonly vm?: string },
): AsyncGenerator<Finding> {
  return caller.pages(
    async (cursor) =>
      await caller.json(FindingPage, 'GET', '/v1/findings', { query: cursor === undefined ? filter : { cursor } }),
  );
}
