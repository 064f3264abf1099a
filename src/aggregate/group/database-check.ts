import { LogIdentityError } from '../../log/identity.ts';
import type { Store } from '../../store/store.ts';
import { readStoredProgress } from '../stored-progress.ts';

/** How often, and with what pauses, a database is asked again that says less than was stored: a replica may be behind. */
const TRIES = 10;
const PAUSE_MS = 1_000;

/**
 * The database must still say what this process has stored of a partition: one that was emptied, restored from an earlier time or is another's by now
 * would be gone on with, with a hole. Throws LogIdentityError.
 * @param toldSeq the newest position that this process has on record; undefined before its first
 * @param stopped whether the partition is no longer this process' to work on
 */
export async function checkDatabase(
  store: Store,
  partition: number,
  toldSeq: number | undefined,
  stopped: () => boolean,
): Promise<void> {
  if (toldSeq === undefined) return;
  for (let tries = 1; ; tries++) {
    const found = (await readStoredProgress(store, partition))?.seq ?? -1;
    if (found >= toldSeq || stopped()) return;
    if (tries === TRIES)
      throw new LogIdentityError('log_behind', {
        found: `the database says that rows up to message ${found} of partition ${partition} are stored, and this process has stored them up to message ${toldSeq}`,
        expected: 'it was emptied or restored from an earlier time, or is another one, while the server runs',
        advice: 'Start the server again: it stores again what the log still holds, or says what it does not',
      });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
