/**
 * Where the tests' servers keep their data: in memory where there is room, since they are killed but the machine is not (`npm run
 * test:powercut` is the test that needs a disk). What a killed process leaves behind goes with the folder. TMPDIR overrides.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** The suite's files take some tens of megabytes at a time; what is asked for is mostly for the servers themselves. */
const BYTES_FREE = 4 * 1024 ** 3;

export default function setup(): (() => void) | undefined {
  if (process.env['TMPDIR'] !== undefined || !existsSync(MEMORY)) return undefined;
  const { bavail, bsize } = statfsSync(MEMORY);
  if (Math.min(bavail * bsize, freemem()) < BYTES_FREE) return undefined;
  const folder = mkdtempSync(join(MEMORY, 'uptally-test-'));
  process.env['TMPDIR'] = folder;
  return () => {
    rmSync(folder, { recursive: true, force: true });
  };
}
