import type { ApiClient, PostOutcome, Receipt } from '../client/wire/client.ts';
import type { AgentLog } from '../samples/reading.ts';
import { Delivery } from './delivery.ts';
import { deniedWaitMs, UNAVAILABLE_POLICY, waitMs, type Sleep } from '../client/wire/retry.ts';
import type { Waker } from '../process/waker.ts';
import type { Spool, SpooledBatch } from './spool.ts';

export interface SenderStats {
  sentBatches: number;
  acceptedSamples: number;
  rejectedSamples: number;
  setAsideBatches: number;
  failedAttempts: number;
  /** When the server last took a batch. */
  lastSentAtMs: number | null;
}

export interface SenderOptions {
  readonly client: ApiClient;
  readonly spool: Spool;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
  readonly log: AgentLog;
  readonly stats: SenderStats;
  /** Aborts waits: no further batch is begun after it. */
  readonly stopping: AbortSignal;
  /** Aborts the batch under way too. */
  readonly giveUp: AbortSignal;
}

/** Sends what the spool holds, oldest first, one at a time; waits to be woken when it is empty. Ends when stopping. */
export async function sendLoop(options: SenderOptions, waker: Waker, onEmpty: () => void): Promise<void> {
  const { spool, client, stopping, stats } = options;
  const delivery = new Delivery(client, options.giveUp);
  stopping.addEventListener('abort', () => {
    waker.stop();
  });
  const memory: Memory = { awaySinceMs: null, unreadTries: 0 };
  let attempt = 0;
  while (!stopping.aborted) {
    let delayMs: number | null;
    try {
      const batch = await spool.peek();
      if (batch === null) {
        onEmpty();
        await waker.wait(Infinity);
        continue;
      }
      delayMs = await settle(options, batch, await delivery.post(batch), attempt, memory);
    } catch (error) {
      delayMs = waitMs(UNAVAILABLE_POLICY, attempt, null, options.random);
      options.log('error', "the spool can't be read", { error: String(error), again_in_ms: delayMs });
    }
    if (delayMs === null) {
      attempt = 0;
      memory.unreadTries = 0;
      continue;
    }
    attempt += 1;
    stats.failedAttempts += 1;
    await options.sleep(delayMs, stopping);
  }
}

/** What the loop remembers between tries. */
interface Memory {
  /** Since when no batch was taken, while that is so. */
  awaySinceMs: number | null;
  /** How often the server could not read the batch at the head. */
  unreadTries: number;
}

/** A body that cannot be read so often was not broken on the way. */
const UNREAD_TRIES_MAX = 10;
/** A batch that is so far ahead of this host's clock was taken by a clock that has been set back since; time mends nothing soon. */
const AHEAD_MS_MAX = 300_000;

/** Does what an outcome asks for; the wait before the same batch goes again, or null when it is dealt with. */
async function settle(
  options: SenderOptions,
  batch: SpooledBatch,
  outcome: PostOutcome,
  attempt: number,
  memory: Memory,
): Promise<number | null> {
  const { spool, stats, log, random, now } = options;
  if (outcome.kind === 'accepted' && isPartlyEarly(outcome.receipt, batch, now())) {
    const delayMs = waitMs(UNAVAILABLE_POLICY, attempt, null, random);
    log('warn', "a part of a batch is ahead of the server's clock: all of it goes again, what was taken counts once", {
      ...rejections(outcome.receipt),
      again_in_ms: delayMs,
      ...spool.pending,
    });
    return delayMs;
  }
  if (outcome.kind === 'accepted') {
    stats.sentBatches += 1;
    stats.acceptedSamples += outcome.receipt.accepted;
    stats.rejectedSamples += outcome.receipt.rejected;
    stats.lastSentAtMs = now();
    if (memory.awaySinceMs !== null)
      log('info', 'the server takes samples again', {
        away_ms: now() - memory.awaySinceMs,
        failed_tries: attempt,
        ...spool.pending,
      });
    memory.awaySinceMs = null;
    if (outcome.receipt.rejected > 0) log('warn', 'the server rejected samples', rejections(outcome.receipt));
    await spool.done(batch);
    return null;
  }
  if (options.giveUp.aborted) return 0;
  if (outcome.kind === 'refused' && isForGood(outcome, batch, now(), memory)) {
    const reason = `${outcome.status} ${outcome.code}: ${outcome.detail}`;
    stats.setAsideBatches += 1;
    stats.rejectedSamples += batch.samples;
    log(
      'error',
      'the server refused a batch; it is set aside under rejected/ in the spool ("uptally agent resend" sends it again)',
      {
        reason,
        samples: batch.samples,
        ...(outcome.receipt === null ? {} : rejections(outcome.receipt)),
      },
    );
    await spool.setAside(batch, reason);
    return null;
  }
  memory.awaySinceMs ??= now();
  if (outcome.kind === 'unavailable') {
    const delayMs = waitMs(UNAVAILABLE_POLICY, attempt, outcome.retryAfterMs, random);
    log('warn', 'the server did not take a batch; it stays in the spool', {
      reason: outcome.detail,
      again_in_ms: delayMs,
      ...spool.pending,
    });
    return delayMs;
  }
  const early = outcome.kind === 'refused' && outcome.because === 'early';
  const delayMs = early ? waitMs(UNAVAILABLE_POLICY, attempt, null, random) : deniedWaitMs(attempt, random);
  log('error', advice(outcome), {
    answer: `${outcome.status} ${outcome.code}: ${outcome.detail}`,
    again_in_ms: delayMs,
    ...spool.pending,
  });
  return delayMs;
}

/** Whether time mends what was rejected: the server's clock will come to it. */
function isPartlyEarly({ errors }: Receipt, batch: SpooledBatch, nowMs: number): boolean {
  return errors.some(({ code }) => code === 'ts_in_future') && batch.lastAtMs <= nowMs + AHEAD_MS_MAX;
}

type Refused = Extract<PostOutcome, { kind: 'refused' }>;

function isForGood(outcome: Refused, batch: SpooledBatch, nowMs: number, memory: Memory): boolean {
  switch (outcome.because) {
    case 'final':
      return true;
    case 'early':
      return batch.lastAtMs > nowMs + AHEAD_MS_MAX;
    case 'mangled':
      memory.unreadTries += 1;
      return memory.unreadTries >= UNREAD_TRIES_MAX;
    case 'too_large':
      return false;
  }
}

/** What a person should look at; samples are kept in the spool meanwhile. */
function advice(outcome: Exclude<PostOutcome, { kind: 'accepted' | 'unavailable' }>): string {
  const kept = 'samples are kept in the spool meanwhile';
  if (outcome.kind === 'refused') {
    if (outcome.because === 'early') return `check the clocks of this host and of the server, which is behind; ${kept}`;
    if (outcome.because === 'mangled')
      return `the server could not read a batch: check what lies between it and this host; ${kept}`;
    return `a single sample is too large for what answers: check the limits of the proxy before the server; ${kept}`;
  }
  if (outcome.status === 401 || outcome.status === 403)
    return `check --key: make one with "uptally keys create --role agent"; ${kept}`;
  if (outcome.code === 'unsupported_media_type' || outcome.code === 'unsupported_encoding')
    return `the server does not know the format that --format names: a newer one does; ${kept}`;
  return `check --server: is it an Uptally server? ${kept}`;
}

function rejections(receipt: Receipt): Record<string, unknown> {
  const codes: Record<string, number> = {};
  for (const { code } of receipt.errors) codes[code] = (codes[code] ?? 0) + 1;
  return { rejected: receipt.rejected, ...codes, first: receipt.errors[0]?.message ?? receipt.errors[0]?.field ?? '' };
}
