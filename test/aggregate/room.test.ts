/** How many names are new is asked by the door at any moment: also while the records before are half taken in. */
import { expect, it } from 'vitest';
import { countNew } from '../../src/aggregate/room.ts';
import { drainAll, loadRecords } from '../../src/aggregate/steps.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { LAYOUT as L, OUTPUTS, type Output } from '../../src/kernel/layout.ts';
import { samplesRecord } from '../../src/log/record.ts';

const START_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const decoder = new Decoder();

function framesOf(...samples: readonly object[]): Uint8Array {
  const body = Buffer.from(samples.map((sample) => JSON.stringify(sample)).join('\n'));
  const decoded = decoder.decode([body], 'ndjson', { nowMs: START_MS + 30 * DAY_MS, oldestMs: 0, patterns: null });
  if (decoded.outcome !== 'decoded' || decoded.accepted !== samples.length) throw new Error('the door refused the samples');
  return Uint8Array.from(decoded.frames);
}

/** Every row of a sample and of one ten days later, with `between` called each time that an output was full. */
function rowsWith(between: (kernel: Kernel) => void): { rows: string[]; pauses: number } {
  const kernel = new Kernel({ vms: 4, nics: 4, plans: 1, phases: 1, inputBytes: 65_536, framesBytes: 64, outputBytes: 65_536 });
  kernel.setConstants({ stalenessMs: 90_000, latenessMs: 0, linkLimitBps: 2n ** 64n - 1n, clock: 'wall' });
  kernel.setU32(L.H_ARCHIVE, 1);
  const rows: string[] = [];
  let pauses = 0;
  const at = (ms: number, bytes: number): object => ({ vm: 'v', ts: START_MS + ms, rx_bytes: bytes, tx_bytes: bytes });
  for (const [seq, sample] of [at(0, 0), at(10 * DAY_MS, 1e12), at(10 * DAY_MS + 60_000, 1e12)].entries()) {
    loadRecords(kernel, [{ seq, payload: samplesRecord('a', 1, framesOf(sample)) }]);
    for (let more = 1; more !== 0;) {
      more = kernel.exports.aggregate();
      drainAll(kernel, Object.keys(OUTPUTS) as Output[], (output, bytes) =>
        rows.push(`${output} ${Buffer.from(bytes).toString('hex')}`),
      );
      if (more === 0) continue;
      pauses += 1;
      between(kernel);
    }
  }
  return { rows, pauses };
}

it('asking for names between two parts of a step changes no row of it', () => {
  const asked = framesOf({ vm: 'x'.repeat(64), ts: START_MS }, { vm: 'v', ts: START_MS }, { vm: 'y', nic: 'n', ts: START_MS });
  const undisturbed = rowsWith(() => undefined);
  expect(undisturbed.pauses).toBeGreaterThan(3);
  const disturbed = rowsWith((kernel) => {
    expect(countNew(kernel, asked)).toMatchObject({ vms: 2 });
  });
  expect(disturbed).toEqual(undisturbed);
});
