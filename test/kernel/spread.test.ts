import { expect, it } from 'vitest';
import { drainAll, loadRecords } from '../../src/aggregate/steps.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { LAYOUT as L } from '../../src/kernel/layout.ts';
import { samplesRecord } from '../../src/log/record.ts';
import { below, randomOf } from '../support/random.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);
const decoder = new Decoder();

/** The traffic rows of one increase over [a, b), as the kernel writes them: minute, rx, tx. */
function kernelShares(aMs: number, bMs: number, rx: bigint, tx: bigint): [number, bigint, bigint][] {
  const kernel = new Kernel({ vms: 4, nics: 4, plans: 1, phases: 1, inputBytes: 65_536, framesBytes: 64, outputBytes: 2 ** 20 });
  // the limit is where it can't interfere
  kernel.setConstants({ stalenessMs: 90_000, latenessMs: 0, linkLimitBps: 2n ** 64n - 1n, clock: 'wall' });
  kernel.setU32(L.H_ARCHIVE, 1);
  const text = [`{"vm":"v","ts":${aMs},"rx_bytes":0,"tx_bytes":0}`, `{"vm":"v","ts":${bMs},"rx_bytes":${rx},"tx_bytes":${tx}}`];
  // a last sample, a minute on, so that every minute of the increase is passed
  text.push(`{"vm":"v","ts":${bMs + MINUTE_MS},"rx_bytes":${rx},"tx_bytes":${tx}}`);
  const decoded = decoder.decode([Buffer.from(text.join('\n'))], 'ndjson', { nowMs: bMs + DAY_MS, oldestMs: 0, patterns: null });
  if (decoded.outcome !== 'decoded' || decoded.accepted !== 3) throw new Error('the door refused the samples');
  loadRecords(kernel, [{ seq: 0, payload: samplesRecord('a', 3, decoded.frames) }]);
  const rows: [number, bigint, bigint][] = [];
  for (let more = 1; more !== 0;) {
    more = kernel.exports.aggregate();
    drainAll(kernel, ['traffic', 'uptime', 'samples', 'outages'], (output, bytes) => {
      if (output !== 'traffic') return;
      const view = Buffer.from(bytes);
      // "v", "": one byte of length and one of name, one of length; then minute, rx, tx, version
      for (let at = 0; at < view.length; at += 31) {
        rows.push([view.readUInt32LE(at + 3) / 60, view.readBigUInt64LE(at + 7), view.readBigUInt64LE(at + 15)]);
      }
    });
  }
  return rows;
}

/** The same by SPEC §2, in bigint. */
function shares(aMs: number, bMs: number, rx: bigint, tx: bigint): [number, bigint, bigint][] {
  const rows: [number, bigint, bigint][] = [];
  const cum = (increase: bigint, atMs: number): bigint => (increase * BigInt(atMs - aMs)) / BigInt(bMs - aMs);
  for (let minute = Math.floor(aMs / MINUTE_MS); minute * MINUTE_MS < bMs; minute++) {
    const low = Math.max(aMs, minute * MINUTE_MS);
    const high = Math.min(bMs, (minute + 1) * MINUTE_MS);
    const row: [number, bigint, bigint] = [minute, cum(rx, high) - cum(rx, low), cum(tx, high) - cum(tx, low)];
    if (row[1] > 0n || row[2] > 0n) rows.push(row);
  }
  return rows;
}

const MAX = 2n ** 64n - 1n;

it.each([
  ['one minute, the largest increase', 0, MINUTE_MS, MAX, MAX],
  ['a millisecond before a boundary and one after', MINUTE_MS - 1, MINUTE_MS + 1, 3n, 2n ** 51n + 1n],
  ['an hour, a product beyond 64 bits', 1234, 3_600_000, MAX, 1n],
  ['49 days: the last span that divides in 64 bits', 17, 49 * DAY_MS, MAX - 1n, 12_345_678_901_234_567n],
  ['50 days: the first that does not', 17, 50 * DAY_MS, MAX, 999_999_999_999_999_999n],
  ['90 days', 59_999, 90 * DAY_MS + 1, MAX - 7n, 2n ** 63n],
  ['fewer bytes than minutes', 0, 3 * DAY_MS, 7n, 0n],
])('shares out exactly: %s', (_, from, to, rx, tx) => {
  const found = kernelShares(START_MS + from, START_MS + to, rx, tx);
  const expected = shares(START_MS + from, START_MS + to, rx, tx);
  expect(found.length).toBe(expected.length);
  expect(found.findIndex((row, i) => String(row) !== String(expected[i]))).toBe(-1);
  expect(found.reduce((sum, row) => sum + row[1], 0n)).toBe(rx);
});

it('shares out exactly: random spans and increases', () => {
  const random = randomOf(64);
  for (let i = 0; i < 150; i++) {
    const from = START_MS + below(random, 10 * DAY_MS);
    const to = from + 1 + below(random, 10 ** (1 + below(random, 9)));
    // what even this link could have carried
    const most = 2n ** 51n * BigInt(to - from);
    const rx = (BigInt(below(random, 2 ** 31)) << BigInt(below(random, 33))) % most;
    const tx = BigInt(below(random, 2 ** 31)) % most;
    expect(kernelShares(from, to, rx, tx).join('\n')).toBe(shares(from, to, rx, tx).join('\n'));
  }
});
