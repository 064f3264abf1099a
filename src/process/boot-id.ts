import { readFileSync } from 'node:fs';

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
