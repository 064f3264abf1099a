/**
 * Calls of Uptally's API from a page, and nothing else's. Who asks is a cookie that scripts cannot read, or, where the server has no sessions
 * or the connection keeps no such cookie (plain http), a key in this page's memory, which a reload forgets.
 */
import { parseExact } from './exact-json.ts';
import { forget, recall, remember } from './storage.ts';

/** What a call was refused with. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly { readonly field: string; readonly message: string }[];

  constructor(status: number, code: string, detail: string, fields: ApiProblem['fields'] = []) {
    super(detail);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined | null>>;

/** A path with its query, without what is not set. Names of the path's steps are to be escaped by `step`. */
export function pathOf(path: string, query: Query = {}): string {
  const set = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
  );
  return set.length === 0 ? path : `${path}?${new URLSearchParams(set).toString()}`;
}

/** A name as a step of a path. */
export const step = (name: string): string => encodeURIComponent(name);

let bearer: string | undefined;
const listeners = new Set<() => void>();

/** Told when the server no longer knows who asks. */
export function onSessionLost(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Makes the same call once, however often it is sent. */
  readonly once?: string;
}

async function send(path: string, { method = 'GET', body, accept, signal, once }: Call, key = bearer): Promise<Response> {
  const headers: Record<string, string> = { accept: accept ?? 'application/json' };
  if (key !== undefined) headers['authorization'] = `Bearer ${key}`;
  if (method !== 'GET') headers['x-uptally'] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (once !== undefined) headers['idempotency-key'] = once;
  try {
    return await fetch(path, {
      ...{ method, headers, cache: 'no-store', credentials: 'same-origin', redirect: 'error' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiProblem(0, 'unreachable', error instanceof Error ? error.message : String(error));
  }
}

async function problemOf(answer: Response): Promise<ApiProblem> {
  const text = await answer.text();
  try {
    const { code, detail, errors } = parseExact(text) as { code?: string; detail?: string; errors?: ApiProblem['fields'] };
    return new ApiProblem(answer.status, code ?? String(answer.status), detail ?? '', errors ?? []);
  } catch {
    return new ApiProblem(answer.status, String(answer.status), text.slice(0, 300));
  }
}

async function answered(path: string, call: Call): Promise<Response> {
  const answer = await send(path, call);
  if (answer.ok) return answer;
  if (answer.status === 401) {
    bearer = undefined;
    forget(FLAG);
    for (const listener of listeners) listener();
  }
  throw await problemOf(answer);
}

/** One call; its answer with exact integers, null where there is none. Throws `ApiProblem`. */
export async function ask<T>(path: string, call: Call = {}): Promise<T> {
  const text = await (await answered(path, call)).text();
  return (text === '' ? null : parseExact(text)) as T;
}

/** The answer as a file, in the form asked for. Throws `ApiProblem`. */
export async function download(path: string, accept: string): Promise<Blob> {
  return await (await answered(path, { accept })).blob();
}

/** That there is a session is remembered, and nothing of it: so that a page that has none need not ask to be told. */
const FLAG = 'uptally-session';
/** Who asks: a call that every key may make. */
const WHO = '/v1/session';

/** Whether this page can ask already: by a cookie of a login before. */
export async function isKnown(): Promise<boolean> {
  if (bearer !== undefined) return true;
  if (recall(FLAG) === null) return false;
  const known = (await send(WHO, {})).ok;
  if (!known) forget(FLAG);
  return known;
}

/** Shows the key once; from then on this page asks as its holder. Throws `ApiProblem`. */
export async function login(key: string): Promise<void> {
  const session = await send('/v1/session', { method: 'POST', body: { key } });
  if (session.ok) {
    // a browser that keeps no such cookie on this connection says nothing
    if ((await send(WHO, {})).ok) {
      remember(FLAG, '1');
      return;
    }
  } else if (session.status !== 404) throw await problemOf(session);
  const answer = await send(WHO, {}, key);
  if (!answer.ok) throw await problemOf(answer);
  bearer = key;
}

/** Whether a cookie could not come back: from a page in another site's frame, or over a connection that a browser does not trust. */
const keepsNoCookie = (): boolean => self !== top || !isSecureContext;

/**
 * Takes the token of a portal link, once; from then on this page asks as its holder: by a cookie, or by a bearer in its memory where no cookie
 * would come back. Throws `ApiProblem`.
 */
export async function enter(token: string): Promise<void> {
  bearer = undefined;
  forget(FLAG);
  const inMemory = keepsNoCookie();
  const answer = await send('/v1/session', { method: 'POST', body: inMemory ? { token, bearer: true } : { token } });
  if (!answer.ok) throw await problemOf(answer);
  if (!inMemory) {
    remember(FLAG, '1');
    return;
  }
  const { bearer: given } = (await answer.json()) as { bearer?: string };
  if (given === undefined) throw new ApiProblem(0, 'page', 'the server gave no bearer');
  bearer = given;
}

/** Ends the session here and on the server. */
export async function logout(): Promise<void> {
  const held = bearer;
  bearer = undefined;
  if (held === undefined && recall(FLAG) === null) return;
  forget(FLAG);
  await send('/v1/session', { method: 'DELETE' }, held);
}
