import { ApiError } from '../../client/wire/api-error.ts';
import type { CliContext } from './context.ts';

/** How long a server that does not answer is asked again before the run gives up; it can be started again at any time. */
const PATIENCE_MS = 120_000;
const WAIT_MS = 1_000;

/** Repeats a call that may succeed later: what it did before it was cut off, it finds done. */
export async function patiently<T>(context: CliContext, tell: (note: string) => void, call: () => Promise<T>): Promise<T> {
  const untilMs = context.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const again = error instanceof ApiError && error.retryable && context.now() < untilMs && !context.interrupted().aborted;
      if (!again) throw error;
      tell('waiting for the server');
      await context.sleep(error.retryAfterMs ?? WAIT_MS);
    }
  }
}
