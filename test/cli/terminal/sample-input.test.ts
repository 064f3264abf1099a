import { describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { sampleInput } from '../../../src/cli/terminal/sample-input.ts';

const LINES = '{"vm":"a","ts":1}\n{"vm":"b","ts":2}\n';

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function textOf(bytes: Buffer, size: number): Promise<{ text: string; inflated: boolean }> {
  const { chunks, inflated } = await sampleInput('march.ndjson', cut(bytes, size));
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return { text: Buffer.concat(all).toString(), inflated };
}

describe.each([1, 3, 4096])('a file in chunks of %i bytes', (size) => {
  it.each([
    ['as it is', Buffer.from(LINES), LINES, false],
    ['after a byte order mark', Buffer.from(`\ufeff${LINES}`), LINES, false],
    ['with gzip', gzipSync(LINES), LINES, true],
    ['with gzip, after a mark', gzipSync(`\ufeff${LINES}`), LINES, true],
    ['with gzip in several members', Buffer.concat([gzipSync(LINES), gzipSync(LINES)]), LINES + LINES, true],
    ['with nothing in it', Buffer.alloc(0), '', false],
    ['with gzip and nothing in it', gzipSync(''), '', true],
    ['that is shorter than any mark', Buffer.from('{}'), '{}', false],
  ])('%s', async (_, bytes, text, inflated) => {
    expect(await textOf(bytes, size)).toEqual({ text, inflated });
  });

  it.each([
    ['UTF-16', Buffer.from(`\ufeff${LINES}`, 'utf16le'), 'is in UTF-16, samples are in UTF-8: iconv -f UTF-16'],
    ['UTF-16 without a mark', Buffer.from(LINES, 'utf16le'), 'is in UTF-16'],
    ['UTF-16 under gzip', gzipSync(Buffer.from(LINES, 'utf16le')), 'is in UTF-16'],
    [
      'zstd',
      Buffer.from('28b52ffd2412a9', 'hex'),
      'is compressed with zstd, which this command cannot read: zstdcat march.ndjson |',
    ],
    ['xz', Buffer.from('fd377a585a000004', 'hex'), 'is compressed with xz, which this command cannot read: xzcat march.ndjson |'],
    ['bzip2', Buffer.from('BZh91AY&SY'), 'bzcat'],
    ['zip', Buffer.from('PK\x03\x04\x14\x00', 'latin1'), 'unzip -p'],
    ['gzip twice', gzipSync(gzipSync(LINES)), 'is compressed with gzip twice'],
    ['half of gzip', gzipSync(LINES.repeat(1000)).subarray(0, 60), 'is not whole gzip'],
  ])('in %s is named', async (_, bytes, said) => {
    await expect(textOf(bytes, size)).rejects.toThrow(said);
  });
});
