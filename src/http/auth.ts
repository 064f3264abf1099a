import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';
import type { Key, KeyRole, KeysInForce } from './keys.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; null where no key is needed. */
    key: Key | null;
  }
}

/** An onRequest hook: it runs before a body is read, so nothing is buffered for a stranger. */
export type RequireRole = (...roles: KeyRole[]) => (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

const CHALLENGE = { 'www-authenticate': 'Bearer realm="uptally"' };

/**
 * Makes `requireRole`: the hook sets `request.key`, or throws `unauthorized` or `forbidden`.
 * @param onUnknownKey awaited once, with what was presented, before a key is turned away
 */
export function roleCheck(
  keys: Pick<KeysInForce, 'findKey'>,
  onUnknownKey: (presented: string) => Promise<void> = () => Promise.resolve(),
): RequireRole {
  return (...roles) =>
    async (request) => {
      const presented = presentedKey(request);
      if (presented === undefined)
        throw new ProblemError('unauthorized', 'the request has no Authorization: Bearer KEY', {}, CHALLENGE);
      let key = keys.findKey(presented);
      if (key === undefined) {
        await onUnknownKey(presented);
        key = keys.findKey(presented);
      }
      if (key === undefined) throw invalidKey();
      if (!roles.includes(key.role))
        throw new ProblemError('forbidden', `a key of role ${key.role} may not do this; it takes ${roles.join(' or ')}`);
      request.key = key;
    };
}

/** The key that a request shows, good or not. */
export function presentedKey({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** A body that took longer than this to arrive may have outlived its key in another process. */
const BODY_SOON_MS = 1000;

/**
 * Looks at the key once more when the body is there, which may be a minute after the headers were: who lost the key meanwhile changes nothing.
 * @param freshen sees what other processes have recorded
 */
export function checkKeyAgain(
  app: FastifyInstance,
  keys: Pick<KeysInForce, 'keyInForce'>,
  freshen?: (request: FastifyRequest) => Promise<void>,
): void {
  app.addHook('preHandler', (request, reply, done) => {
    const check = (): void => {
      done(request.key === null || keys.keyInForce(request.key.id) !== undefined ? undefined : invalidKey());
    };
    if (freshen === undefined || request.key === null || reply.elapsedTime < BODY_SOON_MS) check();
    else freshen(request).then(check, done);
  });
}

/** What the holder of a key that is not in force is told. */
export function invalidKey(): ProblemError {
  return new ProblemError('unauthorized', 'the key is not valid', {}, CHALLENGE);
}

/** The key that a hook of `requireRole` has checked. */
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
