import { z } from 'zod';
import type { PortalLink } from '../../access/portal-links.ts';
import { formatInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import type { Api } from '../../http/api.ts';
import { keyOf, recorderOf } from '../../http/auth.ts';
import { ProblemError } from '../../problems/problem.ts';
import { vmPattern } from '../../samples/names.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, BODY_PROBLEMS, instantShape } from '../shared/shapes.ts';

const ROLES = ['billing', 'admin'] as const;
const EXPIRES_IN_S = { least: 60, usual: 3_600, most: 30 * 86_400 } as const;
const PATTERNS_MAX = 64;

const linkRequest = z.strictObject({
  expires_in: z
    .int()
    .min(EXPIRES_IN_S.least)
    .max(EXPIRES_IN_S.most)
    .default(EXPIRES_IN_S.usual)
    .describe('Seconds within which it is used.'),
  vms: z
    .array(vmPattern)
    .min(1)
    .max(PATTERNS_MAX)
    .nullable()
    .default(null)
    .describe('Patterns of the VMs that it shows, and nothing of the account as a whole; null: the account.'),
});

const linkShape = z.object({
  id: z.string(),
  account: z.string(),
  vms: z.array(z.string()).nullable(),
  state: z.enum(['open', 'used', 'expired', 'revoked']),
  expires_at: instantShape,
  used_at: instantShape.nullable(),
  revoked_at: instantShape.nullable(),
  created_at: instantShape,
  created_by: z.string(),
});

/** Links into the portal, for one account each. */
export function portalLinkRoutes(api: Api, { catalog, portalLinks }: ApiContext): void {
  const json = (link: PortalLink): Record<string, unknown> => {
    const { id, account, vms, until, used_at: usedAt, revoked_at: revokedAt, made_at: madeAt, made_by: madeBy } = link;
    const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
    return {
      ...{ id, account, vms, state: portalLinks.stateOf(link), expires_at: formatInstant(until) },
      ...{ used_at: shown(usedAt), revoked_at: shown(revokedAt), created_at: formatInstant(madeAt), created_by: madeBy },
    };
  };
  const refuseUnknown = (account: string): void => {
    if (catalog.account(account) === undefined)
      throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
  };

  api.route(
    {
      method: 'POST',
      path: '/v1/accounts/{account}/portal-links',
      once: true,
      tag: 'access',
      summary: 'Make a link into the portal for one account; it is shown this once',
      description:
        'The token stands behind the `#` of `url`, which no browser sends to anybody. `POST /v1/session` takes it once, for a session of that account that only reads. It is over with the key that made it. ' +
        'Of links that nobody has used an account has 100 at most: the oldest makes room.',
      roles: ROLES,
      params: accountParams,
      body: { 'application/json': linkRequest },
      answers: {
        201: {
          description: 'The link',
          schema: linkShape.extend({ url: z.string().describe('At this server: put its address before it.'), token: z.string() }),
        },
      },
      problems: [...BODY_PROBLEMS, 'account_unknown'],
    },
    async ({ params: { account }, body, request, reply }) => {
      refuseUnknown(account);
      const asked = { account, vms: body.vms, expiresInMs: body.expires_in * 1000 };
      const { token, link } = await portalLinks.make(asked, keyOf(request), recorderOf(request));
      reply.header('cache-control', 'no-store');
      return { ...json(link), url: `/portal#${token}`, token };
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/portal-links',
      tag: 'access',
      summary: "An account's portal links, the oldest first, until their sessions are over",
      roles: ROLES,
      params: accountParams,
      answers: { 200: { description: 'Without their tokens', schema: z.object({ links: z.array(linkShape) }) } },
      problems: ['invalid_parameter', 'account_unknown'],
    },
    ({ params: { account } }) => {
      refuseUnknown(account);
      return Promise.resolve({ links: portalLinks.of(account).map(json) });
    },
  );
  api.route(
    {
      method: 'DELETE',
      path: '/v1/accounts/{account}/portal-links/{id}',
      tag: 'access',
      summary: 'Revoke a portal link, and end the session that it was used for',
      roles: ROLES,
      params: accountParams.extend({ id: identifier }),
      answers: { 204: { description: 'It is revoked' } },
      problems: ['invalid_parameter', 'account_unknown', 'portal_link_unknown', 'store_unavailable'],
    },
    async ({ params: { account, id }, request }) => {
      refuseUnknown(account);
      await portalLinks.revoke(account, id, recorderOf(request));
    },
  );
}
