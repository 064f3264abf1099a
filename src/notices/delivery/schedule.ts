const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];

/** The pauses after each attempt that failed; after the last nothing more is tried. In all ten attempts, over some 75 hours. */
export const PAUSES_MS: readonly number[] = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]; // prettier-ignore
export const ATTEMPTS_MAX = PAUSES_MS.length + 1;
/** A pause is up to this part longer, so that receivers which were gone together are not all called at once. */
const JITTER = 0.1;
/** A receiver may ask for a longer pause, up to this. */
const RETRY_AFTER_MS_MAX = 24 * HOUR;
/** A subscription to which nothing got through for so long is disabled. */
export const DISABLE_AFTER_MS = 5 * 24 * HOUR;

/** When the next attempt is due after so many that failed; undefined: there is none. @param chance 0 to 1 */
export function nextAttemptMs(
  attempts: number,
  nowMs: number,
  retryAfterMs: number | null,
  chance: number,
  pausesMs: readonly number[] = PAUSES_MS,
): number | undefined {
  const pause = pausesMs[attempts - 1];
  if (pause === undefined) return undefined;
  const asked = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
  return nowMs + Math.round(Math.max(pause * (1 + JITTER * chance), asked));
}
