import { batchesOf, type WireFormat } from './batch.ts';
import { ApiClient } from '../client/wire/client.ts';
import { instantGuard } from './instant-guard.ts';
import type { AgentLog, LeftOut, Reader, Seen } from '../samples/reading.ts';
import { countsOf, RoundLog, seenIn } from './round-report.ts';
import { sleepReal, type Sleep } from '../client/wire/retry.ts';
import { sendLoop, type SenderStats } from './sender.ts';
import type { LockLostError } from '../process/held-lock.ts';
import { Waker } from '../process/waker.ts';
import { Spool } from './spool.ts';

export interface AgentOptions {
  readonly server: string;
  readonly key: string;
  /** What is measured: `sysfsReader`, `libvirtReader`, or anything else that observes. */
  readonly reader: Reader;
  readonly spoolDir: string;
  readonly spoolBytesMax?: number;
  /** How samples are spelled from now on; what the spool holds already is sent as it is. Default: ndjson. */
  readonly format?: WireFormat;
  readonly intervalMs?: number;
  /** How long one request may be silent. */
  readonly timeoutMs?: number;
  /** How long `stop` lets the batch under way finish. */
  readonly stopGraceMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly sleep?: Sleep;
  readonly log?: AgentLog;
  /** Told once when the spool has turned out to be another agent's: this one can keep nothing more, and is to be stopped. */
  readonly onSpoolLost?: (error: LockLostError) => void;
  /** Is called after each round, read or not. */
  readonly onRound?: () => void;
}

export interface AgentStats extends SenderStats {
  readRounds: number;
  failedRounds: number;
  spooledSamples: number;
  /** Batches that the disk did not take: never sent, and lost. */
  unspooledBatches: number;
  droppedBatches: number;
  droppedSamples: number;
  pendingBatches: number;
  pendingSamples: number;
  /** Of the last round: seen = metered + stateOnly + leftOut. */
  seen: number;
  metered: number;
  stateOnly: number;
  leftOut: number;
  leftOutReasons: Readonly<Record<LeftOut, number>>;
  lastRoundAtMs: number | null;
  /** Batches under `rejected/`, and those that had to go from there for want of room. */
  rejectedBatches: number;
  rejectedBytes: number;
  droppedRejectedBatches: number;
}

export interface RunningAgent {
  stats(): AgentStats;
  /** What the last round saw: all of it, sent or not. */
  seen(): readonly Seen[];
  /** Reads once, now, besides the rounds of the interval; resolves when what it saw is durable in the spool. */
  readNow(): Promise<void>;
  /** Resolves when every round begun so far is answered (nothing waits in the spool), or when the agent stops. */
  drained(): Promise<void>;
  /** Ends sampling, lets the batch under way finish, leaves the rest in the spool for the next run. Idempotent. */
  stop(): Promise<AgentStats>;
}

export const DEFAULT_INTERVAL_MS = 10_000;
export const DEFAULT_SPOOL_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Starts an agent: the first round is read at once, then one every interval. Reading and sending are two loops that meet
 * in the spool, so that a slow server never delays a reading. Throws `LockedError`, `FolderError` or `ApiError` (`bad_server`) before
 * anything runs; afterwards it only logs, counts and goes on.
 */
export async function runAgent(options: AgentOptions): Promise<RunningAgent> {
  const now = options.now ?? Date.now;
  const sleep = options.sleep ?? sleepReal;
  const log = options.log ?? (() => undefined);
  const intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
  const client = new ApiClient({
    server: options.server,
    key: options.key,
    now,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
  const spool = await Spool.open({
    dir: options.spoolDir,
    bytesMax: options.spoolBytesMax ?? DEFAULT_SPOOL_BYTES_MAX,
    log,
    ...(options.onSpoolLost === undefined ? {} : { onLost: options.onSpoolLost }),
  });
  const guard = instantGuard(spool.lastAtMs, log);
  options.reader.resume?.(spool.lastAtMs);
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const sent: SenderStats = {
    sentBatches: 0,
    acceptedSamples: 0,
    rejectedSamples: 0,
    setAsideBatches: 0,
    failedAttempts: 0,
    lastSentAtMs: null,
  };
  const read = { readRounds: 0, failedRounds: 0, spooledSamples: 0, unspooledBatches: 0 };
  const rounds = new RoundLog(log, now);
  let seen: readonly Seen[] = [];
  let lastRoundAtMs: number | null = null;

  const waker = new Waker();
  let waiters: (() => void)[] = [];
  const releaseWaiters = (): void => {
    for (const release of waiters) release();
    waiters = [];
  };

  const summary = (): Record<string, unknown> => ({
    accepted: sent.acceptedSamples,
    rejected: sent.rejectedSamples,
    waiting: spool.pending.samples,
    failed_rounds: read.failedRounds,
  });
  const readRound = async (): Promise<void> => {
    try {
      const looked = await untilAborted(options.reader.read(stopping.signal), stopping.signal);
      const reading = guard(looked);
      read.readRounds += 1;
      seen = seenIn(reading ?? looked);
      lastRoundAtMs = now();
      for (const batch of reading === null ? [] : await batchesOf(reading, options.format)) {
        try {
          await spool.append(batch);
          read.spooledSamples += batch.samples;
        } catch (error) {
          read.unspooledBatches += 1;
          log('error', 'the spool did not take a batch: its samples are lost', { error: String(error), samples: batch.samples });
        }
      }
      rounds.round(seen, summary);
    } catch (error) {
      if (stopping.signal.aborted) return;
      read.failedRounds += 1;
      rounds.failed();
      log('error', `${options.reader.name} can't be read`, { error: error instanceof Error ? error.message : String(error) });
    }
    waker.wake();
    options.onRound?.();
  };
  let lastRound: Promise<void> = Promise.resolve();
  const round = (): Promise<void> => (lastRound = lastRound.then(() => (stopping.signal.aborted ? undefined : readRound())));

  const sampleLoop = async (): Promise<void> => {
    let nextAtMs = now();
    while (!stopping.signal.aborted) {
      await round();
      // Rounds that were missed (a slow source, a sleeping host) are not made up for: nothing was seen then.
      nextAtMs = Math.max(nextAtMs + intervalMs, now());
      await sleep(Math.min(intervalMs, nextAtMs - now()), stopping.signal);
    }
  };

  const senderOptions = { client, spool, now, random: options.random ?? Math.random, sleep, log, stats: sent };
  const signals = { stopping: stopping.signal, giveUp: giveUp.signal };
  const loops = Promise.all([sampleLoop(), sendLoop({ ...senderOptions, ...signals }, waker, releaseWaiters)]);

  const stats = (): AgentStats => {
    const { batches, samples } = spool.pending;
    const { reasons, ...counts } = countsOf(seen);
    return {
      ...sent,
      ...read,
      ...counts,
      leftOutReasons: reasons,
      lastRoundAtMs,
      rejectedBatches: spool.rejected.batches,
      rejectedBytes: spool.rejected.bytes,
      droppedRejectedBatches: spool.rejected.dropped,
      droppedBatches: spool.dropped.batches,
      droppedSamples: spool.dropped.samples,
      pendingBatches: batches,
      pendingSamples: samples,
    };
  };

  const finish = async (): Promise<AgentStats> => {
    stopping.abort();
    const finished = new AbortController();
    void sleep(options.stopGraceMs ?? 5_000, finished.signal).then(() => {
      giveUp.abort();
    });
    await loops;
    finished.abort();
    releaseWaiters();
    await spool.close();
    await client.close();
    return stats();
  };
  let stopped: Promise<AgentStats> | null = null;

  return {
    stats,
    seen: () => seen,
    readNow: round,
    async drained() {
      await lastRound;
      if (stopping.signal.aborted || spool.pending.batches === 0) return;
      await new Promise<void>((resolve) => waiters.push(resolve));
    },
    stop: () => (stopped ??= finish()),
  };
}

/** A reader that does not hear the signal is left to itself: whoever stops does not wait for it. */
function untilAborted<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const aborted = (): void => {
      reject(new Error('stopped'));
    };
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    const over = (): void => {
      signal.removeEventListener('abort', aborted);
    };
    void reading.then(resolve, reject).finally(over);
  });
}
