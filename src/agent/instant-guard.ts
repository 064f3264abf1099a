import type { AgentLog, Observation, Reading, Seen } from '../samples/reading.ts';

import { seenIn } from './round-report.ts';

/** Beyond it a clock was not adjusted but wrong, and the server took none of the samples from its future (SPEC §1). */
const STEP_BACK_MS_MAX = 300_000;

/**
 * Lets a reading pass only when it is later than every one before it, and holds each interface once. Two samples of one
 * interface at one instant would be a conflict; an earlier instant with a higher counter would look like a counter that
 * fell, and bill its whole value. `lastAtMs` is where an earlier run stopped.
 */
export function instantGuard(lastAtMs: number, log: AgentLog): (reading: Reading) => Reading | null {
  let last = lastAtMs;
  return (reading) => {
    if (reading.isTimed !== true && reading.atMs <= last) {
      const backMs = last - reading.atMs;
      if (backMs <= STEP_BACK_MS_MAX) {
        log('warn', 'the clock went back: samples are left out until it passes the last one', { back_ms: backMs });
        return null;
      }
      log('warn', 'the clock was far ahead before and is taken as it is now', { back_ms: backMs });
    }
    if (reading.isTimed !== true) last = reading.atMs;
    const seen = new Set<string>();
    const twice = new Set<Observation>();
    for (const observation of reading.observations) {
      const key = `${observation.vm} ${observation.nic} ${observation.atMs ?? ''}`;
      if (seen.has(key)) twice.add(observation);
      seen.add(key);
    }
    if (twice.size === 0) return reading;
    return {
      ...reading,
      observations: reading.observations.filter((observation) => !twice.has(observation)),
      seen: seenIn(reading).map((one): Seen => {
        if (one.observation === undefined || !twice.has(one.observation)) return one;
        const { vm, nic } = one.observation;
        const why = `another one is named vm "${vm}", nic "${nic}" too, and only the first counts: check --map and --vm-from`;
        return { source: one.source, result: 'twice', why };
      }),
    };
  };
}
