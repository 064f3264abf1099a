import { readFileSync } from 'node:fs';

/**
 * An epoch (SPEC §1) from whatever identifies one run of a counter: 32-bit FNV-1a over the parts. It must not depend on
 * the agent's own life, so that restarting the agent is no counter reset; a collision of two runs (1 in 2³²) is
 * harmless unless the counter also came back higher than it was.
 */
export function epochOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(parts.join('\0'), 'utf8')) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}

/**
 * The kernel's name for this boot: interface and domain numbers start again after it. Empty where there is none (not
 * Linux): then only the falling counter shows a reboot.
 */
export function readBootId(path = '/proc/sys/kernel/random/boot_id'): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
