/** Sessions of people at a page: begun with a key, shown again by a cookie that only the browser sees, and over with the key. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Key } from '../catalog/keys.ts';
import type { Draft, Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';

/** How long a session lasts, unless its key is over before. */
export const SESSION_MS = 12 * 3_600_000;
/** Sessions of one key at once; the oldest goes when another begins. */
export const SESSIONS_OF_KEY_MAX = 100;
const TOKEN_BYTES = 32;
const TOKEN_FORM = /^[A-Za-z0-9_-]{43}$/;
const KIND = 'session';

const sessionBody = z.strictObject({
  /** SHA-256 of the token, in hex: the token is with the browser alone. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  key: z.string(),
  /** ms */
  until: z.int(),
  ended: z.boolean(),
});

/** What is known of a session. */
export interface Session {
  readonly id: string;
  readonly digest: string;
  /** The id of its key, or of its link. */
  readonly key: string;
  readonly untilMs: number;
}

/** Whose a session is: a key's, or a link's. */
export interface Holder extends Key {
  readonly expiresAtMs: number | undefined;
}

/** The holder of an id, if it is in force. */
export type HolderById = (id: string) => Holder | undefined;

/** The sessions that are not over, by all entries so far. */
export class SessionBook implements Projection {
  readonly reading = { [KIND]: 'whole' } as const;
  readonly #journal: Journal;
  readonly #keyById: HolderById;
  /** In the order in which they began, which is that in which they end, but for those whose key ends them before. */
  readonly #byId = new Map<string, Session>();
  readonly #byDigest = new Map<string, Session>();
  readonly #ofKey = new Map<string, Set<string>>();

  constructor(journal: Journal, keyById: HolderById) {
    this.#journal = journal;
    this.#keyById = keyById;
  }

  apply({ id, body, recordedAtMs }: Entry): void {
    const { digest, key, until, ended } = sessionBody.parse(JSON.parse(body));
    this.#drop(id);
    for (const [old, { untilMs }] of this.#byId) {
      if (untilMs > recordedAtMs) break;
      this.#drop(old);
    }
    if (ended) return;
    const session: Session = { id, digest, key, untilMs: until };
    this.#byId.set(id, session);
    this.#byDigest.set(digest, session);
    const own = this.#ofKey.get(key) ?? new Set();
    this.#ofKey.set(key, own.add(id));
  }

  /** The session of a token, undefined if there is none in force. The token is looked for by its digest, so the time that it takes tells nothing of it. */
  findSession(token: string): { id: string; untilMs: number; key: Key } | undefined {
    const session = TOKEN_FORM.test(token) ? this.#byDigest.get(digestOf(token)) : undefined;
    if (session === undefined || !this.isInForce(session.id)) return undefined;
    const key = this.#keyById(session.key);
    return key === undefined ? undefined : { id: session.id, untilMs: session.untilMs, key };
  }

  isInForce(id: string): boolean {
    const session = this.#byId.get(id);
    return session !== undefined && this.#journal.nowMs() < session.untilMs && this.#keyById(session.key) !== undefined;
  }

  /** How many are kept in memory. */
  get size(): number {
    return this.#byId.size;
  }

  /**
   * Begins a session. The token is in the answer and nowhere else. Throws `unauthorized` where the key has gone meanwhile.
   * @param besides what is recorded in the same insert, or why not
   */
  async begin(
    key: Pick<Key, 'id'>,
    by: string,
    besides: (nowMs: number) => readonly Draft[] = () => [],
  ): Promise<{ token: string; session: Session; secondsLeft: number }> {
    const token = Buffer.from(this.#journal.random(TOKEN_BYTES)).toString('base64url');
    const id = this.#journal.newId();
    await this.#journal.write(by, (nowMs) => {
      const held = this.#keyById(key.id);
      if (held === undefined) throw new ProblemError('unauthorized', 'the key is not valid');
      const until = Math.min(nowMs + SESSION_MS, held.expiresAtMs ?? Infinity);
      const before = [...(this.#ofKey.get(key.id) ?? [])].flatMap((each) => this.#byId.get(each) ?? []);
      const over = before.slice(0, Math.max(0, before.length + 1 - SESSIONS_OF_KEY_MAX));
      return [
        ...besides(nowMs),
        ...over.map((each) => draftOf(each, true)),
        draftOf({ id, digest: digestOf(token), key: key.id, untilMs: until }, false),
      ];
    });
    const session = this.#byId.get(id);
    if (session === undefined) throw new Error(`session ${id} was recorded and is not there`);
    return { token, session, secondsLeft: Math.floor((session.untilMs - this.#journal.nowMs()) / 1000) };
  }

  /** Ends a session; one that is over stays so. */
  async end(id: string, by: string): Promise<void> {
    await this.#journal.write(by, () => {
      const session = this.#byId.get(id);
      return session === undefined ? [] : [draftOf(session, true)];
    });
  }

  #drop(id: string): void {
    const session = this.#byId.get(id);
    if (session === undefined) return;
    this.#byId.delete(id);
    this.#byDigest.delete(session.digest);
    const own = this.#ofKey.get(session.key);
    own?.delete(id);
    if (own?.size === 0) this.#ofKey.delete(session.key);
  }
}

function draftOf({ id, digest, key, untilMs }: Session, ended: boolean): Draft {
  return { kind: KIND, id, body: JSON.stringify({ digest, key, until: untilMs, ended }) };
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
