/** The seeds of a property test: 1 to `usual`, or those that UPTALLY_TEST_SEEDS=100-200 asks for. */
export function seeds(usual: number): number[] {
  const [from = 1, until = from] = (process.env['UPTALLY_TEST_SEEDS'] ?? `1-${usual}`).split('-').map(Number);
  return Array.from({ length: until - from + 1 }, (_, i) => from + i);
}
