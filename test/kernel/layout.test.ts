import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoints } from '../../src/aggregate/checkpoint.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import {
  COUNTERS,
  COUNTER_WORDS,
  FIELD_NUMBERS,
  LAYOUT as L,
  READABLE_FOLDS,
  REJECTION_NUMBERS,
} from '../../src/kernel/layout.ts';
import { NO_FAULTS } from '../../src/process/faults.ts';
import { REJECTION_CODES, SAMPLE_FIELDS } from '../../src/samples/rejection.ts';

const WRITER = join(import.meta.dirname, '../../assembly/write-layout.mjs');
const CAPACITY = { vms: 3, nics: 5, plans: 2, phases: 7, inputBytes: 4096, framesBytes: 4096, outputBytes: 4096 };

describe('the memory map', () => {
  it('of the host is the one that the build writes', () => {
    expect(() => execFileSync(process.execPath, [WRITER, '--check'], { stdio: 'pipe' })).not.toThrow();
  });

  it('is as drawn: a header at 65536, the state from 66560 on, then the buffers, each after the one before', () => {
    const kernel = new Kernel(CAPACITY);
    expect([L.HEADER, L.HEADER + L.HEADER_SIZE, kernel.u32(L.H_VM_RECORDS)]).toEqual([65536, 66560, 66560]);
    const state = [L.H_VM_RECORDS, L.H_VM_COLD, L.H_NIC_RECORDS, L.H_VM_TABLE, L.H_NIC_TABLE, L.H_NAMES, L.H_PLANS, L.H_PHASES];
    const rest = [L.H_ZONES, L.H_TOUCHED, L.H_STATE_END];
    const buffers = [
      L.H_INPUT,
      L.H_FRAMES,
      L.H_REJECTS,
      L.H_PATTERNS,
      L.H_STACK,
      L.H_SCRATCH,
      L.H_TABLE,
      L.H_OUT,
      L.H_MEMORY_END,
    ];
    const places = [...state, ...rest].map((field) => kernel.u32(field));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(new Set(places).size).toBe(places.length);
    // the buffers begin where the state ends
    expect(kernel.u32(L.H_INPUT)).toBe(kernel.u32(L.H_STATE_END));
    const after = buffers.map((field) => kernel.u32(field));
    expect(after).toEqual(after.toSorted((a, b) => a - b));
  });

  it('numbers rejections and fields as the product names them, and has a counter for each', () => {
    expect(Object.keys(REJECTION_NUMBERS)).toEqual([...REJECTION_CODES]);
    expect(['', ...Object.keys(FIELD_NUMBERS)]).toEqual([...SAMPLE_FIELDS]);
    expect(COUNTER_WORDS).toBe(COUNTERS.rejected + REJECTION_CODES.length);
  });

  it('of another fold is no checkpoint of ours, but for those whose state is today’s', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'layout-'));
    const checkpoints = openCheckpoints(folder, NO_FAULTS);
    await checkpoints.write(7, Buffer.from('state'));
    const file = join(folder, '0000000000000007.checkpoint');
    const bytes = readFileSync(file);
    for (const fold of READABLE_FOLDS) {
      bytes.writeUInt32LE(fold, 16);
      writeFileSync(file, bytes);
      expect(Buffer.from(checkpoints.read(7) ?? []).toString()).toBe('state');
    }
    bytes.writeUInt32LE(12345, 16);
    writeFileSync(file, bytes);
    expect(checkpoints.read(7)).toBeUndefined();
  });
});
