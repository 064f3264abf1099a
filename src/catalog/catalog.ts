import type { Versioned } from './versioned.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Incident } from '../domain/incidents.ts';
import type { DatedPlan, PlanBody } from '../domain/plan.ts';
import type { Faults } from '../process/faults.ts';
import { type Store, StoreError } from '../store/store.ts';
import type { Books } from '../books/books.ts';
import type { AccountBody, VmBody } from './bodies.ts';
import { type Entry, insertEntries, type Kind, readEntries, readEntry } from '../journal/entry.ts';
import type { EventBody, EventRequest } from './events.ts';
import { type IncidentBody, incidentsOf, type IncidentRequest } from './incidents.ts';
import { claimEntries } from '../journal/claim.ts';
import { coalesced } from '../journal/coalesced.ts';
import { digestOf, type Key, type KeyBody, keyFromBytes, type KeyRequest, revocationOf } from './keys.ts';
import { checkAccount, checkAccountOfVm, checkEvent, checkIncidentScope, checkPlan, checkVm } from './references.ts';
import { View } from './view.ts';

export interface Change {
  kind: Kind;
  id: string;
  seq: bigint;
}

export interface CatalogOptions {
  store: Store;
  now: () => number;
  /** Fills with randomness: `crypto.randomBytes`. */
  randomBytes: (size: number) => Uint8Array;
  /** Other processes write to the same store: a write is claimed, and decided again when another came first. */
  shared?: boolean;
  /** Of everything but keys only how far it goes is known, and nothing can be written: for processes that answer no questions. */
  keysOnly?: boolean;
  /** Awaited after an entry is durable and in the view, before the writer hears of it. */
  onChange?: (change: Change) => Promise<void> | void;
  /** Where tests stop the process while the books are written. */
  faults?: Faults;
}

/** The books as readers and deciders see them. */
export type BooksView = Omit<Books, 'apply'>;
export type BooksEntry = Pick<Entry, 'id' | 'body'> & { kind: 'invoice' | 'settlement' | 'debit' | 'balance' | 'event' };

/** What is to be recorded, or how to tell it from what is in force: decided where no other writer can come between. */
export type Decided<T> = T | ((before: Versioned<T> | undefined) => T);

/** How often a write may be overtaken before its caller hears of it. */
const TURNS_MAX = 100;

/** The id under which the key of UPTALLY_ADMIN_KEY, or the one made at first start, is kept; after a revocation a number follows. */
const BOOTSTRAP_KEY_ID = 'bootstrap';

/**
 * Plans, accounts, VMs, keys, and what was recorded of them. Every change is a new entry, durable before it is seen; nothing is ever edited. Writes
 * happen one after another, reads are from memory.
 */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #view = new View();
  #onChange: (change: Change) => Promise<void> | void;
  #writes: Promise<unknown> = Promise.resolve();
  /** A failed insert may have happened all the same: look before the next one. */
  #uncertain = false;

  private constructor(options: CatalogOptions) {
    this.#options = options;
    this.#onChange = options.onChange ?? (() => undefined);
  }

  /** Loads what is stored. */
  static async open(options: CatalogOptions): Promise<Catalog> {
    const catalog = new Catalog(options);
    await catalog.refresh();
    return catalog;
  }

  /** Sets what is called on every change; there is one listener. */
  setOnChange(onChange: (change: Change) => Promise<void> | void): void {
    this.#onChange = onChange;
  }

  /**
   * Takes in what other processes have recorded: everything that was durable when this was called. Calls that come while one is under
   * way share the next, so that it may be called before each request.
   */
  readonly refresh = coalesced(async () => {
    const { store, keysOnly } = this.#options;
    for await (const page of readEntries(store, keysOnly === true ? 'keys' : 'view', this.#view.lastSeq))
      for (const entry of page) this.#apply(entry);
  });

  /** The number of the last entry; what was computed under it saw the catalog as it then was. */
  get lastSeq(): bigint {
    return this.#view.lastSeq;
  }
  /** The number of the last entry that changes what minutes are worth: of a plan or a VM. */
  get lastPricingSeq(): bigint {
    return this.#view.lastPricingSeq;
  }
  plan(id: string): Versioned<PlanBody> | undefined {
    return this.#view.plans.get(id);
  }
  account(id: string): Versioned<AccountBody> | undefined {
    return this.#view.accounts.get(id);
  }
  vm(id: string): Versioned<VmBody> | undefined {
    return this.#view.vms.get(id);
  }
  /** Ids of all accounts, sorted. */
  accountIds(): string[] {
    return [...this.#view.accounts.keys()].sort();
  }
  /** Ids of all VMs in the catalog. */
  vmIds(): IterableIterator<string> {
    return this.#view.vms.keys();
  }
  /** Ids of an account's VMs, sorted. */
  vmsOf(account: string): string[] {
    return [...(this.#view.vmsByAccount.get(account) ?? [])].sort();
  }
  /** Ids of the VMs that are or were to be on a plan, sorted: those a change of the plan restates. */
  vmsOn(plan: string): string[] {
    return [...this.#view.vms.values()]
      .filter((vm) => vm.body.plans.some((each) => each.plan === plan))
      .map((vm) => vm.id)
      .sort();
  }
  /** A VM's plans in order, ready to compute with. */
  datedPlans(vm: string): DatedPlan[] {
    return this.#view.datedPlans(vm);
  }
  /** When a VM's service ends, null if it does not or the VM is not in the catalog. */
  endsAtMs(vm: string): number | null {
    return this.#view.vms.get(vm)?.body.ends_at ?? null;
  }
  /** A VM's events that have not been withdrawn, by instant, then in the order they were recorded. */
  eventsOf(vm: string): Versioned<EventBody>[] {
    return this.allEventsOf(vm).filter((event) => !event.body.withdrawn);
  }
  /** The same with those that were withdrawn. */
  allEventsOf(vm: string): Versioned<EventBody>[] {
    return Array.from(this.#view.eventsByVm.get(vm) ?? [], (id) => held(this.#view.events, id)).sort(
      (a, b) => a.body.at - b.body.at,
    );
  }
  /** All incidents in the order they were recorded, withdrawn ones among them. */
  incidents(): Versioned<IncidentBody>[] {
    return [...this.#view.incidents.values()].sort((a, b) => a.body.recorded.at - b.body.recorded.at);
  }
  /** What the incidents in force say of a VM, in the order they were recorded. */
  incidentsOf(vm: string): Incident[] {
    return incidentsOf(this.#view.incidents.values(), vm, this.#view.vms.get(vm)?.body.account);
  }
  /** Keys in force, by name and id. */
  keys(): Versioned<KeyBody>[] {
    return [...this.#view.keys.values()].filter((key) => !key.body.revoked).sort((a, b) => (a.id < b.id ? -1 : 1));
  }
  /** The key that a client presented, undefined if it is not in force. */
  findKey(presented: string): Key | undefined {
    return this.#view.keyRing.find(presented);
  }

  /** The key of this id, undefined if it is not in force. */
  keyInForce(id: string): Pick<Key, 'id' | 'name' | 'role'> | undefined {
    const body = this.#view.keys.get(id)?.body;
    return body?.revoked === false ? { id, name: body.name, role: body.role } : undefined;
  }

  /** Records a plan; the same content again is no new version. Throws `catalog_conflict`, and whatever deciding throws. */
  putPlan(id: string, body: Decided<PlanBody>, by: string): Promise<Versioned<PlanBody>> {
    return this.#write(async () => {
      const before = this.#view.plans.get(id);
      const decided = decidedBy(body, before);
      this.allowPlan(id, decided);
      await this.#record('plan', id, decided, by, before);
      return held(this.#view.plans, id);
    });
  }

  /** Throws `catalog_conflict` where a plan may not become so. */
  allowPlan(id: string, body: PlanBody): void {
    checkPlan(this.#view, id, body);
  }

  /** Records an account. Throws `catalog_conflict`, and whatever deciding throws. */
  putAccount(id: string, body: Decided<AccountBody>, by: string): Promise<Versioned<AccountBody>> {
    return this.#write(async () => {
      const before = this.#view.accounts.get(id);
      const decided = decidedBy(body, before);
      this.allowAccount(id, decided);
      await this.#record('account', id, decided, by, before);
      return held(this.#view.accounts, id);
    });
  }

  /** Throws `catalog_conflict` where an account may not become so. */
  allowAccount(id: string, body: AccountBody): void {
    checkAccount(this.#view, id, body);
  }

  /** Records a VM. Throws `invalid_reference` naming the fields, `catalog_conflict` if it would leave an account that was charged for it. */
  putVm(id: string, body: Decided<VmBody>, by: string): Promise<Versioned<VmBody>> {
    return this.#write(async () => {
      const before = this.#view.vms.get(id);
      const decided = decidedBy(body, before);
      this.allowVm(id, decided);
      await this.#record('vm', id, decided, by, before);
      return held(this.#view.vms, id);
    });
  }

  /** Throws `invalid_reference` or `catalog_conflict` where a VM may not become so. */
  allowVm(id: string, body: VmBody): void {
    checkVm(this.#view, body);
    checkAccountOfVm(this.#view, id, body);
  }

  /** Records an event of a VM. Throws `invalid_reference` if its amount does not fit the account's currency. */
  recordEvent(vm: string, request: EventRequest, by: string): Promise<Versioned<EventBody>> {
    return this.#write(async () => {
      checkEvent(this.#view, vm, request);
      const id = this.#newId();
      await this.#record('event', id, { vm, ...request, withdrawn: false } satisfies EventBody, by, undefined);
      return held(this.#view.events, id);
    });
  }

  /** Withdraws an event, which stays on record. Throws `event_unknown`. */
  withdrawEvent(vm: string, id: string, by: string): Promise<void> {
    return this.#write(async () => {
      const before = this.#view.events.get(id);
      if (before?.body.vm !== vm) throw new ProblemError('event_unknown', `VM ${vm} has no event ${id}`);
      await this.#record('event', id, { ...before.body, withdrawn: true }, by, before);
    });
  }

  /** Records an incident; `reported` is what the scope of an agent comes down to. Throws `invalid_reference`. */
  recordIncident(request: IncidentRequest, reported: IncidentBody['reported'], by: string): Promise<Versioned<IncidentBody>> {
    return this.#write(async () => {
      checkIncidentScope(this, request);
      const id = this.#newId();
      const recorded = { at: this.#options.now(), by };
      await this.#record('incident', id, { ...request, reported, recorded, withdrawn: null }, by, undefined);
      return held(this.#view.incidents, id);
    });
  }

  /** Withdraws an incident, which stays on record; once more changes nothing. Throws `incident_unknown`. */
  withdrawIncident(id: string, by: string): Promise<void> {
    return this.#write(async () => {
      const before = this.#view.incidents.get(id);
      if (before === undefined) throw new ProblemError('incident_unknown', `there is no incident ${id}`);
      if (before.body.withdrawn !== null) return;
      await this.#record('incident', id, { ...before.body, withdrawn: { at: this.#options.now(), by } }, by, before);
    });
  }

  /** Invoices, credit notes and what was paid, as they stand. */
  get books(): BooksView {
    return this.#view.books;
  }

  /**
   * Adds one entry to the books: a document, or what happened to one. `decide` sees the books as no other writer can change
   * them any more, so a number it gives is given once; the entry is one row, so number and body are there both or neither.
   * Undefined from `decide`: nothing is to be written. Whatever it throws is passed on.
   */
  async writeBooks(
    decide: (books: BooksView, nowMs: number, newId: () => string) => BooksEntry | undefined,
    by: string,
  ): Promise<string | undefined> {
    const written = await this.writeAllBooks((...given) => {
      const made = decide(...given);
      return made === undefined ? [] : [made];
    }, by);
    return written[0];
  }

  /**
   * The same for several entries, in one insert and in their order: where it is cut off, what is there are the first of them, so
   * numbers that ascend leave no gap. The ids of the entries.
   */
  writeAllBooks(decide: (books: BooksView, nowMs: number, newId: () => string) => BooksEntry[], by: string): Promise<string[]> {
    const { faults } = this.#options;
    return this.#write(async () => {
      const nowMs = this.#options.now();
      faults?.at('before-number');
      const made = decide(this.#view.books, nowMs, () => this.#newId());
      if (made.length === 0) return [];
      faults?.at('after-number');
      const first = this.#view.lastSeq + 1n;
      await this.#append(made.map((each, i) => ({ ...each, seq: first + BigInt(i), recordedAtMs: nowMs, recordedBy: by })));
      faults?.at('before-books-answer');
      return made.map(({ id }) => id);
    });
  }

  /** The latest version of a document in the books, as it was written. */
  async document(id: string, kind: 'invoice' | 'debit' = 'invoice'): Promise<Pick<Entry, 'seq' | 'body'> | undefined> {
    return readEntry(this.#options.store, kind, id);
  }

  /** Keeps a refund check for good, as it was answered; `text` makes its JSON text once its id and instant are known. */
  recordRefundCheck(text: (id: string, recordedAtMs: number) => string, by: string): Promise<string> {
    return this.#write(async () => {
      const id = this.#newId();
      const recordedAtMs = this.#options.now();
      const body = text(id, recordedAtMs);
      await this.#append([{ kind: 'refund_check', id, seq: this.#view.lastSeq + 1n, recordedAtMs, recordedBy: by, body }]);
      return body;
    });
  }

  /** The text of a refund check that was kept. Throws `refund_check_unknown`. */
  async refundCheck(id: string): Promise<string> {
    const entry = await readEntry(this.#options.store, 'refund_check', id);
    if (entry === undefined) throw new ProblemError('refund_check_unknown', `there is no refund check ${id}`);
    return entry.body;
  }

  /** Makes a key. Its text is in the answer and nowhere else. */
  createKey(request: KeyRequest, by: string): Promise<{ key: string; entry: Versioned<KeyBody> }> {
    return this.#write(async () => {
      const key = keyFromBytes(this.#options.randomBytes(32));
      const id = this.#newId();
      await this.#record('key', id, keyRow(request.role, request.name, request.vms, key), by, undefined);
      return { key, entry: held(this.#view.keys, id) };
    });
  }

  /** Revokes a key. Throws `key_unknown`, or `last_admin_key` when nobody could administer afterwards. */
  revokeKey(id: string, by: string): Promise<void> {
    return this.#write(async () => {
      const before = this.#view.keys.get(id);
      if (before === undefined || before.body.revoked) throw new ProblemError('key_unknown', `there is no key ${id}`);
      const admins = this.keys().filter((key) => key.body.role === 'admin');
      if (before.body.role === 'admin' && admins.length === 1) {
        throw new ProblemError('last_admin_key', `key ${id} is the last one of role admin`);
      }
      await this.#record('key', id, { ...before.body, revoked: true }, by, before);
    });
  }

  /**
   * Sees to it that there is an admin key: the one given, or else, when there is none yet, a new one, which is returned
   * to be shown once. A key that was ever revoked stays so, and one that is in force for something else is not made more of.
   * @param warn told, in a sentence, why the given key is not taken
   */
  bootstrapAdminKey(given: string | undefined, warn: (why: string) => void = () => undefined): Promise<string | undefined> {
    return this.#write(async () => {
      if (given === undefined && this.keys().some((key) => key.body.role === 'admin')) return undefined;
      const key = given ?? keyFromBytes(this.#options.randomBytes(32));
      const held = this.#view.keyRing.find(key);
      if (held?.role === 'admin') return undefined;
      const refusal =
        held === undefined
          ? await revocationOf(this.#options.store, digestOf(key).toString('hex'))
          : `it is key ${held.id} (${held.name}) of role ${held.role}`;
      if (refusal !== undefined) {
        warn(`UPTALLY_ADMIN_KEY is not in force: ${refusal}. Set another one, or none: the other admin keys stay as they are`);
        return undefined;
      }
      const id = this.#bootstrapId();
      await this.#record('key', id, keyRow('admin', 'admin', null, key), 'system', this.#view.keys.get(id));
      return given === undefined ? key : undefined;
    });
  }

  /** Where the environment's key is kept. Once revoked, an id is never given to another key: what it did is recorded by it. */
  #bootstrapId(): string {
    for (let n = 1; ; n++) {
      const id = n === 1 ? BOOTSTRAP_KEY_ID : `${BOOTSTRAP_KEY_ID}-${n}`;
      if (this.#view.keys.get(id)?.body.revoked !== true) return id;
    }
  }

  #newId(): string {
    return Buffer.from(this.#options.randomBytes(9)).toString('hex');
  }

  /** Writes one after another; one that another process has overtaken is done again, from the beginning, with what that one wrote. */
  #write<T>(work: () => Promise<T>): Promise<T> {
    if (this.#options.keysOnly === true) throw new Error('this process has read nothing of the catalog but its keys');
    const result = this.#writes.then(async () => {
      for (let turn = 0; turn < TURNS_MAX; turn += 1) {
        if (this.#uncertain) {
          await this.refresh();
          this.#uncertain = false;
        }
        try {
          return await work();
        } catch (error) {
          if (error !== OVERTAKEN) throw error;
          this.#uncertain = true;
        }
      }
      throw new StoreError('catalog_busy', 'other processes keep writing to the catalog', true);
    });
    this.#writes = result.catch(() => undefined);
    return result;
  }

  /** A refresh and a write may both come with an entry: what is not newer than the view is in it. */
  #apply(entry: Entry): void {
    if (entry.seq > this.#view.lastSeq) this.#view.apply(entry);
  }

  async #record(kind: Kind, id: string, body: object, by: string, before: Versioned<object> | undefined): Promise<void> {
    const json = JSON.stringify(body);
    if (before !== undefined && JSON.stringify(before.body) === json) return;
    const seq = this.#view.lastSeq + 1n;
    await this.#append([{ kind, id, seq, recordedAtMs: this.#options.now(), recordedBy: by, body: json }]);
  }

  async #append(entries: readonly Entry[]): Promise<void> {
    const { store, shared } = this.#options;
    let written = true;
    try {
      if (shared === true) written = await claimEntries(store, entries);
      else await insertEntries(store, entries);
    } catch (error) {
      this.#uncertain = true;
      throw error;
    }
    if (!written) throw OVERTAKEN;
    for (const entry of entries) this.#apply(entry);
    for (const { kind, id, seq } of entries) await this.#onChange({ kind, id, seq });
  }
}

/** Thrown within a write only: another process has written the entry that we were about to. */
const OVERTAKEN = new Error('overtaken');

function keyRow(role: KeyBody['role'], name: string, vms: string[] | null, key: string): KeyBody {
  return { role, name, vms, digest: digestOf(key).toString('hex'), revoked: false };
}

function decidedBy<T extends object>(body: Decided<T>, before: Versioned<T> | undefined): T {
  return typeof body === 'function' ? body(before) : body;
}

function held<T>(map: ReadonlyMap<string, Versioned<T>>, id: string): Versioned<T> {
  const found = map.get(id);
  if (found === undefined) throw new Error(`${id} was recorded and is not in the view`);
  return found;
}
