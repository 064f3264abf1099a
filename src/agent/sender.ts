import type { ApiClient, PostOutcome, Receipt } from './client.ts';
import type { AgentLog } from './reading.ts';
import { deniedWaitMs, UNAVAILABLE_POLICY, waitMs, type Sleep } from './retry.ts';
import type { Spool, SpooledBatch } from './spool.ts';

export interface SenderStats {
  sentBatches: number;
  acceptedSamples: number;
  rejectedSamples: number;
  setAsideBatches: number;
  failedAttempts: number;
}

export interface SenderOptions {
  readonly client: ApiClient;
  readonly spool: Spool;
  readonly random: () => number;
  readonly sleep: Sleep;
  readonly log: AgentLog;
  readonly stats: SenderStats;
  /** Aborts waits: no further batch is begun after it. */
  readonly stopping: AbortSignal;
  /** Aborts the batch under way too. */
  readonly giveUp: AbortSignal;
}

/** Sends what the spool holds, oldest first, one at a time; waits on the bell when it is empty. Ends when stopping. */
export async function sendLoop(options: SenderOptions, bell: Doorbell, onEmpty: () => void): Promise<void> {
  const { spool, client, stopping, stats } = options;
  let attempt = 0;
  while (!stopping.aborted) {
    let delayMs: number | null;
    try {
      const batch = await spool.peek();
      if (batch === null) {
        onEmpty();
        await bell.wait(stopping);
        continue;
      }
      const outcome = await client.postSamples(batch.body, { gzip: true, signal: options.giveUp });
      delayMs = await settle(options, batch, outcome, attempt);
    } catch (error) {
      delayMs = waitMs(UNAVAILABLE_POLICY, attempt, null, options.random);
      options.log('error', "the spool can't be read", { error: String(error), again_in_ms: delayMs });
    }
    if (delayMs === null) {
      attempt = 0;
      continue;
    }
    attempt += 1;
    stats.failedAttempts += 1;
    await options.sleep(delayMs, stopping);
  }
}

/** Wakes one waiter; a ring while nobody waits is kept for the next. */
export class Doorbell {
  #rung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    this.#wake = null;
    this.#rung = false;
  }
}

/** Does what an outcome asks for; the wait before the same batch goes again, or null when it is dealt with. */
async function settle(
  options: SenderOptions,
  batch: SpooledBatch,
  outcome: PostOutcome,
  attempt: number,
): Promise<number | null> {
  const { spool, stats, log, random } = options;
  switch (outcome.kind) {
    case 'accepted':
      stats.sentBatches += 1;
      stats.acceptedSamples += outcome.receipt.accepted;
      stats.rejectedSamples += outcome.receipt.rejected;
      if (outcome.receipt.rejected > 0) log('warn', 'the server rejected samples', rejections(outcome.receipt));
      await spool.done(batch);
      return null;
    case 'refused': {
      const reason = `${outcome.status} ${outcome.code}: ${outcome.detail}`;
      stats.setAsideBatches += 1;
      stats.rejectedSamples += batch.samples;
      log('error', 'the server refused a batch; it is set aside under rejected/ in the spool', {
        reason,
        samples: batch.samples,
        ...(outcome.receipt === null ? {} : rejections(outcome.receipt)),
      });
      await spool.setAside(batch, reason);
      return null;
    }
    case 'denied': {
      const delayMs = deniedWaitMs(attempt, random);
      const advice =
        outcome.status === 401 || outcome.status === 403
          ? 'check --key: make one with "uptally keys create --role agent"; samples are kept in the spool meanwhile'
          : 'check --server: is it an Uptally server? samples are kept in the spool meanwhile';
      log('error', advice, { answer: `${outcome.status} ${outcome.code}: ${outcome.detail}`, again_in_ms: delayMs });
      return delayMs;
    }
    case 'unavailable': {
      if (options.giveUp.aborted) return 0;
      const delayMs = waitMs(UNAVAILABLE_POLICY, attempt, outcome.retryAfterMs, random);
      log('warn', 'the server did not take a batch; it stays in the spool', {
        reason: outcome.detail,
        again_in_ms: delayMs,
        ...spool.pending,
      });
      return delayMs;
    }
  }
}

function rejections(receipt: Receipt): Record<string, unknown> {
  const codes: Record<string, number> = {};
  for (const { code } of receipt.errors) codes[code] = (codes[code] ?? 0) + 1;
  return { rejected: receipt.rejected, ...codes, first: receipt.errors[0]?.message ?? receipt.errors[0]?.field ?? '' };
}
