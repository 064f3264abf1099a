/** The process' clock; a test may put it wrong by UPTALLY_TEST_CLOCK_OFFSET_MS. */
export function clockOf(env: Readonly<Record<string, string | undefined>>, now: () => number): () => number {
  const offsetMs = Number(env['UPTALLY_TEST_CLOCK_OFFSET_MS'] ?? '0');
  return offsetMs === 0 ? now : () => now() + offsetMs;
}
