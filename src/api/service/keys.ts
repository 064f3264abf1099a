import { z } from 'zod';
import { createdOf } from '../../catalog/key-registry.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { KEY_ROLES, type KeyBody, keyRequest } from '../../catalog/keys.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import type { ApiContext } from '../shared/context.ts';
import { BODY_PROBLEMS, idParams, instantShape } from '../shared/shapes.ts';

const keyShape = z.object({
  id: z.string(),
  role: z.enum(KEY_ROLES),
  name: z.string(),
  vms: z.array(z.string()).nullable(),
  account: z.string().nullable(),
  expires_at: instantShape.nullable(),
  created_at: instantShape,
  created_by: z.string(),
  previous_until: instantShape.nullable().describe('Of a key that was rotated: until when the text before is in force as well.'),
  revoked_at: instantShape.nullable(),
  revoked_by: z.string().nullable(),
});

/** What may be shown of a key: neither it nor its digest. */
function keyJson(entry: Versioned<KeyBody>): Record<string, unknown> {
  const { role, name, vms, account = null, expires_at: expiresAt, previous, revoked } = entry.body;
  const created = createdOf(entry);
  return {
    ...{ id: entry.id, role, name, vms, account },
    expires_at: expiresAt === undefined ? null : formatInstant(expiresAt),
    created_at: formatInstant(created.at),
    created_by: created.by,
    previous_until: previous === undefined ? null : formatInstant(previous.until),
    revoked_at: revoked ? formatInstant(entry.recordedAtMs) : null,
    revoked_by: revoked ? entry.recordedBy : null,
  };
}

const OVERLAP_S = { usual: 86_400, most: 30 * 86_400 } as const;
const rotation = z.strictObject({
  overlap_s: z
    .int()
    .min(0)
    .max(OVERLAP_S.most)
    .default(OVERLAP_S.usual)
    .describe('For how many seconds the text before is in force as well.'),
});

/** Keys: made and shown once, listed without their secrets, revoked. */
export function keyRoutes(api: Api, { catalog }: ApiContext): void {
  api.route(
    {
      method: 'POST',
      path: '/v1/keys',
      once: true,
      tag: 'keys',
      summary: 'Make a key; it is shown this once',
      description:
        '`vms` says which VMs an agent may post for. Billing keys post nothing, read everything and bill; read keys read the same and change nothing; admin keys may do all: their `vms` is taken and not kept. Customer keys are of one `account`: they read what is its own (with `vms`, of these VMs alone and nothing of the account as a whole), rate previews and check refunds. ' +
        'From `expires_at` on a key is not in force.',
      roles: ['admin'],
      body: { 'application/json': keyRequest },
      answers: { 201: { description: 'The key', schema: keyShape.extend({ key: z.string() }) } },
      problems: [
        'bad_request',
        'invalid_body',
        'invalid_reference',
        'body_too_large',
        'unsupported_media_type',
        'store_unavailable',
      ],
    },
    async ({ body, request, reply }) => {
      if (body.account !== undefined && catalog.account(body.account) === undefined)
        throw oneFieldProblem('invalid_reference', 'account', `there is no account ${body.account}`);
      const { key, entry } = await catalog.keys.create(body, recorderOf(request));
      reply.header('cache-control', 'no-store');
      return { ...keyJson(entry), key };
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/keys',
      tag: 'keys',
      summary: 'The keys in force, or all that there ever were',
      roles: ['admin'],
      query: z.strictObject({
        all: z
          .enum(['true', 'false'])
          .default('false')
          .describe('`true`: also those that expired or were revoked, with when and by whom.'),
      }),
      answers: { 200: { description: 'Keys by id', schema: z.object({ keys: z.array(keyShape) }) } },
      problems: ['invalid_parameter'],
    },
    ({ query: { all } }) =>
      Promise.resolve({ keys: (all === 'true' ? catalog.keys.everOne() : catalog.keys.all()).map(keyJson) }),
  );
  api.route(
    {
      method: 'POST',
      path: '/v1/keys/{id}/rotate',
      once: true,
      tag: 'keys',
      summary: 'Give a key another text; the one before is in force as well for a while',
      description:
        'Id, name, role and what was recorded by it stay. Once more, and of two texts the newer one is the one before.',
      roles: ['admin'],
      params: idParams,
      body: { 'application/json': rotation },
      answers: { 201: { description: 'The key with its new text', schema: keyShape.extend({ key: z.string() }) } },
      problems: [...BODY_PROBLEMS, 'key_unknown'],
    },
    async ({ params: { id }, body, request, reply }) => {
      const { key, entry } = await catalog.keys.rotate(id, body.overlap_s * 1000, recorderOf(request));
      reply.header('cache-control', 'no-store');
      return { ...keyJson(entry), key };
    },
  );
  api.route(
    {
      method: 'DELETE',
      path: '/v1/keys/{id}',
      tag: 'keys',
      summary: 'Revoke a key',
      roles: ['admin'],
      params: idParams,
      answers: { 204: { description: 'It is revoked' } },
      problems: ['invalid_parameter', 'key_unknown', 'last_admin_key', 'store_unavailable'],
    },
    async ({ params: { id }, request }) => {
      await catalog.keys.revoke(id, recorderOf(request));
    },
  );
}
