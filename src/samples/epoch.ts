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
