/** The cookie of a session: only the browser that began it has it, and only pages of this very address may use it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';

/** A browser takes a cookie of this prefix over TLS (or from its own machine) alone, for this host alone, from no other host. */
export const SESSION_COOKIE = '__Host-uptally';
/** Who uses a cookie says so: no form and no link of another page can. */
export const PAGE_HEADER = 'x-uptally';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** The token of the request's cookie; undefined if it has none. */
export function sessionToken({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === SESSION_COOKIE && value !== undefined) return value;
  }
  return undefined;
}

/** Has the browser keep a token, and nobody else. */
export function giveCookie(reply: FastifyReply, token: string, seconds: number): void {
  void reply.header('set-cookie', `${SESSION_COOKIE}=${token}; ${ATTRIBUTES}; Max-Age=${Math.max(0, seconds)}`);
}

export function takeCookieBack(reply: FastifyReply): void {
  giveCookie(reply, '', 0);
}

/**
 * Throws `other_page` unless a page of this address sent the request, by what its browser says of it: what changes something has to say `X-Uptally: 1`
 * and come from the same origin, and nothing may come from another site.
 */
export function refuseOtherPages({ method, headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (method === 'GET' || method === 'HEAD') {
    if (site === undefined || site === 'same-origin' || site === 'none') return;
  } else if (headers[PAGE_HEADER] === '1' && site === 'same-origin') return;
  throw new ProblemError(
    'other_page',
    'by a session only pages of this address may ask: X-Uptally: 1, and Sec-Fetch-Site: same-origin',
  );
}
