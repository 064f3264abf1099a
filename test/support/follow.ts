import { type FollowOptions, Follower } from '../../src/journal/follow.ts';
import type { Journal } from '../../src/journal/journal.ts';

export interface Following {
  readonly follower: Follower;
  /** Resolves when everything up to an entry has been delivered. */
  readonly reached: (seq: bigint) => Promise<void>;
  readonly close: () => Promise<void>;
}

type Options = Omit<FollowOptions, 'onError'> & Partial<Pick<FollowOptions, 'onError'>>;

/** A follower whose test waits for what it has come to. */
export async function follow(journal: Journal, { deliver, onError = () => undefined, ...options }: Options): Promise<Following> {
  let looked: () => void = () => undefined;
  const follower = await Follower.start(journal, {
    ...options,
    onError,
    deliver: async (entries) => {
      await deliver(entries);
      // after the position has moved on
      setImmediate(() => {
        looked();
      });
    },
  });
  return {
    follower,
    async reached(seq) {
      while (follower.position < seq) {
        await new Promise<void>((resolve) => {
          looked = resolve;
          if (follower.position >= seq) resolve();
        });
      }
    },
    close: () => follower.close(),
  };
}
