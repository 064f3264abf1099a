import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedWriter } from '../../src/log/embedded-log.ts';
import { bytesSaid, checkIsWhole, isReadAndWritten } from '../../src/log/whole-file.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'uptally-whole-'));
  path = join(dir, 'log');
  const log = openEmbeddedWriter({ path, onFatal: () => undefined });
  for (let i = 0; i < 40; i++) await log.append(Buffer.alloc(3000, i), 1);
  await log.close();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe('the file of a log', () => {
  it('says how long it is, and is not asked further when it is', () => {
    expect(bytesSaid(path)).toBeLessThanOrEqual(statSync(path).size);
    checkIsWhole(path, () => {
      throw new Error('nobody asks');
    });
  });

  it('that is shorter is read and written by another process: where that goes well nothing is said', () => {
    const asked: string[] = [];
    truncateSync(path, statSync(path).size - 4096);
    checkIsWhole(path, (each) => asked.push(each) > 0);
    expect(asked).toEqual([path]);
    expect(() => {
      checkIsWhole(path, () => false);
    }).toThrow(/was cut: it has \d+ bytes of \d+/);
  });

  it.each([0.2, 0.5, 0.8])('that was cut to a part of %s is refused when it is opened', (part) => {
    truncateSync(path, Math.floor(statSync(path).size * part));
    for (let tries = 0; tries < 2; tries++)
      expect(() => openEmbeddedWriter({ path, onFatal: () => undefined })).toThrow(/was cut: it has/);
  });

  it('that has all that is needed is read and written by another process', () => {
    expect(isReadAndWritten(path)).toBe(true);
  });

  it('that is none, or empty, or another, is left to others', () => {
    for (const bytes of ['', 'x', 'x'.repeat(100_000)]) {
      writeFileSync(path, bytes);
      checkIsWhole(path);
    }
    checkIsWhole(join(dir, 'none'));
  });
});
