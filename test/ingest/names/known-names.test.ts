import { describe, expect, it } from 'vitest';
import { KnownNames } from '../../../src/ingest/names/known-names.ts';
import { Decoder } from '../../../src/kernel/decoder.ts';

const decoder = new Decoder();
const NOW = 1_800_000_000_000;

/** Frames of a request that names these interfaces (`vm/nic`); the values differ from call to call. */
let value = 0;
function framesOf(names: readonly string[]): Uint8Array {
  const lines = names.map((each) => {
    const [vm, nic] = each.split('/');
    return JSON.stringify({ vm, nic, ts: NOW - ++value, rx_bytes: value * 977, tx_bytes: value });
  });
  const decoded = decoder.decode([Buffer.from(lines.join('\n'))], 'ndjson', { nowMs: NOW, oldestMs: 0, patterns: null });
  if (decoded.outcome !== 'decoded' || decoded.accepted !== names.length) throw new Error('the names were not taken');
  return new Uint8Array(decoded.frames);
}

describe('names that are known', () => {
  it('are found again whatever the values', () => {
    const known = new KnownNames();
    known.add(framesOf(['a/eth0', 'b/eth0', 'a/eth1']));
    expect(known.has(framesOf(['a/eth0', 'b/eth0', 'a/eth1']))).toBe(true);
  });

  it.each([
    ['fewer', ['a/eth0', 'b/eth0']],
    ['more', ['a/eth0', 'b/eth0', 'a/eth1', 'c/eth0']],
    ['another VM', ['a/eth0', 'c/eth0', 'a/eth1']],
    ['another VM at the beginning', ['c/eth0', 'b/eth0', 'a/eth1']],
    ['another interface at the end', ['a/eth0', 'b/eth0', 'a/eth2']],
    ['the same letters otherwise divided', ['a/eth0', 'be/th0', 'a/eth1']],
    ['nothing that was added', ['x/eth0']],
  ])('are not taken for %s', (_, names) => {
    const known = new KnownNames();
    known.add(framesOf(['a/eth0', 'b/eth0', 'a/eth1']));
    expect(known.has(framesOf(names))).toBe(false);
  });

  it('are those added last of the requests that begin alike', () => {
    const known = new KnownNames();
    known.add(framesOf(['a/eth0', 'b/eth0']));
    known.add(framesOf(['a/eth0', 'c/eth0']));
    expect(known.has(framesOf(['a/eth0', 'b/eth0']))).toBe(false);
    expect(known.has(framesOf(['a/eth0', 'c/eth0']))).toBe(true);
  });

  it('are forgotten, the first ones first, where they would take too much memory', () => {
    const known = new KnownNames(1000);
    const requests = Array.from({ length: 20 }, (_, i) => [`vm-${i}/eth0`]);
    for (const names of requests) known.add(framesOf(names));
    const kept = requests.map((names) => known.has(framesOf(names)));
    expect(kept.indexOf(true)).toBeGreaterThan(10);
    expect(kept.lastIndexOf(false)).toBe(kept.indexOf(true) - 1);
  });

  it('are exactly those that were added, of 2,000 random requests over few names', () => {
    const known = new KnownNames();
    const added = new Map<string, string>();
    let x = 1;
    const random = (n: number): number => ((x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0) >>> 8) % n;
    for (let i = 0; i < 2000; i++) {
      const names = Array.from(
        { length: 1 + random(4) },
        () => `${'ab'.slice(random(2))}${random(2)}/${'n'.repeat(1 + random(2))}`,
      );
      const frames = framesOf(names);
      const start = `${names[0]?.split('/')[0] ?? ''} ${frames.length}`;
      expect(known.has(frames)).toBe(added.get(start) === names.join());
      if (random(3) === 0) {
        known.add(frames);
        added.set(start, names.join());
      }
    }
  });
});
