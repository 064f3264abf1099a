import type { AgentLog, Reading } from './reading.ts';

/** Beyond it a clock was not adjusted but wrong, and the server took none of the samples from its future (SPEC §1). */
const STEP_BACK_MS_MAX = 300_000;

/**
 * Lets a reading pass only when it is later than every one before it, and holds each interface once. Two samples of one
 * interface at one instant would be a conflict; an earlier instant with a higher counter would look like a counter that
 * fell, and bill its whole value. `lastAtMs` is where an earlier run stopped.
 */
export function instantGuard(lastAtMs: number, log: AgentLog): (reading: Reading) => Reading | null {
  let last = lastAtMs;
  const warned = new Set<string>();
  return (reading) => {
    if (reading.atMs <= last) {
      const backMs = last - reading.atMs;
      if (backMs <= STEP_BACK_MS_MAX) {
        log('warn', 'the clock went back: samples are left out until it passes the last one', { back_ms: backMs });
        return null;
      }
      log('warn', 'the clock was far ahead before and is taken as it is now', { back_ms: backMs });
    }
    last = reading.atMs;
    const seen = new Set<string>();
    const observations = reading.observations.filter(({ vm, nic }) => {
      const key = `${vm} ${nic}`;
      if (!seen.has(key)) return seen.add(key);
      if (!warned.has(key) && warned.size < 1000) {
        warned.add(key);
        log('warn', `two sources are both named vm "${vm}", nic "${nic}"; only the first counts: check --map and --vm-from`);
      }
      return false;
    });
    return { atMs: reading.atMs, observations };
  };
}
