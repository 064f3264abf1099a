/**
 * Makes calls of one piece of work share it: a call is answered by a run that began after the call did, and all that come while one is
 * running share the next. So who waits sees everything from before its call, and a thousand that wait cost one run.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      const run = work();
      running = run.catch(() => undefined);
      return run;
    });
    return next;
  };
}
