import { expect, it } from 'vitest';
import { drainAll, loadRecords } from '../../src/aggregate/steps.ts';
import { findVm } from '../../src/aggregate/pricing.ts';
import { nicsOf, vmAddress, vmName } from '../../src/aggregate/vm-state.ts';
import { Decoder } from '../../src/kernel/decoder.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { FLAG_FORGOTTEN, LAYOUT as L, OUTPUTS, type Output } from '../../src/kernel/layout.ts';
import { loadSnapshot, takeSnapshot } from '../../src/kernel/snapshot.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { samplesRecord } from '../../src/log/record.ts';
import type { LoggedSample } from '../../src/verify/model/inforce.ts';
import { lineOf } from '../model/generate.ts';
import { fleetGroup } from '../support/fleets.ts';
import { below, randomOf } from '../support/random.ts';

const CAPACITY = { vms: 200, nics: 600, plans: 10, phases: 10, inputBytes: 2 ** 21, framesBytes: 64, outputBytes: 2 ** 21 };
const NAMES = Object.keys(OUTPUTS) as Output[];
const decoder = new Decoder();

function kernelOf(): Kernel {
  const kernel = new Kernel(CAPACITY, 'debug');
  kernel.setConstants({ stalenessMs: 90_000, latenessMs: 0, linkLimitBps: 100_000_000_000n, clock: 'event' });
  kernel.setU32(L.H_ARCHIVE, 1);
  return kernel;
}

/** One step of records of one sample each; the rows, with the position of each sample. */
function step(kernel: Kernel, samples: readonly LoggedSample[], firstSeq: number): string[] {
  const records = samples.map((sample, i): LogRecord => {
    const decoded = decoder.decode([Buffer.from(lineOf(sample))], 'ndjson', { nowMs: 8e14, oldestMs: 0, patterns: null });
    if (decoded.outcome !== 'decoded') throw new Error('not a sample');
    return { seq: firstSeq + i, payload: samplesRecord('a', 1, decoded.frames) };
  });
  loadRecords(kernel, records);
  const rows = new Map<Output, Uint8Array[]>(NAMES.map((name) => [name, []]));
  for (const call of [() => kernel.exports.aggregate(), () => kernel.exports.settle()]) {
    for (let more = 1; more !== 0;) {
      more = call();
      drainAll(kernel, NAMES, (output, bytes) => rows.get(output)?.push(bytes));
    }
  }
  // late samples name slots, which two kernels need not share
  return NAMES.filter((name) => name !== 'late').map((name) => Buffer.concat(rows.get(name) ?? []).toString('hex'));
}

function forget(kernel: Kernel, vms: readonly string[]): void {
  for (const vm of vms) {
    const slot = findVm(kernel, vm);
    if (slot === undefined) continue;
    const flags = vmAddress(kernel, slot) + L.VM_FLAGS;
    kernel.bytes[flags] = (kernel.bytes[flags] ?? 0) | FLAG_FORGOTTEN;
  }
  kernel.exports.forgetFlagged();
}

it.each([1, 2, 3, 4])('a kernel that has forgotten goes on as one that never knew, and has their room again (%i)', (seed) => {
  const random = randomOf(seed);
  const fleet = fleetGroup(seed, 20, { options: { clock: 'wall' } });
  const log = fleet.log.toSorted((a, b) => a.tsMs - b.tsMs).slice(0, 4000);
  const vms = [...new Set(log.map(({ vm }) => vm))];
  const forgetting = kernelOf();
  const never = kernelOf();
  const gone = new Set(vms.filter(() => random() < 0.4));
  const half = Math.floor(log.length / 2) + below(random, 50);
  const before = log.slice(0, half);
  step(forgetting, before, 0);
  const kept = before.filter(({ vm }) => !gone.has(vm));
  step(never, kept, half - kept.length);
  forget(forgetting, [...gone, 'nobody']);
  never.setI64(L.H_CLOCK, forgetting.i64(L.H_CLOCK));

  for (const field of [L.H_VMS, L.H_NICS, L.H_VMS_SEEN] as const) expect(forgetting.u32(field)).toBe(never.u32(field));
  const known = (kernel: Kernel): object[] =>
    Array.from({ length: kernel.u32(L.H_VMS) }, (_, slot) => ({
      vm: vmName(kernel, slot),
      found: findVm(kernel, vmName(kernel, slot)) === slot,
      nics: nicsOf(kernel, slot).map(({ key, firstTsMs, baseTsMs }) => ({ key, firstTsMs, baseTsMs })),
    }));
  expect(known(forgetting)).toEqual(known(never));
  for (const vm of gone) expect(findVm(forgetting, vm)).toBeUndefined();

  const loaded = kernelOf();
  expect(loadSnapshot(loaded, takeSnapshot(forgetting))).toBe(true);
  const after = log.slice(half);
  const rows = step(never, after, half);
  expect(step(forgetting, after, half)).toEqual(rows);
  expect(step(loaded, after, half)).toEqual(rows);
});

it('forgetting everybody leaves an empty kernel, again and again', () => {
  const kernel = kernelOf();
  for (let round = 0; round < 5; round++) {
    const vms = Array.from({ length: 200 }, (_, i) => `${round}-${i}${i % 3 === 0 ? 'x'.repeat(50) : ''}`);
    const samples = vms.map((vm): LoggedSample => ({ vm, nic: '', tsMs: 1_772_323_200_000 + round, counters: null, epoch: 0, condition: 'up', agent: 'a' })); // prettier-ignore
    step(kernel, samples, round * 1000);
    expect(kernel.u32(L.H_VMS)).toBe(200);
    forget(kernel, vms);
    expect([kernel.u32(L.H_VMS), kernel.u32(L.H_NICS), kernel.u32(L.H_VMS_SEEN)]).toEqual([0, 0, 0]);
  }
});
