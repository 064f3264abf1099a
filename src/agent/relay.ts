import { join } from 'node:path';
import { ApiClient } from '../client/wire/client.ts';
import { sleepReal, type Sleep } from '../client/wire/retry.ts';
import type { LockLostError } from '../process/held-lock.ts';
import { Waker } from '../process/waker.ts';
import type { AgentLog } from '../samples/reading.ts';
import { openLines } from './relay-lines.ts';
import { openDoor } from './relay-door.ts';
import { encodeRelayed, partsOfLines, type Relayed, relayPath } from './relayed.ts';
import { sendLoop, type SenderStats } from './sender.ts';
import { Spool } from './spool.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface RelayOptions {
  readonly server: string;
  readonly key: string;
  /** The agent's spool: posts are kept in a folder within it, apart from samples, so that neither holds up the other. */
  readonly spoolDir: string;
  readonly spoolBytesMax: number;
  readonly listen?: Address | undefined;
  /** What senders have to show. */
  readonly token?: string | undefined;
  /** Lines of Influx in datagrams, and the source that they are of. */
  readonly lines?: { readonly listen: Address; readonly source: string } | undefined;
  readonly stopGraceMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly sleep?: Sleep;
  readonly log?: AgentLog;
  readonly onSpoolLost?: (error: LockLostError) => void;
}

export interface RelayStats extends SenderStats {
  /** Posts that were kept and answered, and those that were refused. */
  takenPosts: number;
  refusedPosts: number;
  datagrams: number;
  cutDatagrams: number;
  /** For want of room. */
  lostDatagrams: number;
  pendingBatches: number;
  droppedBatches: number;
  rejectedBatches: number;
}

export interface RunningRelay {
  /** Where it listens; null where it was not asked to. */
  readonly port: number | null;
  readonly linesPort: number | null;
  stats(): RelayStats;
  stop(): Promise<RelayStats>;
}

/** Where the relay of an agent keeps its posts: `uptally agent resend --spool` takes this folder too. */
export function relaySpool(spoolDir: string): string {
  return join(spoolDir, 'relay');
}

const POSTS_LOGGED_MAX = 20;

/**
 * Takes what senders on this host post, keeps it on disk, answers at once, and sends it on in order: for those that try once, or wait a second
 * (Proxmox VE, collectd, Ceilometer). Throws `LockedError`, `FolderError`, `ApiError` (`bad_server`) or the system's error of an address before anything runs.
 */
export async function runRelay(options: RelayOptions): Promise<RunningRelay> {
  const { now = Date.now, random = Math.random, sleep = sleepReal, log = () => undefined } = options;
  const client = new ApiClient({ server: options.server, key: options.key, now });
  const spool = await Spool.open({
    dir: relaySpool(options.spoolDir),
    bytesMax: options.spoolBytesMax,
    log,
    ...(options.onSpoolLost === undefined ? {} : { onLost: options.onSpoolLost }),
  });
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const waker = new Waker();
  const sent: SenderStats = {
    ...{ sentBatches: 0, acceptedSamples: 0, rejectedSamples: 0, setAsideBatches: 0, failedAttempts: 0, lastSentAtMs: null },
  };
  const taken = { takenPosts: 0, refusedPosts: 0 };

  const keep = async (post: Relayed): Promise<void> => {
    const isLines =
      relayPath(post.path.split('?')[0] ?? '')?.protocol === 'influx' && post.headers['content-encoding'] === undefined;
    for (const body of isLines ? partsOfLines(Buffer.from(post.body)) : [post.body])
      await spool.append({ body: encodeRelayed({ ...post, body }), samples: 1, lastAtMs: now() });
    taken.takenPosts += 1;
    waker.wake();
  };
  const onRefused = (status: number, why: string): void => {
    taken.refusedPosts += 1;
    if (taken.refusedPosts <= POSTS_LOGGED_MAX) log('warn', 'a post was refused', { status, why });
  };
  const keepLines = async (body: Buffer, source: string): Promise<void> => {
    await keep({
      path: `/v1/receive/influx/${source}/api/v2/write`,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body,
    });
  };
  const { listen, lines, token } = options;
  try {
    const door = listen === undefined ? null : await openDoor({ listen, token, keep, onRefused });
    const datagrams =
      lines === undefined
        ? null
        : await openLines({
            listen: lines.listen,
            keep: (body) => keepLines(body, lines.source),
            log: (message, fields) => {
              log('warn', message, fields);
            },
          }).catch(async (error: unknown) => {
            await door?.close();
            throw error;
          });
    const signals = { stopping: stopping.signal, giveUp: giveUp.signal };
    const sending = sendLoop({ client, spool, now, random, sleep, log, stats: sent, ...signals }, waker, () => undefined);
    const stats = (): RelayStats => ({
      ...sent,
      ...taken,
      datagrams: datagrams?.counts.datagrams ?? 0,
      cutDatagrams: datagrams?.counts.cut ?? 0,
      lostDatagrams: datagrams?.counts.lost ?? 0,
      pendingBatches: spool.pending.batches,
      droppedBatches: spool.dropped.batches,
      rejectedBatches: spool.rejected.batches,
    });
    const finish = async (): Promise<RelayStats> => {
      await Promise.all([door?.close(), datagrams?.close()]);
      stopping.abort();
      const finished = new AbortController();
      void sleep(options.stopGraceMs ?? 5_000, finished.signal).then(() => {
        giveUp.abort();
      });
      await sending;
      finished.abort();
      const last = stats();
      await spool.close();
      await client.close();
      return last;
    };
    let stopped: Promise<RelayStats> | null = null;
    return {
      port: door?.port ?? null,
      linesPort: datagrams?.port ?? null,
      stats,
      stop: () => (stopped ??= finish()),
    };
  } catch (error) {
    await spool.close();
    await client.close();
    throw error;
  }
}
