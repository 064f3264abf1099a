import { expect, it } from 'vitest';
import type { RawSample } from '../../src/verify/recompute.ts';
import { VmModel } from '../../src/verify/recompute.ts';

const MINUTE_MS = 60_000;
const TERMS = { stalenessMs: 90_000, linkLimitBps: 100_000_000_000n };

/** Bytes of one interface a minute apart: a jump, two samples behind it, and back. */
const SAMPLES: readonly RawSample[] = [100n, 4_000_000_000_100n, 4_000_000_000_700n, 4_000_000_000_900n, 130n, 160n].map(
  (rx, i) => ({
    ...{ vm: 'v', nic: '', agent: 'a', condition: 'up', epoch: 0 },
    ...{ tsMs: i * MINUTE_MS, counters: { rx, tx: 0n }, logIndex: i, pos: i },
  }),
);

/** rx by minute, of windows that end after so many samples. */
function billed(ends: readonly number[]): { readonly rx: readonly bigint[]; readonly open: readonly number[] } {
  const model = new VmModel(TERMS);
  const rx: bigint[] = [0n, 0n, 0n, 0n, 0n];
  const open: number[] = [];
  let from = 0;
  for (const end of [...ends, SAMPLES.length]) {
    const { shares } = model.traffic(end * MINUTE_MS, SAMPLES.slice(from, end));
    for (const { minuteMs, rxBytes } of shares) rx[minuteMs / MINUTE_MS] = (rx[minuteMs / MINUTE_MS] ?? 0n) + rxBytes;
    open.push(model.openSinceMs());
    from = end;
  }
  return { rx, open };
}

it('takes slips back in windows that end anywhere, and holds nothing for certain meanwhile', () => {
  const once = billed([]).rx;
  expect(once).toEqual([7n, 8n, 7n, 8n, 30n]);
  for (let i = 1; i < SAMPLES.length; i++)
    for (let j = i; j < SAMPLES.length; j++) expect(billed(i === j ? [i] : [i, j]).rx).toEqual(once);
  expect(billed([1, 2, 3, 4, 5]).open).toEqual([0, 0, 0, 0, 4 * MINUTE_MS, 5 * MINUTE_MS]);
});
