import { type FollowOptions, Follower } from './follow.ts';
import type { Journal } from './journal.ts';
import type { Lease } from './lease.ts';

/** What goes on as long as a lease is held. */
export interface Holding {
  /** Ends it: the lease is another's, or the process stops. Resolves when nothing of it goes on. */
  end(): Promise<void>;
}

export interface HoldOptions {
  /** Begins what only the holder does. */
  readonly begin: () => Promise<Holding>;
  /** Told of what failed; it is tried again. */
  readonly onError: (error: unknown) => void;
  /** How often the lease is looked after. */
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;

/** Has something done by whoever holds a lease, from when this process has it until another has; the returned function ends that and gives it back. */
export function hold(lease: Lease, { begin, onError, everyMs = EVERY_MS }: HoldOptions): () => Promise<void> {
  let held: Holding | undefined;
  let closing = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    try {
      const isHeld = await lease.keep();
      if (isHeld) held ??= await begin();
      else if (held !== undefined) {
        const ending = held;
        held = undefined;
        await ending.end();
      }
    } catch (error) {
      onError(error);
    }
  };
  let turning = Promise.resolve();
  const turn = (): void => {
    turning = look().finally(() => {
      if (!closing) timer = setTimeout(turn, everyMs);
    });
  };
  turn();
  return async () => {
    closing = true;
    clearTimeout(timer);
    await turning;
    await held?.end();
    await lease.release().catch(onError);
  };
}

/**
 * A follower that of all processes only the lease's holder runs: what is recorded is delivered by one of them, in its order. After a holder that was stopped
 * without giving the lease back, entries that it had delivered and not acknowledged come again: once more, never never.
 */
export function followAlone(
  journal: Journal,
  lease: Lease,
  options: FollowOptions & Pick<HoldOptions, 'everyMs'>,
): () => Promise<void> {
  const { onError, everyMs } = options;
  const begin = async (): Promise<Holding> => {
    const follower = await Follower.start(journal, options);
    return { end: () => follower.close() };
  };
  return hold(lease, { begin, onError, ...(everyMs === undefined ? {} : { everyMs }) });
}
