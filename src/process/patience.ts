/**
 * Deadlines that others are judged by. A process that was stopped (SIGSTOP, a snapshot, a live migration, a starved machine) finds its timers due when it
 * goes on, though those it waits for had no chance to be heard: so who was held up itself gives them the whole time again.
 */

/** A deadline is looked at this often; a look that comes so much later than it should was held up. */
const SLICE_MS = 1_000;
const LATE_MS = 1_000;
/** Whoever is held up all the time must judge some day. */
const FRESH_STARTS_MAX = 12;

/** Runs the action once after `delayMs` of this process' own running, unless cancelled by the function it returns. */
export function afterOwnTime(
  delayMs: number,
  action: () => void,
  monotonicMs: () => number = () => performance.now(),
): () => void {
  let leftMs = delayMs;
  let freshStarts = 0;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const sliceMs = Math.min(SLICE_MS, leftMs);
    const startedMs = monotonicMs();
    timer = setTimeout(() => {
      const isHeldUp = monotonicMs() - startedMs - sliceMs >= LATE_MS && freshStarts < FRESH_STARTS_MAX;
      if (isHeldUp) freshStarts += 1;
      leftMs = isHeldUp ? delayMs : leftMs - sliceMs;
      if (leftMs > 0) wait();
      else action();
    }, sliceMs);
  };
  wait();
  return () => {
    clearTimeout(timer);
  };
}
