import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiClient, PostOutcome } from '../client/wire/client.ts';
import { Delivery } from './delivery.ts';
import { isBatchFile } from './spool-folder.ts';

export interface Resent {
  readonly file: string;
  readonly outcome: PostOutcome;
  /** Whether the file is gone: all of it was taken. */
  readonly removed: boolean;
}

/**
 * Sends the batches under a spool's `rejected/` again, oldest first, and removes those that are taken whole; samples that the server has
 * already count once. Ends early when the server is away or does not let the key in. An agent may work in the spool meanwhile.
 */
export async function* resendRejected(client: ApiClient, spoolDir: string, signal?: AbortSignal): AsyncGenerator<Resent> {
  const folder = join(spoolDir, 'rejected');
  const delivery = new Delivery(client, signal);
  // Names begin with the instant of the batch.
  const files = (await readdir(folder)).filter(isBatchFile).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  for (const file of files) {
    if (signal?.aborted === true) return;
    const body = await readFile(join(folder, file)).catch(() => null);
    // The agent keeps the newest only: it may have gone.
    if (body === null) continue;
    const outcome = await delivery.post({ body, samples: 0 });
    const removed = outcome.kind === 'accepted' && outcome.receipt.rejected === 0;
    if (removed) {
      await rm(join(folder, file), { force: true });
      await rm(join(folder, file.replace(/\.(ndjson\.gz|samples|relayed)$/, '.reason.txt')), { force: true });
    }
    yield { file, outcome, removed };
    if (outcome.kind === 'denied' || outcome.kind === 'unavailable') return;
  }
}
