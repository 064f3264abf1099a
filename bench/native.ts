/** The C twin of bench/baseline/c: built with the machine's compiler, run as a process of its own that measures itself. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { productRoot } from '../src/process/version.ts';
import type { Timed } from './harness.ts';
import { readRows, type MinuteRows } from './rows.ts';
import type { Workload } from './workload.ts';

const SOURCES = new URL('bench/baseline/c/', productRoot());
const FLAGS = ['-O3', '-march=native', '-flto', '-std=gnu11'];

export type NativeMode = 'rows' | 'decode' | 'aggregate';

export interface Native {
  readonly compiler: string;
  /** The workload once through, after a pass that is not counted; the lesser of wall and CPU time. */
  run(mode: NativeMode): Timed;
  rows(): MinuteRows;
  close(): void;
}

/** @returns null where there is no C compiler */
export function buildNative(work: Workload, vms: number): Native | null {
  const folder = mkdtempSync(join(tmpdir(), 'uptally-native-'));
  const close = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  const program = join(folder, 'twin');
  const compiler = process.env['CC'] ?? 'cc';
  let version: string;
  try {
    version = execFileSync(compiler, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? compiler;
  } catch {
    close();
    return null;
  }
  const sources = fileURLToPath(SOURCES);
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  execFileSync(compiler, [...FLAGS, '-o', program, ...files.map((name) => join(sources, name))]);
  const input = join(folder, 'work');
  writeFileSync(input, Buffer.concat(work.bodies.flatMap((body) => [lengthOf(body), body])));
  return {
    compiler: `${version} ${FLAGS.join(' ')}`,
    run(mode) {
      const answer = execFileSync(program, [input, String(vms), mode, '2'], { encoding: 'utf8' });
      const [units = NaN, wall = NaN, cpu = NaN] = answer.split(' ').map(Number);
      if (units !== work.samples) throw new Error(`the twin took ${units} samples of ${work.samples}`);
      return { units, seconds: Math.min(wall, cpu) };
    },
    rows() {
      const out = join(folder, 'rows');
      execFileSync(program, [input, String(vms), 'rows', '1', out]);
      return readRows([readFileSync(`${out}.uptime`)], [readFileSync(`${out}.traffic`)]);
    },
    close,
  };
}

function lengthOf(body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return head;
}
