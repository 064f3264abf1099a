import { formatInstant } from '../domain/instant.ts';
import type { Draft, Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { fieldProblem } from '../problems/field-problems.ts';
import { ProblemError } from '../problems/problem.ts';
import type { Store } from '../store/store.ts';
import { digestOf, type Key, keyBody, type KeyBody, keyFromBytes, keyOfBody, type KeyRequest, KeyRing } from './keys.ts';
import { held, type Versioned, versionOf } from './versioned.ts';

/** The id under which the key of UPTALLY_ADMIN_KEY, or the one made at first start, is kept; after a revocation a number follows. */
const BOOTSTRAP_KEY_ID = 'bootstrap';

/** A key that is to be made; one without `expires_at` does not expire. */
type NewKey = Omit<KeyRequest, 'expires_at' | 'account'> & Partial<Pick<KeyRequest, 'expires_at' | 'account'>>;

/** A key, and until when it is in force. */
interface KeyThatLasts extends Key {
  readonly expiresAtMs: number | undefined;
}

/** Who may call the API. */
export class KeyRegistry implements Projection {
  readonly reading = { key: 'whole' } as const;
  readonly #journal: Journal;
  readonly #keys = new Map<string, Versioned<KeyBody>>();
  readonly #ring: KeyRing;
  /** Called when a key was made or revoked, by whichever process, before the one who did it hears that it is done: what remembers keys forgets them. */
  onChange: () => void = () => undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#ring = new KeyRing(() => journal.nowMs());
  }

  apply(entry: Entry): void {
    const body = keyBody.parse(JSON.parse(entry.body));
    this.#keys.set(entry.id, versionOf(entry, body));
    this.#ring.set(entry.id, body);
    this.onChange();
  }

  /** Keys in force, by id. */
  all(): Versioned<KeyBody>[] {
    return [...this.#keys.values()].filter(({ body }) => this.#isInForce(body)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** All keys that there are or were: those in force, expired and revoked ones, by id. */
  everOne(): Versioned<KeyBody>[] {
    return [...this.#keys.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The key that a client presented, undefined if it is not in force. */
  findKey(presented: string): Key | undefined {
    const key = this.#ring.find(presented);
    return key !== undefined && this.#isInForce(this.#keys.get(key.id)?.body) ? key : undefined;
  }

  #isInForce(body: KeyBody | undefined): boolean {
    return body?.revoked === false && (body.expires_at === undefined || this.#journal.nowMs() < body.expires_at);
  }

  /** The key of this id, undefined if it is not in force. */
  keyInForce(id: string): KeyThatLasts | undefined {
    const body = this.#keys.get(id)?.body;
    if (body === undefined || !this.#isInForce(body)) return undefined;
    return { ...keyOfBody(id, body), expiresAtMs: body.expires_at };
  }

  /** Makes a key. Its text is in the answer and nowhere else. Throws `invalid_body` for one that is never in force. */
  async create(request: NewKey, by: string): Promise<{ key: string; entry: Versioned<KeyBody> }> {
    const expiresAt = request.expires_at ?? null;
    if (expiresAt !== null && expiresAt <= this.#journal.nowMs())
      throw fieldProblem('invalid_body', [{ field: 'expires_at', message: 'is in the past' }]);
    const key = keyFromBytes(this.#journal.random(32));
    const id = this.#journal.newId();
    await this.#journal.write(by, () => [
      draftOf(id, {
        ...keyRow(request.role, request.name, request.vms, key),
        ...(expiresAt === null ? {} : { expires_at: expiresAt }),
        ...(request.account === undefined ? {} : { account: request.account }),
      }),
    ]);
    return { key, entry: held(this.#keys, id) };
  }

  /** Revokes a key. Throws `key_unknown`, or `last_admin_key` when nobody could administer afterwards. */
  async revoke(id: string, by: string): Promise<void> {
    await this.#journal.write(by, () => {
      const before = this.#keys.get(id);
      if (before === undefined || !this.#isInForce(before.body)) throw new ProblemError('key_unknown', `there is no key ${id}`);
      // one that expires administers for a while only
      const admins = this.all().filter(({ body }) => body.role === 'admin' && body.expires_at === undefined);
      if (admins.length === 1 && admins[0]?.id === id) {
        throw new ProblemError('last_admin_key', `key ${id} is the last one of role admin that does not expire`);
      }
      return [draftOf(id, { ...withoutPrevious(before.body), revoked: true, created: createdOf(before) })];
    });
  }

  /**
   * Gives a key another text; the one before is in force as well for as long as `overlapMs` says, so that whoever has it can be given the new one. The
   * new text is in the answer and nowhere else. Throws `key_unknown`.
   */
  async rotate(id: string, overlapMs: number, by: string): Promise<{ key: string; entry: Versioned<KeyBody> }> {
    const key = keyFromBytes(this.#journal.random(32));
    await this.#journal.write(by, (nowMs) => {
      const before = this.#keys.get(id);
      if (before === undefined || !this.#isInForce(before.body)) throw new ProblemError('key_unknown', `there is no key ${id}`);
      const { digest } = before.body;
      return [
        draftOf(id, {
          ...before.body,
          ...{ digest: digestOf(key).toString('hex'), created: createdOf(before) },
          previous: { digest, until: nowMs + overlapMs },
        }),
      ];
    });
    return { key, entry: held(this.#keys, id) };
  }

  /**
   * Sees to it that there is an admin key: the one given, or else, when there is none yet, a new one, which is returned
   * to be shown once. A key that was ever revoked stays so, and one that is in force for something else is not made more of.
   * @param warn told, in a sentence, why the given key is not taken
   */
  async bootstrapAdmin(given: string | undefined, warn: (why: string) => void = () => undefined): Promise<string | undefined> {
    let made: string | undefined;
    await this.#journal.write('system', async () => {
      made = undefined;
      if (given === undefined && this.all().some(({ body }) => body.role === 'admin' && body.expires_at === undefined)) return [];
      const key = given ?? keyFromBytes(this.#journal.random(32));
      const known = this.findKey(key);
      if (known?.role === 'admin') return [];
      const refusal =
        known === undefined
          ? await revocationOf(this.#journal.store, digestOf(key).toString('hex'))
          : `it is key ${known.id} (${known.name}) of role ${known.role}`;
      if (refusal !== undefined) {
        warn(`UPTALLY_ADMIN_KEY is not in force: ${refusal}. Set another one, or none: the other admin keys stay as they are`);
        return [];
      }
      if (given === undefined) made = key;
      return [draftOf(this.#bootstrapId(), keyRow('admin', 'admin', null, key))];
    });
    return made;
  }

  /** Where the environment's key is kept. Once revoked, an id is never given to another key: what it did is recorded by it. */
  #bootstrapId(): string {
    for (let n = 1; ; n++) {
      const id = n === 1 ? BOOTSTRAP_KEY_ID : `${BOOTSTRAP_KEY_ID}-${n}`;
      if (this.#keys.get(id)?.body.revoked !== true) return id;
    }
  }
}

function withoutPrevious(body: KeyBody): KeyBody {
  const rest = { ...body };
  delete rest.previous;
  return rest;
}

/** When a key was made, and by whom. */
export function createdOf({ body, recordedAtMs, recordedBy }: Versioned<KeyBody>): { at: number; by: string } {
  return body.created ?? { at: recordedAtMs, by: recordedBy };
}

function draftOf(id: string, body: KeyBody): Draft {
  return { kind: 'key', id, body: JSON.stringify(body) };
}

function keyRow(role: KeyBody['role'], name: string, vms: string[] | null, key: string): KeyBody {
  return { role, name, vms, digest: digestOf(key).toString('hex'), revoked: false };
}

/** When and by whom the key of this digest was first revoked, in words; undefined if it never was. Every version on record counts. */
async function revocationOf(store: Store, digest: string): Promise<string | undefined> {
  const [row] = await store.rows<{ name: string; at: string; by: string; revoked: number }>(
    `SELECT id AS name, toUnixTimestamp64Milli(recorded_at) AS at, recorded_by AS by,
            JSONExtractBool(body, 'revoked') AS revoked FROM catalog
     WHERE kind = 'key' AND JSONExtractString(body, 'digest') = {digest:String} AND JSONExtractBool(body, 'revoked') OR kind = 'key' AND JSONExtractString(body, 'previous', 'digest') = {digest:String} ORDER BY seq LIMIT 1`,
    { digest },
  );
  return row === undefined
    ? undefined
    : `it was key ${row.name}, ${row.revoked === 0 ? 'rotated' : 'revoked'} on ${formatInstant(Number(row.at))} by ${row.by}`;
}
