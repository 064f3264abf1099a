/**
 * When to try again: the one place for waiting rules that the agent, `uptally send` and the other commands share.
 * Randomness comes in as a function that returns a number in [0, 1).
 */
export interface RetryPolicy {
  /** The ceiling of the first wait; it doubles with every further attempt. */
  readonly baseMs: number;
  /** No wait of our own choosing is longer than this. */
  readonly maxMs: number;
}

/** For a server that is away or busy. */
export const UNAVAILABLE_POLICY: RetryPolicy = { baseMs: 500, maxMs: 60_000 };

/** A server (or a proxy before it) may ask for any wait; beyond an hour we look again on our own. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/** Exponential back-off with full jitter: a uniform draw below a ceiling that doubles. `attempt` counts from 0. */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  const ceilingMs = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceilingMs);
}

/**
 * The wait before the next attempt. What the server asked for is a lower bound, never shortened; the jitter comes on
 * top, so that agents which were all told "30 seconds" don't return in the same instant.
 */
export function waitMs(policy: RetryPolicy, attempt: number, retryAfterMs: number | null, random: () => number): number {
  if (retryAfterMs === null) return backoffMs(policy, attempt, random);
  return Math.min(retryAfterMs, RETRY_AFTER_MAX_MS) + Math.floor(random() * policy.baseMs);
}

/** The wait after a wrong key or address: only a person can mend it, so knocking often helps nobody. At least half a minute. */
export function deniedWaitMs(attempt: number, random: () => number): number {
  return 30_000 + backoffMs({ baseMs: 60_000, maxMs: 600_000 }, attempt, random);
}

/** Reads a `Retry-After` header, seconds or an HTTP date, as milliseconds from `nowMs`; null when absent or unreadable. */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // An HTTP date begins with the name of a day; Date.parse alone would take "-5" or "1.5" for dates of its own making.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** Waits, or returns early when the signal aborts; never throws, so callers look at the signal afterwards. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const sleepReal: Sleep = async (ms, signal) => {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
};
