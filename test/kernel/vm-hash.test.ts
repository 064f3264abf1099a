import { describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { partitionOf, vmHash } from '../../src/samples/vm-hash.ts';
import { readHashes } from '../support/frames.ts';
import { CLOCK, decodeContext, decoded } from './verdicts.ts';

/** Worked out by a program of its own. Logs and topics hold these values: a change here is a change of the stored formats. */
const PINNED: readonly (readonly [vm: string, hash: number, partitionOfTwelve: number])[] = [
  ['a', 0xc6b923bd, 9],
  ['Z', 0x8489de8f, 6],
  ['vm-000123', 0xe0575629, 10],
  ['web-01.dc2', 0x1c85e6db, 1],
  ['host_1.example:8', 0xa0152e93, 7],
  ['abcdefgh', 0x05b72d2f, 0],
  ['abcdefghi', 0xdd8511e3, 10],
  ['x'.repeat(64), 0xcf455a93, 9],
];

function hashInFrame(vm: string): number | undefined {
  const { frames } = decoded(new Decoder(), `{"vm":"${vm}","ts":${CLOCK.nowMs},"nic":"n"}`, 'ndjson', decodeContext());
  return readHashes(frames)[0];
}

describe('the hash of a VM', () => {
  it.each(PINNED)('of %s is the pinned one, in the host and in the frame', (vm, hash) => {
    expect(vmHash(vm)).toBe(hash);
    expect(hashInFrame(vm)).toBe(hash);
  });

  it.each(PINNED)('puts %s in its pinned partition', (_vm, hash, partition) => {
    expect(partitionOf(hash, 12)).toBe(partition);
  });

  it('is the same from the kernel and from the host for names of every length', () => {
    for (let length = 1; length <= 64; length++) {
      const name = Array.from({ length }, (_, i) => 'abcXYZ019._:-'[(i * 7 + length) % 13]).join('');
      expect(vmHash(name)).toBe(hashInFrame(name));
    }
  });

  it.each([2, 3, 8, 64])('spreads numbered names evenly over %i partitions', (partitions) => {
    const counts = new Array<number>(partitions).fill(0);
    const names = 64_000;
    for (let i = 0; i < names; i++) {
      const partition = partitionOf(vmHash(`vm-${i}`), partitions);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    // five standard deviations of a fair die
    const fair = names / partitions;
    for (const count of counts) expect(Math.abs(count - fair)).toBeLessThan(5 * Math.sqrt(fair));
  });
});
