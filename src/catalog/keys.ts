import { hash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { identifier } from '../domain/plan.ts';
import { instant } from '../domain/shapes.ts';
import { vmPattern } from '../samples/names.ts';

export const KEY_ROLES = ['agent', 'billing', 'read', 'admin', 'customer'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

const KEY_PREFIX = 'upt_';
const KEY_BYTES = 32;
const KEY_LENGTH_MAX = 256;

/**
 * The body of `POST /v1/keys` (SPEC §7): an agent names the VMs it may post for, and a customer its account and, if it is not to see all of
 * them, VMs. The other roles may send `vms` as well, whatever it holds, an empty list or null too: it limits posting, which a billing key never may
 * and an admin key always may, so nothing of it is kept.
 */
export const keyRequest = z
  .strictObject({
    role: z.enum(KEY_ROLES),
    name: identifier,
    vms: z
      .array(vmPattern)
      .max(64)
      .nullable()
      .default(null)
      .describe(
        'Patterns of the VMs that a key of role agent may post for, or one of role customer sees; null: a customer sees all of its own.',
      ),
    account: identifier.nullable().default(null).describe('Whose customer a key of role customer is of; of no other role.'),
    expires_at: instant
      .nullable()
      .default(null)
      .describe('From then on the key is not in force; null or left out: it does not expire.'),
  })
  .refine((key) => key.role !== 'agent' || (key.vms?.length ?? 0) > 0, {
    path: ['vms'],
    message: 'must name at least one VM or pattern for the role agent',
  })
  .refine((key) => key.role !== 'customer' || key.vms === null || key.vms.length > 0, {
    path: ['vms'],
    message: 'must name at least one VM or pattern, or be left out: then it is all of the account',
  })
  .refine((key) => (key.role === 'customer') === (key.account !== null), {
    path: ['account'],
    message: 'must name an account for the role customer, and for no other',
  })
  .transform(({ account, ...key }) => ({
    ...key,
    vms: key.role === 'agent' || key.role === 'customer' ? key.vms : null,
    ...(account === null ? {} : { account }),
  }))
  .meta({
    if: { properties: { role: { const: 'agent' } } },
    then: { required: ['vms'], properties: { vms: { type: 'array', minItems: 1 } } },
  });
export type KeyRequest = z.infer<typeof keyRequest>;

/** What is stored of a key: never the key. */
export const keyBody = z.strictObject({
  role: z.enum(KEY_ROLES),
  name: z.string(),
  /** Patterns; null: the role posts no samples, or a customer sees all of its account. */
  vms: z.array(z.string()).nullable(),
  /** Of role customer alone. */
  account: z.string().optional(),
  /** SHA-256 in hex. A key has 256 random bits, so a slow hash would add nothing. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  revoked: z.boolean(),
  /** ms; left out: it does not expire, as keys of before. */
  expires_at: z.int().optional(),
  /** Of a key that was changed since it was made: when that was, and by whom; left out by versions before. */
  created: z.strictObject({ at: z.int(), by: z.string() }).optional(),
  /** Of a key that was rotated: the text before, which is in force as well until then (ms). */
  previous: z.strictObject({ digest: z.string().regex(/^[0-9a-f]{64}$/), until: z.int() }).optional(),
});
export type KeyBody = z.infer<typeof keyBody>;

/** Who sent a request. */
export interface Key {
  id: string;
  name: string;
  role: KeyRole;
  vms: readonly string[] | null;
  account?: string;
  /** It changes nothing, whatever its role may. */
  readsOnly?: true;
}

/** The key that a body is kept of. */
export function keyOfBody(id: string, { name, role, vms, account }: KeyBody): Key {
  return { id, name, role, vms, ...(account === undefined ? {} : { account }) };
}

/** A new key from 32 random bytes of the caller's. */
export function keyFromBytes(bytes: Uint8Array): string {
  if (bytes.length !== KEY_BYTES) throw new Error(`a key is made of ${KEY_BYTES} bytes`);
  return KEY_PREFIX + Buffer.from(bytes).toString('base64url');
}

export function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/** A text of a key, by its digest, and until when it is one. */
interface Held {
  readonly key: Key;
  readonly digest: Buffer;
  readonly untilMs: number;
}

/** The keys in force, found by what a client sends. */
export class KeyRing {
  /** By the digest's first 8 bytes, which say nothing useful about the key; the whole digest is compared in constant time. */
  readonly #byPrefix = new Map<string, Held[]>();
  readonly #byId = new Map<string, string[]>();
  /** What was found, by what was presented: only keys in force get in, and any change of them empties it. */
  readonly #found = new Map<string, Held>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs;
  }

  /** Adds, replaces or (when revoked) removes a key. */
  set(id: string, body: KeyBody): void {
    this.#remove(id);
    this.#found.clear();
    if (body.revoked) return;
    const key = keyOfBody(id, body);
    this.#hold({ key, digest: Buffer.from(body.digest, 'hex'), untilMs: Infinity });
    if (body.previous !== undefined)
      this.#hold({ key, digest: Buffer.from(body.previous.digest, 'hex'), untilMs: body.previous.until });
  }

  #hold(held: Held): void {
    const prefix = prefixOf(held.digest);
    this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), held]);
    this.#byId.set(held.key.id, [...(this.#byId.get(held.key.id) ?? []), prefix]);
  }

  /** The key that a client presented, undefined if it is not in force. */
  find(presented: string): Key | undefined {
    if (presented.length > KEY_LENGTH_MAX) return undefined;
    const known = this.#found.get(presented) ?? this.#lookUp(presented);
    return known !== undefined && this.#nowMs() < known.untilMs ? known.key : undefined;
  }

  #lookUp(presented: string): Held | undefined {
    const digest = digestOf(presented);
    const found = this.#byPrefix.get(prefixOf(digest))?.find((held) => timingSafeEqual(held.digest, digest));
    if (found !== undefined) this.#found.set(presented, found);
    return found;
  }

  #remove(id: string): void {
    for (const prefix of this.#byId.get(id) ?? []) {
      const rest = (this.#byPrefix.get(prefix) ?? []).filter((held) => held.key.id !== id);
      if (rest.length === 0) this.#byPrefix.delete(prefix);
      else this.#byPrefix.set(prefix, rest);
    }
    this.#byId.delete(id);
  }
}

function prefixOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 8);
}
