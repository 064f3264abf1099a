import { deflateRawSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { writingOf } from '../../src/domain/signature.ts';

const LINE = '{"vm":"v","ts":1}\n';
const utf32 = (text: string): Buffer => Buffer.concat(Array.from(text, (char) => Buffer.of(char.charCodeAt(0), 0, 0, 0)));

it.each([
  ['UTF-8', Buffer.from(LINE), undefined],
  ['UTF-8 after a mark', Buffer.from(`\ufeff${LINE}`), undefined],
  ['nothing', Buffer.alloc(0), undefined],
  ['our binary format', Buffer.from('UPS\x01', 'latin1'), undefined],
  ['zeros', Buffer.alloc(8), undefined],
  ['what nobody can tell', deflateRawSync(LINE), undefined],
  ['UTF-16, little end first, with a mark', Buffer.from(`\ufeff${LINE}`, 'utf16le'), 'UTF-16'],
  ['the other end first', Buffer.from(`\ufeff${LINE}`, 'utf16le').swap16(), 'UTF-16'],
  ['UTF-16 without a mark', Buffer.from(LINE, 'utf16le'), 'UTF-16'],
  ['the other end first, without a mark', Buffer.from(LINE, 'utf16le').swap16(), 'UTF-16'],
  ['UTF-32', Buffer.concat([Buffer.from('fffe0000', 'hex'), utf32(LINE)]), 'UTF-32'],
  ['UTF-32 without a mark', utf32(LINE), 'UTF-32'],
  ['gzip', gzipSync(LINE), 'gzip'],
  ['zstd', Buffer.from('28b52ffd2412', 'hex'), 'zstd'],
  ['xz', Buffer.from('fd377a585a000004', 'hex'), 'xz'],
  ['bzip2', Buffer.from('BZh91AY'), 'bzip2'],
  ['zip', Buffer.from('PK\x03\x04\x14\x00', 'latin1'), 'zip'],
  ['lz4', Buffer.from('04224d186440', 'hex'), 'lz4'],
])('%s is told by how it begins', (_, bytes, writing) => {
  expect(writingOf(bytes)).toBe(writing);
});
