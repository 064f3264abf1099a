/** `started_at`: only of what rounds have shown to be new, and never later than it was. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { libvirtReader } from '../../src/agent/libvirt.ts';
import { sysfsReader } from '../../src/agent/sysfs.ts';
import type { Reading } from '../../src/samples/reading.ts';
import { cannedVirsh, hostOf, uuidOf, type CannedDomain } from '../support/canned-virsh.ts';

const starts = ({ observations }: Reading): Record<string, number | undefined> =>
  Object.fromEntries(observations.map(({ vm, counters }) => [vm, counters?.startedAtMs]));

describe('libvirt says when a run began that it has seen begin', () => {
  const MAC = '52:54:00:ab:00:0';
  const running = (n: number, id: string): CannedDomain => ({
    ...{ name: `d${n}`, uuid: uuidOf(n), id, nics: [{ device: `vnet${id}`, mac: `${MAC}${n}`, rx: 1, tx: 2 }] },
  });
  const isOff = (n: number): CannedDomain => ({ name: `d${n}`, uuid: uuidOf(n), state: 5, reason: 1 });
  const answers: ReturnType<typeof hostOf> = {};
  const host = (...domains: CannedDomain[]): void => {
    for (const key of Object.keys(answers)) Reflect.deleteProperty(answers, key);
    Object.assign(answers, hostOf(domains));
  };

  it('not of what ran before; of what was off or not there since the round in which it was so, for as long as it runs', async () => {
    let now = 1000;
    const reader = libvirtReader({ virsh: cannedVirsh(answers), now: () => now });
    host(running(1, '3'), isOff(2));
    expect(starts(await reader.read())).toEqual({ d1: undefined, d2: undefined });
    now = 2000;
    host(running(1, '3'), running(2, '4'), running(3, '5'));
    expect(starts(await reader.read())).toEqual({ d1: undefined, d2: 1000, d3: 1000 });
    now = 3000;
    host(running(1, '6'), running(2, '4'), running(3, '5'));
    // that d1 was started again between two rounds shows its number only: it was not seen off
    expect(starts(await reader.read())).toEqual({ d1: undefined, d2: 1000, d3: 1000 });
  });

  it('not where a domain did not answer, and not where the clock went back', async () => {
    let now = 1000;
    const reader = libvirtReader({ virsh: cannedVirsh(answers), now: () => now });
    host(running(1, '3'), running(2, '4'));
    answers[`domid ${uuidOf(2)}`] = { error: 'error: timed out' };
    await reader.read();
    now = 2000;
    host(running(1, '3'), running(2, '4'));
    expect(starts(await reader.read())).toEqual({ d1: undefined, d2: undefined });
    now = 500;
    host(running(1, '3'), running(2, '4'), running(3, '5'));
    expect(starts(await reader.read())).toEqual({ d1: undefined, d2: undefined, d3: undefined });
  });

  it('not of a domain under a name that was not picked before', async () => {
    let now = 1000;
    const reader = libvirtReader({ virsh: cannedVirsh(answers), now: () => now, match: ['c*'] });
    host(running(1, '3'), { ...running(2, '2'), name: 'c2' });
    await reader.read();
    now = 2000;
    host({ ...running(1, '3'), name: 'c1' }, { ...running(2, '2'), name: 'c2' });
    await reader.read();
    expect(starts(await reader.read())).toEqual({ c1: undefined, c2: undefined });
  });
});

describe('sysfs says when a tap was made that it has seen come', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'uptally-starts-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const tap = (name: string, ifindex: number): void => {
    mkdirSync(join(root, name, 'statistics'), { recursive: true });
    for (const [file, text] of Object.entries({ ifindex, operstate: 'up', 'statistics/rx_bytes': 5, 'statistics/tx_bytes': 6 }))
      writeFileSync(join(root, name, file), `${text}\n`);
  };

  it('by its number, which is higher than all before; not of one that came back with an old one, or with a device', async () => {
    let now = 1000;
    const reader = sysfsReader({ root, now: () => now });
    tap('tap1', 7);
    expect(starts(await reader.read())).toEqual({ tap1: undefined });
    now = 2000;
    tap('tap2', 8);
    tap('tap3', 4);
    tap('tap4', 9);
    mkdirSync(join(root, 'tap4', 'device'));
    expect(starts(await reader.read())).toEqual({ tap1: undefined, tap2: 1000, tap3: undefined, tap4: undefined });
    now = 3000;
    rmSync(join(root, 'tap1'), { recursive: true });
    tap('tap1', 10);
    expect(starts(await reader.read())).toEqual({ tap1: 2000, tap2: 1000, tap3: undefined, tap4: undefined });
  });
});
