/**
 * Work that many ask for at once is done once for all of them; who asks while it is under way gets the next round, which begins after he asked
 * and so sees what he saw.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return begin();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return begin();
      });
    return next;
  };
}

/** The same work, not more often than now and then: asked too soon, it answers at once with nothing done. */
export function notMoreOften(everyMs: number, now: () => number, work: () => Promise<void>): () => Promise<void> {
  let lastAt = -Infinity;
  let running: Promise<void> | undefined;
  return () => {
    if (running !== undefined) return running;
    if (now() - lastAt < everyMs) return Promise.resolve();
    lastAt = now();
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
