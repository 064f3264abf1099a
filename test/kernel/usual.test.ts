import { describe, expect, it } from 'vitest';
import { Decoder } from '../../src/kernel/decoder.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { LAYOUT as L, OUTPUTS, type Output } from '../../src/kernel/layout.ts';
import { samplesRecord } from '../../src/log/record.ts';
import { dice } from './lines.ts';

const START_MS = 1_767_225_600_000;
const VMS = 40;

/** A fleet's lines, a step each: most samples usual, some idle, reset, down, state-only, of a second interface, or left out. */
function steps(seed: number): string[] {
  const roll = dice(seed);
  const counters = Array.from(
    { length: VMS * 2 },
    () => [BigInt(roll(2 ** 31)), 2n ** 63n - BigInt(roll(2 ** 20))] as [bigint, bigint],
  );
  return Array.from({ length: 40 }, (_, step) => {
    const order = Array.from({ length: VMS }, (_, i) => i);
    if (roll(3) === 0) for (let i = VMS - 1; i > 0; i--) order.splice(roll(i + 1), 0, ...order.splice(i, 1));
    return order
      .flatMap((vm) => {
        if (roll(20) === 0) return [];
        const nics = vm % 5 === 0 ? [0, 1] : [0];
        return nics.map((nic) => {
          const at = counters[vm * 2 + nic] as [bigint, bigint];
          if (roll(30) === 0) at[0] = at[1] = 0n;
          else if (roll(6) !== 0) at[0] += BigInt(roll(2 ** 24));
          if (roll(6) !== 0) at[1] += BigInt(roll(100) === 0 ? 2 ** 45 : roll(2 ** 20));
          const ts = START_MS + step * 10_000 + (vm % 7 === 0 ? 0 : vm * 200);
          const rest = roll(40) === 0 ? '' : `,"rx_bytes":${at[0]},"tx_bytes":${at[1] % 2n ** 64n}`;
          const name = vm % 4 === 0 ? `a-rather-long-name-of-a-machine-${vm}` : `vm-${vm}`;
          return `{"vm":"${name}","ts":${ts},"nic":"${nic === 0 ? 'e0' : '52:54:00:12:34:56'}"${rest}${roll(25) === 0 ? ',"state":"down"' : ''}}\n`;
        });
      })
      .join('');
  });
}

/** Everything the kernel writes for these lines but the raw rows, which name the agent. */
function rowsOf(lines: readonly string[], agent: string): Record<string, string> {
  const decoder = new Decoder();
  const kernel = new Kernel({
    vms: 64,
    nics: 128,
    plans: 4,
    phases: 4,
    inputBytes: 1 << 16,
    framesBytes: 64,
    outputBytes: 1 << 17,
  });
  kernel.setConstants({ stalenessMs: 90_000, latenessMs: 120_000, linkLimitBps: 100_000_000_000n, clock: 'wall' });
  kernel.setU32(L.H_ARCHIVE, 1);
  const rows: Record<string, string> = {};
  const drain = (): void => {
    for (const output of Object.keys(OUTPUTS) as Output[]) {
      const text = Buffer.from(kernel.drain(output)).toString('hex');
      if (output !== 'late')
        rows[output] = (rows[output] ?? '') + (output === 'samples' ? text.replaceAll(named(agent), '') : text);
    }
  };
  lines.forEach((body, seq) => {
    const answer = decoder.decode([Buffer.from(body)], 'ndjson', { nowMs: START_MS + 1e9, oldestMs: 0, patterns: null });
    if (answer.outcome !== 'decoded' || answer.rejected > 0) throw new Error('the lines are not valid');
    const record = samplesRecord(agent, answer.accepted, answer.frames);
    const at = kernel.u32(L.H_INPUT);
    kernel.setU32(at, record.length);
    kernel.setU64(at + 8, BigInt(seq + 1));
    kernel.bytes.set(record, at + L.ENVELOPE);
    kernel.setU32(L.H_CURSOR, at);
    kernel.setU32(L.H_CURSOR_END, at + L.ENVELOPE + ((record.length + 7) & ~7));
    while (kernel.exports.aggregate() !== 0) drain();
    drain();
  });
  while (kernel.exports.settle() !== 0) drain();
  drain();
  return { ...rows, counters: kernel.counters().join(' ') };
}

/** An agent's name as a raw row holds it. */
function named(agent: string): string {
  return Buffer.from(String.fromCharCode(agent.length) + agent, 'latin1').toString('hex');
}

describe('a sample that is taken in the short way', () => {
  // an agent whose name is longer than 32 bytes is left to the way that knows every case
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('leaves the same rows as in the long one (%i)', (seed) => {
    const lines = steps(seed);
    const short = rowsOf(lines, 'agent');
    expect(short['samples']?.length).toBeGreaterThan(100_000);
    expect(short['traffic']?.length).toBeGreaterThan(10_000);
    expect(short).toEqual(rowsOf(lines, 'an agent with a name of more than 32 bytes'));
  });
});
