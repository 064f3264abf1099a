import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileProgram, type Program } from '../support/program.ts';

const ENTRIES = 23;

describe('a follower that is killed', () => {
  let program: Program;
  let folder: string;
  beforeAll(async () => {
    program = compileProgram('journal/programs/follower.ts');
    folder = await mkdtemp(join(tmpdir(), 'uptally-follow-'));
  });
  afterAll(async () => {
    program.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('between delivery and acknowledgement, or after it, skips nothing and is given again at most the page that it had', async () => {
    const told = join(folder, 'told');
    const lives: number[][] = [];
    for (const crash of [
      'after-deliver',
      'after-deliver:2',
      'after-keep-position',
      'after-keep-position:2',
      'after-deliver',
      '',
    ]) {
      const before = lives.flat().length;
      process.env['UPTALLY_TEST_CRASH'] = crash;
      const child = program.start([folder, told, String(ENTRIES)]);
      delete process.env['UPTALLY_TEST_CRASH'];
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      expect([code, signal], crash).toEqual(crash === '' ? [0, null] : [null, 'SIGKILL']);
      const seqs = (await readFile(told, 'utf8')).trim().split('\n').map(Number);
      lives.push(seqs.slice(before));
    }
    const all = lives.flat();
    expect([...new Set(all)]).toEqual(Array.from({ length: ENTRIES }, (_, i) => i + 1));
    // the first of a life follows what was acknowledged: of pages of five, so many were told and not acknowledged by then
    expect(lives.map((life) => life[0])).toEqual([1, 1, 6, 11, 21, 21]);
    for (const life of lives) expect(life).toEqual([...life].sort((a, b) => a - b));
  });
});
