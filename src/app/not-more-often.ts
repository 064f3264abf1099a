/** Work that is not done more often than now and then: asked too soon, it answers at once with nothing done; asked meanwhile, with what is under way. */
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
