/** What receivers of other protocols answer (docs/guides/sources.md), as an outcome. */
import { isTransient, parseJson } from './api-error.ts';
import type { PostOutcome, RawAnswer } from './outcome.ts';

/**
 * 204, 200 of OTLP, and 202 with what was rejected: taken. 422, or Influx' 400 of a part: all but some lines were taken. What is malformed may have been
 * broken on the way, so it is for whoever sends to try again, with an end.
 */
export function judgeReceived({ status, type, text, retryAfterMs }: RawAnswer): PostOutcome {
  const taken = (rejected: number, message?: string): PostOutcome => ({
    kind: 'accepted',
    receipt: { accepted: 0, rejected, errors: message === undefined ? [] : [{ index: 0, code: 'malformed_line', message }] },
  });
  // only what an Uptally server says counts: a portal may answer 200 to anything
  if (status === 204 || (status === 200 && /^application\/(?:json|x-protobuf)\b/i.test(type))) return taken(0);
  const { code, rejected, detail, message, error } = membersOf(text);
  if (status === 202 && typeof rejected === 'number') return taken(rejected);
  const said = [detail, message, error].find((one) => typeof one === 'string') ?? text.slice(0, 200);
  if (status === 422 && code === 'unprocessable entity') return taken(1, said);
  if (status === 400 && typeof error === 'string' && error.startsWith('partial write')) return taken(1, said);
  if (isTransient(status)) return { kind: 'unavailable', status, retryAfterMs, detail: `${status}: ${said}` };
  const problem = { status, code: typeof code === 'string' ? code : `http_${status}`, detail: said };
  if (status === 413) return { kind: 'refused', because: 'too_large', ...problem, receipt: null };
  if (status === 400) return { kind: 'refused', because: 'mangled', ...problem, receipt: null };
  return { kind: 'denied', ...problem };
}

interface Members {
  readonly code?: unknown;
  readonly rejected?: unknown;
  readonly detail?: unknown;
  readonly message?: unknown;
  readonly error?: unknown;
}

function membersOf(text: string): Members {
  const said = parseJson(text);
  return typeof said === 'object' && said !== null ? said : {};
}
