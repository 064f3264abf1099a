import { describe, expect, it } from 'vitest';
import { CHAIN_START } from '../../src/log/check.ts';
import { LogError } from '../../src/log/log.ts';
import { decodeHead, decodeTrim, EMPTY_HEAD, encodeHead, encodeTrim } from '../../src/log/marks.ts';
import { below, randomOf } from '../support/random.ts';
import { SegmentBuilder } from '../../src/log/segment.ts';
import { SegmentCursor } from '../../src/log/segment-cursor.ts';

const SIZES = [0, 1, 8, 61, 200];

function segment(firstSeq = 7): Uint8Array {
  const builder = new SegmentBuilder(firstSeq, 1000n, { ...CHAIN_START }, Buffer.allocUnsafeSlow(4096));
  for (const [i, size] of SIZES.entries()) builder.add(new Uint8Array(size).fill(i + 1), 10 * i);
  return builder.seal();
}

/** The records that can be read before the first that can't, and those that were put right. */
function walk(bytes: Uint8Array, firstSeq = 7): { records: Uint8Array[]; error: unknown; mended: number[] } {
  const records: Uint8Array[] = [];
  let cursor: SegmentCursor | undefined;
  try {
    cursor = new SegmentCursor(firstSeq, bytes);
    for (let length = cursor.nextBytes(); length !== null; length = cursor.nextBytes()) records.push(cursor.take(length).payload);
    return { records, error: undefined, mended: cursor.mended };
  } catch (error) {
    return { records, error, mended: cursor?.mended ?? [] };
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const damaged = new Uint8Array(bytes);
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return damaged;
}

describe('a segment', () => {
  it('is read as it was written whichever one of its bits is flipped, and says which record it was', () => {
    const good = walk(segment());
    expect(good.records.map((each) => each.length)).toEqual(SIZES);
    const bytes = segment();
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const { records, error, mended } = walk(flipped(bytes, bit));
      expect(error, `bit ${bit}`).toBeUndefined();
      expect(mended).toHaveLength(1);
      for (const [i, record] of records.entries()) expect(Buffer.compare(record, good.records[i] ?? Buffer.of(255))).toBe(0);
    }
  });

  it('is told to be damaged wherever two of its bits are flipped, and what is read before that is what was written', () => {
    const good = walk(segment());
    const bytes = segment();
    const random = randomOf(1);
    for (let turn = 0; turn < 3000; turn++) {
      const [a, b] = [below(random, 8 * bytes.length), below(random, 8 * bytes.length)];
      if (a === b) continue;
      const { records, error, mended } = walk(flipped(flipped(bytes, a), b));
      // each in a record of its own, or in the head
      if (error === undefined) expect(mended, `bits ${a} and ${b}`).toHaveLength(2);
      else expect(error).toMatchObject({ code: 'log_corrupt', retryable: false });
      for (const [i, record] of records.entries()) expect(Buffer.compare(record, good.records[i] ?? Buffer.of(255))).toBe(0);
    }
  });

  it('is told to be damaged wherever it is cut, and where another stands in its place', () => {
    const bytes = segment();
    for (let length = 0; length < bytes.length; length++) expect(walk(bytes.subarray(0, length)).error).toBeInstanceOf(LogError);
    expect(walk(bytes, 8).error).toMatchObject({
      message: expect.stringContaining('another segment stands in its place') as string,
    });
  });

  it('says the same of itself at a record, however its bytes lie in memory', () => {
    const bytes = segment();
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const marks = [bytes, shifted.subarray(1)].map((each) => {
      const cursor = new SegmentCursor(7, each);
      for (let length = cursor.nextBytes(); length !== null; length = cursor.nextBytes()) cursor.take(length);
      return cursor.mark;
    });
    expect(marks[0]).toEqual(marks[1]);
    expect(marks[0]?.samples).toBe(1100n);
  });

  it('lets a record that was given up be passed over, with the samples of the others still counted', () => {
    const bytes = segment();
    const cursor = new SegmentCursor(7, bytes);
    cursor.take(cursor.nextBytes() ?? 0);
    // two bits of the second record's only byte
    bytes[bytes.indexOf(2, 40 + 24)] = 7;
    expect(() => cursor.take(cursor.nextBytes() ?? 0)).toThrow('record 8 of the log is damaged: its checksum does not fit');
    expect(cursor.skip()).toBe(true);
    expect(cursor.seq).toBe(9);
    expect(cursor.mark?.samples).toBe(1010n);
    expect([...cursor.take(cursor.nextBytes() ?? 0).payload]).toEqual(Array(8).fill(3));
  });

  it('of the version before is read as it was written', () => {
    const bytes = Buffer.alloc(8 + 4 + 5 + 4);
    bytes.writeUInt32LE(1, 0);
    bytes.writeUInt32LE(2, 4);
    bytes.writeUInt32LE(5, 8);
    bytes.set([1, 2, 3, 4, 5], 12);
    expect(walk(bytes).records.map((each) => [...each])).toEqual([[1, 2, 3, 4, 5], []]);
    expect(new SegmentCursor(7, bytes).mark).toBeUndefined();
  });
});

describe("the log's marks", () => {
  const head = { nextSeq: 2 ** 40, samplesAppended: 2n ** 50n, check: '0123456789abcdef', logId: 'ab'.repeat(16), idSeq: 9 };
  const trim = { beforeSeq: 77, mark: { check: 'fedcba9876543210', samples: 5n } };

  it('are read as they were written', () => {
    expect(decodeHead(encodeHead(head))).toEqual(head);
    expect(decodeHead(encodeHead(EMPTY_HEAD))).toEqual(EMPTY_HEAD);
    expect(decodeTrim(encodeTrim(trim))).toEqual(trim);
    expect(decodeTrim(encodeTrim({ beforeSeq: 3, mark: undefined }))).toEqual({ beforeSeq: 3, mark: undefined });
  });

  it.each([
    ['head', encodeHead(head), decodeHead],
    ['trim mark', encodeTrim(trim), decodeTrim],
    ['trim mark', encodeTrim({ beforeSeq: 3, mark: undefined }), decodeTrim],
  ] as const)('are told to be damaged whichever bit is flipped: the %s', (name, bytes, decode) => {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decode(damaged)).toThrow(name);
    }
  });

  it('of the version before are read without a checksum', () => {
    const old = Buffer.alloc(16);
    old.writeBigUInt64BE(5n, 0);
    old.writeBigUInt64BE(40n, 8);
    expect(decodeHead(old)).toEqual({ ...EMPTY_HEAD, nextSeq: 5, samplesAppended: 40n });
    expect(decodeTrim(old.subarray(0, 8))).toEqual({ beforeSeq: 5, mark: undefined });
  });
});
