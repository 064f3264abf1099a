import { expect, it } from 'vitest';
import { readLate } from '../../src/aggregate/late.ts';
import { drainAll, loadRecords } from '../../src/aggregate/steps.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { LAYOUT as L, OUTPUTS, type Output } from '../../src/kernel/layout.ts';
import { loadSnapshot, takeSnapshot } from '../../src/kernel/snapshot.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { fleetGroup, groupLog } from '../support/fleets.ts';
import { randomOf } from '../support/random.ts';

const CAPACITY = { vms: 200, nics: 6000, plans: 10, phases: 10, inputBytes: 2 ** 21, framesBytes: 64, outputBytes: 2 ** 21 };
const NAMES = Object.keys(OUTPUTS) as Output[];
const decoder = new Decoder();

function kernelOf(outputBytes: number, build: 'release' | 'debug' = 'release'): Kernel {
  const kernel = new Kernel({ ...CAPACITY, outputBytes }, build);
  kernel.setConstants({ stalenessMs: 90_000, latenessMs: 0, linkLimitBps: 100_000_000_000n, clock: 'wall' });
  kernel.setU32(L.H_ARCHIVE, 1);
  return kernel;
}

/** One step; the bytes of each output, and how often the kernel stopped to be drained. */
function step(kernel: Kernel, records: readonly LogRecord[]): { rows: string[]; drains: number } {
  const rows = new Map<Output, Uint8Array[]>(NAMES.map((name) => [name, []]));
  let drains = -2;
  loadRecords(kernel, records);
  for (const call of [() => kernel.exports.aggregate(), () => kernel.exports.settle()]) {
    for (let more = 1; more !== 0; drains++) {
      more = call();
      drainAll(kernel, NAMES, (output, bytes) => rows.get(output)?.push(bytes));
    }
  }
  // what pads a late sample is whatever the memory held: those are compared by what they say
  const text = (name: Output): string => {
    const bytes = Buffer.concat(rows.get(name) ?? []);
    if (name !== 'late') return bytes.toString('hex');
    return readLate(bytes)
      .map((sample) => Object.values(sample).map(String).join(' '))
      .join('\n');
  };
  return { rows: NAMES.map(text), drains };
}

function recordsOf(seed: number): LogRecord[] {
  const options = { stalenessMs: 90_000, latenessMs: 0, clock: 'wall' as const, linkLimitBps: 100_000_000_000n };
  const fleet = fleetGroup(seed, 30, { options, gapsMs: [3_600_000, 200_000_000] });
  const log = fleet.log.toSorted((a, b) => a.tsMs - b.tsMs);
  return groupLog(decoder, { ...fleet, log }, randomOf(seed), 20).records;
}

it.each([1, 2, 3])('writes the same rows when every output is so small that it stops all the time (%i)', (seed) => {
  const records = recordsOf(seed);
  const large = step(kernelOf(2 ** 21), records);
  for (const build of ['release', 'debug'] as const) {
    const small = step(kernelOf(8192, build), records);
    expect(small.drains).toBeGreaterThan(30);
    expect(small.rows).toEqual(large.rows);
  }
});

it('goes on from a snapshot as the kernel itself does, and refuses one of another capacity', () => {
  const records = recordsOf(4);
  const half = Math.floor(records.length / 2);
  const kernel = kernelOf(2 ** 21);
  step(kernel, records.slice(0, half));
  const snapshot = takeSnapshot(kernel);
  const other = kernelOf(2 ** 21);
  expect(loadSnapshot(other, snapshot)).toBe(true);
  expect(step(other, records.slice(half)).rows).toEqual(step(kernel, records.slice(half)).rows);
  expect(Buffer.compare(takeSnapshot(other), takeSnapshot(kernel))).toBe(0);
  const larger = new Kernel({ ...CAPACITY, vms: 201 });
  const before = takeSnapshot(larger);
  expect(loadSnapshot(larger, snapshot)).toBe(false);
  expect(loadSnapshot(larger, snapshot.subarray(0, 2000))).toBe(false);
  expect(Buffer.compare(takeSnapshot(larger), before)).toBe(0);
});
