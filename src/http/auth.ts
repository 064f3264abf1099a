import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';
import type { WrongKeys } from './wrong-keys.ts';
import { refuseOtherPages, sessionToken } from './cookie.ts';
import type { Key, KeyRole, KeysInForce, SessionInForce, SessionsInForce } from './keys.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; null where no key is needed. */
    key: Key | null;
    /** Where it came from: as the connection says, or the worker that has it. */
    address: string;
    /** The session that it came with; null where it bore a key itself. */
    session: Pick<SessionInForce, 'id' | 'untilMs'> | null;
  }
}

/** An onRequest hook: it runs before a body is read, so nothing is buffered for a stranger. */
export type KeyHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** Makes hooks that want a key of one of these roles. */
export type RequireRole = (...roles: KeyRole[]) => KeyHook;
/** The same of a key that is spelled in one of these ways, and of no session. */
export type RequireKey = (spellings: readonly KeySpelling[], ...roles: KeyRole[]) => KeyHook;
/** How calls ask for keys: those of the API take sessions as well. */
export interface KeyChecks {
  readonly requireKey: RequireKey;
  readonly requireRole: RequireRole;
}

/** Ways to write a key into `Authorization`: each is some protocol's own. */
const SPELLINGS = {
  bearer: { example: 'Bearer KEY', challenge: 'Bearer realm="uptally"', read: /^Bearer +([\x21-\x7e]+)$/i },
  token: { example: 'Token KEY', challenge: 'Token realm="uptally"', read: /^Token +([\x21-\x7e]+)$/i },
  basic: { example: 'Basic base64(ANY:KEY)', challenge: 'Basic realm="uptally"', read: /^Basic +([A-Za-z0-9+/]+={0,2})$/i },
} as const;
export type KeySpelling = keyof typeof SPELLINGS;

/** How calls of the API take a key. */
export const BEARER: readonly KeySpelling[] = ['bearer'];

function challengeOf(spellings: readonly KeySpelling[]): Readonly<Record<string, string>> {
  return { 'www-authenticate': spellings.map((spelling) => SPELLINGS[spelling].challenge).join(', ') };
}

export interface KeyCheckParts {
  readonly keys: Pick<KeysInForce, 'findKey'>;
  /** Left out: the process knows no sessions. */
  readonly sessions?: Pick<SessionsInForce, 'findSession'> | undefined;
  /** Left out: an address may show as many wrong ones as it likes. */
  readonly wrongKeys?: WrongKeys | undefined;
  /** Awaited once, with what was presented, before a key is turned away. */
  readonly onUnknownKey?: ((presented: string) => Promise<void>) | undefined;
}

/** Makes the hooks: each sets `request.key`, and `request.session` where it came with one, or throws `unauthorized`, `forbidden` or `other_page`. */
export function keyChecks({ keys, sessions, wrongKeys, onUnknownKey = () => Promise.resolve() }: KeyCheckParts): KeyChecks {
  const requireKey: RequireKey =
    (spellings, ...roles) =>
    async (request) => {
      const presented = presentedKey(request, spellings);
      if (presented === undefined)
        throw new ProblemError(
          'unauthorized',
          `the request has no Authorization: ${spellings.map((spelling) => SPELLINGS[spelling].example).join(' or ')}`,
          {},
          challengeOf(spellings),
        );
      let key = keys.findKey(presented);
      if (key === undefined) {
        await onUnknownKey(presented);
        key = keys.findKey(presented);
      }
      wrongKeys?.judge(request.address, key?.id, presented);
      if (key === undefined) throw invalidKey(spellings);
      allowRole(request, key, roles);
    };
  const requireRole: RequireRole = (...roles) => {
    const byKey = requireKey(BEARER, ...roles);
    return async (request, reply) => {
      const shown = presentedKey(request);
      const borne = shown === undefined ? undefined : sessions?.findSession(shown);
      // no other page can send it, and one that was stolen reads for some hours
      if (borne?.key.readsOnly === true) {
        allowRole(request, borne.key, roles);
        request.session = borne;
        return;
      }
      const token = request.headers.authorization === undefined ? sessionToken(request) : undefined;
      if (token === undefined || sessions === undefined) {
        await byKey(request, reply);
        return;
      }
      const session = sessions.findSession(token);
      wrongKeys?.judge(request.address, session?.key.id, token);
      if (session === undefined) throw new ProblemError('unauthorized', 'the session is over', {}, challengeOf(BEARER));
      refuseOtherPages(request);
      allowRole(request, session.key, roles);
      request.session = session;
    };
  };
  return { requireKey, requireRole };
}

function allowRole(request: FastifyRequest, key: Key, roles: readonly KeyRole[]): void {
  const allowed = rolesFor(request.method, roles);
  if (!allowed.includes(key.role))
    throw new ProblemError('forbidden', `a key of role ${key.role} may not do this; it takes ${allowed.join(' or ')}`);
  // what a key of role read may do changes nothing
  if (key.readsOnly === true && !allowed.includes('read'))
    throw new ProblemError('forbidden', 'a session of a portal link only reads');
  request.key = key;
}

/** Who may make a call: whoever reads may read what a biller may. */
export function rolesFor(method: string, roles: readonly KeyRole[]): readonly KeyRole[] {
  const isReading = method === 'GET' || method === 'HEAD';
  return isReading && roles.includes('billing') && !roles.includes('read') ? [...roles, 'read'] : roles;
}

/** The key that a request shows, good or not; who asks by name and password has it as the password, under any name. */
export function presentedKey(
  { headers }: Pick<FastifyRequest, 'headers'>,
  spellings: readonly KeySpelling[] = BEARER,
): string | undefined {
  for (const spelling of spellings) {
    const written = SPELLINGS[spelling].read.exec(headers.authorization ?? '')?.[1];
    if (written === undefined) continue;
    if (spelling !== 'basic') return written;
    const pair = Buffer.from(written, 'base64').toString('latin1');
    const key = pair.slice(pair.indexOf(':') + 1);
    return pair.includes(':') && /^[\x21-\x7e]+$/.test(key) ? key : undefined;
  }
  return undefined;
}

/** A body that took longer than this to arrive may have outlived its key in another process. */
const BODY_SOON_MS = 1000;

/**
 * Looks at the key once more when the body is there, which may be a minute after the headers were: who lost the key meanwhile changes nothing.
 * @param freshen sees what other processes have recorded
 */
export function checkKeyAgain(
  app: FastifyInstance,
  { keys, sessions }: { keys: Pick<KeysInForce, 'keyInForce'>; sessions?: Pick<SessionsInForce, 'isInForce'> | undefined },
  freshen?: (request: FastifyRequest) => Promise<void>,
): void {
  const isInForce = ({ key, session }: FastifyRequest): boolean => {
    if (key === null) return true;
    return session === null ? keys.keyInForce(key.id) !== undefined : sessions?.isInForce(session.id) === true;
  };
  app.addHook('preHandler', (request, reply, done) => {
    const check = (): void => {
      done(isInForce(request) ? undefined : invalidKey());
    };
    if (freshen === undefined || request.key === null || reply.elapsedTime < BODY_SOON_MS) check();
    else freshen(request).then(check, done);
  });
}

/** What the holder of a key that is not in force is told. */
export function invalidKey(spellings: readonly KeySpelling[] = BEARER): ProblemError {
  return new ProblemError('unauthorized', 'the key is not valid', {}, challengeOf(spellings));
}

/** The key that a hook of `requireKey` has checked. */
export function keyOf(request: FastifyRequest): Key {
  if (request.key === null) throw new Error(`${request.url} was served without a key`);
  return request.key;
}

/**
 * Who does what is recorded: the key's name, for people, and its id, which no other key has ever had or will have (a name may be given to many).
 */
export function recorderOf(request: FastifyRequest): string {
  const { name, id } = keyOf(request);
  return `${name}#${id}`;
}
