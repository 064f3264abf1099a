/** Links into the portal: made for one account, exchanged once for a session that reads, and over soon. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Key } from '../catalog/keys.ts';
import type { Draft, Entry } from '../journal/entry.ts';
import type { Journal, Projection } from '../journal/journal.ts';
import { ProblemError } from '../problems/problem.ts';
import { type Holder, type SessionBook, SESSION_MS } from './session-book.ts';

/** Links of one account that are to be used yet; the oldest goes when another is made. */
export const LINKS_OF_ACCOUNT_MAX = 100;
/** What the ids of holders begin with that are links, not keys. */
const HOLDER = 'link:';
const TOKEN_BYTES = 32;
const TOKEN_PREFIX = 'upl_';
const KIND = 'portal_link';

const linkBody = z.strictObject({
  /** SHA-256 of the token, in hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  account: z.string(),
  vms: z.array(z.string()).nullable(),
  /** The id of the key that made it: with that one it is over. */
  key: z.string(),
  made_at: z.int(),
  made_by: z.string(),
  /** ms: it is exchanged before then. */
  until: z.int(),
  used_at: z.int().nullable(),
  revoked_at: z.int().nullable(),
});
export interface PortalLink extends z.infer<typeof linkBody> {
  readonly id: string;
}

export interface LinkRequest {
  readonly account: string;
  readonly vms: string[] | null;
  readonly expiresInMs: number;
}

/** Links that can be used yet, or whose session may not be over, by all entries so far. */
export class PortalLinks implements Projection {
  readonly reading = { [KIND]: 'whole' } as const;
  readonly #journal: Journal;
  readonly #isKeyInForce: (id: string) => boolean;
  readonly #byId = new Map<string, PortalLink>();
  readonly #byDigest = new Map<string, string>();

  constructor(journal: Journal, isKeyInForce: (id: string) => boolean) {
    this.#journal = journal;
    this.#isKeyInForce = isKeyInForce;
  }

  apply({ id, body, recordedAtMs }: Entry): void {
    const link = { id, ...linkBody.parse(JSON.parse(body)) };
    this.#byId.delete(id);
    this.#byId.set(id, link);
    this.#byDigest.set(link.digest, id);
    for (const [old, { digest, until }] of this.#byId) {
      if (until + SESSION_MS > recordedAtMs) break;
      this.#byId.delete(old);
      this.#byDigest.delete(digest);
    }
  }

  /** Links of an account, the newest last: those that can be used yet, and those whose session may go on. */
  of(account: string): PortalLink[] {
    return [...this.#byId.values()].filter((link) => link.account === account).sort((a, b) => a.made_at - b.made_at);
  }

  /** The id of a token's link, whatever its state. */
  idOf(token: string): string | undefined {
    return this.#byDigest.get(digestOf(token));
  }

  stateOf({ key, until, used_at: usedAt, revoked_at: revokedAt }: PortalLink): 'open' | 'used' | 'expired' | 'revoked' {
    if (revokedAt !== null || !this.#isKeyInForce(key)) return 'revoked';
    if (usedAt !== null) return 'used';
    return this.#journal.nowMs() < until ? 'open' : 'expired';
  }

  /** Whose a session of a link is: a customer that only reads. Undefined for the id of no link, or of one that was revoked. */
  holder(id: string): Holder | undefined {
    const link = id.startsWith(HOLDER) ? this.#byId.get(id.slice(HOLDER.length)) : undefined;
    if (link === undefined || this.stateOf(link) === 'revoked') return undefined;
    return {
      ...{ id, name: 'portal', role: 'customer', account: link.account, vms: link.vms, readsOnly: true },
      expiresAtMs: undefined,
    };
  }

  /** Makes a link. Its token is in the answer and nowhere else. */
  async make(asked: LinkRequest, key: Pick<Key, 'id'>, by: string): Promise<{ token: string; link: PortalLink }> {
    const token = TOKEN_PREFIX + Buffer.from(this.#journal.random(TOKEN_BYTES)).toString('base64url');
    const id = this.#journal.newId();
    await this.#journal.write(by, (nowMs) => {
      const open = this.of(asked.account).filter((each) => this.stateOf(each) === 'open');
      const over = open.slice(0, Math.max(0, open.length + 1 - LINKS_OF_ACCOUNT_MAX));
      const link: PortalLink = {
        ...{ id, digest: digestOf(token), account: asked.account, vms: asked.vms, key: key.id },
        ...{ made_at: nowMs, made_by: by, until: nowMs + asked.expiresInMs, used_at: null, revoked_at: null },
      };
      return [...over.map((each) => draftOf({ ...each, revoked_at: nowMs })), draftOf(link)];
    });
    const link = this.#byId.get(id);
    if (link === undefined) throw new Error(`link ${id} was recorded and is not there`);
    return { token, link };
  }

  /** Exchanges a token for a session, once: both are in one insert. Throws `unauthorized`. */
  exchange(token: string, sessions: SessionBook): ReturnType<SessionBook['begin']> {
    const id = this.#byDigest.get(digestOf(token));
    const holder = id === undefined ? undefined : this.holder(HOLDER + id);
    if (holder === undefined) return Promise.reject(refusal());
    return sessions.begin(holder, `${holder.name}#${holder.id}`, (nowMs) => {
      const link = id === undefined ? undefined : this.#byId.get(id);
      if (link === undefined || this.stateOf(link) !== 'open') throw refusal();
      return [draftOf({ ...link, used_at: nowMs })];
    });
  }

  /** Revokes a link of an account, and the session that it was exchanged for. Throws `portal_link_unknown`. */
  async revoke(account: string, id: string, by: string): Promise<void> {
    await this.#journal.write(by, (nowMs) => {
      const link = this.#byId.get(id);
      if (link?.account !== account) throw new ProblemError('portal_link_unknown', `account ${account} has no portal link ${id}`);
      return link.revoked_at === null ? [draftOf({ ...link, revoked_at: nowMs })] : [];
    });
  }
}

function refusal(): ProblemError {
  return new ProblemError('unauthorized', 'the link is not valid: it was used, or revoked, or is too old');
}

function draftOf({ id, ...body }: PortalLink): Draft {
  return { kind: KIND, id, body: JSON.stringify(body) };
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
