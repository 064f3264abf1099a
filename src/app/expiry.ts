/** When raw samples expire, and whose are held: the store knows how. */
import type { Logger } from 'pino';
import type { InvoiceState } from '../books/invoices.ts';
import { formatInstant } from '../domain/instant.ts';
import type { Cluster } from '../store/cluster.ts';
import { expireSamples, type Hold } from '../store/expiry.ts';
import type { Store } from '../store/store.ts';
import type { Records } from './records.ts';
import { DAY_MS } from '../domain/zone.ts';

const LOOK_MS = 600_000;
/** Evidence of an invoice begins a little before its time: an increase has a sample before it. */
const BEFORE_MS = DAY_MS;

export interface ExpirySetup {
  readonly store: Store;
  readonly cluster: Cluster | undefined;
  readonly records: Pick<Records, 'catalog' | 'books'>;
  readonly logger: Logger;
  readonly keptDays: number;
  /** The log's clock; null before its first tick. */
  readonly clockMs: () => number | null;
  readonly now: () => number;
}

/** Looks now and again whether something is due; the returned function ends that. Not at once: who has started a server wrongly can still stop it. */
export function startExpiry({ store, cluster, records, logger, keptDays, clockMs, now }: ExpirySetup): () => void {
  if (keptDays === 0) return () => undefined;
  let ranMs = performance.now();
  const look = async (): Promise<void> => {
    const expired = await expireSamples({
      ...{ store, cluster, keptDays },
      clockMs: clockMs(),
      nowMs: now(),
      holds: holdsOf(records),
      hasRunADay: performance.now() - ranMs >= DAY_MS,
    });
    if (expired === undefined) return;
    ranMs = performance.now();
    const { untilMs, samples, vms, held, daysLeft } = expired;
    const more = daysLeft === 0 ? '' : `; ${daysLeft} days more are due and go on the days to come`;
    logger.warn(
      { until: formatInstant(untilMs), samples, vms, held },
      `raw samples from before ${formatInstant(untilMs)} expire${more}`,
    );
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => {
      logger.error({ err: error }, 'raw samples could not expire');
    });
  }, LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

function isOwed({ head, status, outstandingNanos, uncoveredNanos }: InvoiceState): boolean {
  if (head.type !== 'invoice' || status !== 'final') return false;
  return outstandingNanos + uncoveredNanos > 0n;
}

/** Whose raw samples are evidence in something that is not settled: a dispute that nobody has closed, an invoice that is owed. */
export function holdsOf({ catalog, books }: Pick<Records, 'catalog' | 'books'>): Hold[] {
  const disputed = [...catalog.vmIds()].filter((vm) => {
    const last = catalog.events.of(vm).findLast(({ body }) => body.kind === 'dispute' || body.kind === 'dispute_closed');
    return last?.body.kind === 'dispute';
  });
  const owed = catalog.accountIds().flatMap((account) => {
    const open = books.statesOf(account).filter(isOwed);
    if (open.length === 0) return [];
    const fromMs = Math.min(...open.map(({ head }) => head.from)) - BEFORE_MS;
    return catalog.vmsOf(account).map((vm) => ({ vm, fromMs }));
  });
  return [...disputed.map((vm) => ({ vm, fromMs: 0 })), ...owed];
}
