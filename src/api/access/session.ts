import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SessionBook } from '../../access/session-book.ts';
import { KEY_ROLES } from '../../catalog/keys.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { Api } from '../../http/api.ts';
import { invalidKey, keyOf, recorderOf } from '../../http/auth.ts';
import { giveCookie, refuseOtherPages, sessionToken, takeCookieBack } from '../../http/cookie.ts';
import type { Key } from '../../http/keys.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { ApiContext } from '../shared/context.ts';
import { BODY_PROBLEMS, instantShape } from '../shared/shapes.ts';

const KEY_TEXT_MAX = 256;

const secret = z
  .string()
  .min(1)
  .max(KEY_TEXT_MAX)
  .regex(/^[\x21-\x7e]+$/);
const sessionRequest = z.union([
  z.strictObject({ key: secret.describe('A key of POST /v1/keys; it is sent this once.') }),
  z.strictObject({
    token: secret.describe('What stands behind the # of a portal link; it is taken once.'),
    bearer: z
      .boolean()
      .default(false)
      .describe(
        'The session as `Authorization: Bearer` instead of a cookie: for a page in a frame of another site, which has none.',
      ),
  }),
]);

const whoShape = z.object({
  key: z.object({ id: z.string(), name: z.string() }),
  role: z.enum(KEY_ROLES),
  account: z.string().nullable().describe('The one account whose holder it is; null: it is of the staff.'),
  vms: z.array(z.string()).nullable().describe('Patterns of the VMs of that account that it sees; null: all.'),
  until: instantShape.nullable().describe('When it is over; null: a key that does not expire.'),
  via: z.enum(['session', 'key']),
  reads_only: z.boolean().describe('Of a portal link: nothing is changed by it.'),
});
const begunShape = whoShape.extend({
  bearer: z.string().optional().describe('Where it was asked for: it is shown this once, and stands for the session.'),
});

function whoJson(
  { id, name, role, account, vms, readsOnly }: Key,
  untilMs: number | null,
  via: 'session' | 'key',
): Record<string, unknown> {
  const until = untilMs === null ? null : formatInstant(untilMs);
  return {
    key: { id, name },
    role,
    account: account ?? null,
    vms: role === 'customer' ? vms : null,
    until,
    via,
    reads_only: readsOnly === true,
  };
}

/** Sessions of people at a page of this server. */
export function sessionRoutes(api: Api, { catalog, sessions, portalLinks }: ApiContext): void {
  const begun = (body: z.infer<typeof sessionRequest>, request: FastifyRequest): ReturnType<SessionBook['begin']> => {
    if ('token' in body) {
      api.wrongKeys?.judge(request.address, portalLinks.idOf(body.token), body.token);
      return portalLinks.exchange(body.token, sessions);
    }
    const key = catalog.keys.findKey(body.key);
    api.wrongKeys?.judge(request.address, key?.id, body.key);
    if (key === undefined) throw invalidKey();
    if (key.role === 'agent') throw new ProblemError('forbidden', 'a key of role agent posts samples and has no sessions');
    return sessions.begin(key, `${key.name}#${key.id}`);
  };
  api.route(
    {
      method: 'POST',
      path: '/v1/session',
      tag: 'access',
      summary: 'Begin a session with a key, or with the token of a portal link',
      description:
        'The answer sets the cookie `__Host-uptally` (HttpOnly, Secure, SameSite=Strict), which goes in place of a key for 12 hours, and for as long as its key. ' +
        'Calls that change something send `X-Uptally: 1` with it. Only a hash of the cookie is stored. ' +
        'Over plain HTTP from another machine a browser keeps no such cookie: send the key as `Authorization: Bearer` there. Keys of agents have no sessions.',
      roles: null,
      body: { 'application/json': sessionRequest },
      answers: { 201: { description: 'It has begun', schema: begunShape } },
      problems: [...BODY_PROBLEMS, 'unauthorized', 'forbidden', 'other_page'],
    },
    async ({ body, request, reply }) => {
      if (request.headers['sec-fetch-site'] !== undefined) refuseOtherPages(request);
      reply.header('cache-control', 'no-store');
      const { token, session, secondsLeft } = await begun(body, request);
      const asBearer = 'token' in body && body.bearer;
      if (!asBearer) giveCookie(reply, token, secondsLeft);
      const holder = sessions.findSession(token)?.key;
      if (holder === undefined) throw invalidKey();
      return { ...whoJson(holder, session.untilMs, 'session'), ...(asBearer ? { bearer: token } : {}) };
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/session',
      tag: 'access',
      summary: 'Who asks: by its session, or its key',
      roles: KEY_ROLES,
      customer: { by: 'handler' },
      answers: { 200: { description: 'Who it is, and until when', schema: whoShape } },
      problems: [],
    },
    ({ request, reply }) => {
      const key = keyOf(request);
      reply.header('cache-control', 'no-store');
      const { session } = request;
      if (session !== null) return Promise.resolve(whoJson(key, session.untilMs, 'session'));
      return Promise.resolve(whoJson(key, catalog.keys.keyInForce(key.id)?.expiresAtMs ?? null, 'key'));
    },
  );
  api.route(
    {
      method: 'DELETE',
      path: '/v1/session',
      tag: 'access',
      summary: 'End the session',
      description: 'Of its cookie; a request with a key instead ends nothing. The cookie is taken back.',
      roles: KEY_ROLES,
      customer: { by: 'handler' },
      answers: { 204: { description: 'It is over' } },
      problems: ['other_page', 'store_unavailable'],
    },
    async ({ request, reply }) => {
      if (request.session !== null) await sessions.end(request.session.id, recorderOf(request));
      if (sessionToken(request) !== undefined) takeCookieBack(reply);
    },
  );
}
