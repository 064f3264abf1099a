import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseMapping, parseVmFrom } from '../../src/agent/naming.ts';
import { sysfsReader, type SysfsOptions } from '../../src/agent/sysfs.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uptally-sysfs-'));
  writeFileSync(join(root, 'boot_id'), 'boot-1\n');
  writeFileSync(join(root, 'bonding_masters'), '\n');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function iface(name: string, rx: string, tx: string, more: Record<string, string> = {}): void {
  mkdirSync(join(root, name, 'statistics'), { recursive: true });
  const files = { ifindex: '3', operstate: 'unknown', ifalias: '', ...more };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, name, file), `${text}\n`);
  writeFileSync(join(root, name, 'statistics', 'rx_bytes'), `${rx}\n`);
  writeFileSync(join(root, name, 'statistics', 'tx_bytes'), `${tx}\n`);
}

async function read(options: SysfsOptions = {}): Promise<string[]> {
  const reading = await sysfsReader({ root, bootIdPath: join(root, 'boot_id'), now: () => 42, ...options }).read();
  expect(reading.atMs).toBe(42);
  return reading.observations.map(
    (o) => `${o.vm}/${o.nic} rx=${o.counters?.rxBytes ?? 'none'} tx=${o.counters?.txBytes ?? 'none'} ${o.downCause ?? 'up'}`,
  );
}

async function epochOfTap(bootId = 'boot-1'): Promise<number | undefined> {
  writeFileSync(join(root, 'boot_id'), bootId);
  const { observations } = await sysfsReader({ root, bootIdPath: join(root, 'boot_id') }).read();
  return observations[0]?.counters?.epoch;
}

describe('sysfs', () => {
  it('picks the host ends of guests by default and turns their directions round', async () => {
    iface('eth0', '1', '2');
    iface('lo', '1', '2');
    iface('tap3', '10', '20');
    iface('vnet7', '30', '40');
    iface('g1', '50', '60', { tun_flags: '0x1002' });
    expect(await read()).toEqual(['g1/ rx=60 tx=50 up', 'tap3/ rx=20 tx=10 up', 'vnet7/ rx=40 tx=30 up']);
  });

  it('picks by pattern, and leaves the directions of ordinary interfaces alone', async () => {
    iface('eth0', '18446744073709551615', '2');
    iface('eth1', '1', '2');
    iface('lo', '5', '6');
    expect(await read({ match: ['eth?', 'lo'] })).toEqual([
      'eth0/ rx=18446744073709551615 tx=2 up',
      'eth1/ rx=1 tx=2 up',
      'lo/ rx=5 tx=6 up',
    ]);
  });

  it.each([
    ['auto', 'rx=20 tx=10', 'rx=1 tx=2'],
    ['host', 'rx=20 tx=10', 'rx=2 tx=1'],
    ['guest', 'rx=10 tx=20', 'rx=1 tx=2'],
  ] as const)('direction %s', async (direction, tap, eth) => {
    iface('eth0', '1', '2');
    iface('tap3', '10', '20');
    expect(await read({ match: ['*'], direction })).toEqual([`eth0/ ${eth} up`, `tap3/ ${tap} up`]);
  });

  it('names by map, alias or pattern', async () => {
    iface('tap100i1', '1', '2', { ifalias: 'web' });
    iface('tap9', '1', '2');
    expect(await read({ map: new Map([parseMapping('tap100i1=vm-17:net1')]) })).toEqual(['vm-17/net1 rx=2 tx=1 up']);
    expect(await read({ vmFrom: parseVmFrom('alias') })).toEqual(['web/ rx=2 tx=1 up', 'tap9/ rx=2 tx=1 up']);
    expect(await read({ vmFrom: parseVmFrom('/^tap(\\d+)i(\\d+)$/') })).toEqual(['100/1 rx=2 tx=1 up']);
  });

  it('leaves out what has no valid name, and says what to do', async () => {
    iface('tap1', '1', '2', { ifalias: 'not a name' });
    const { observations, seen = [] } = await sysfsReader({ root, vmFrom: { kind: 'alias' } }).read();
    expect(observations).toEqual([]);
    expect(seen).toMatchObject([
      { source: 'tap1', result: 'bad_name', why: expect.stringContaining('--map tap1=VM') as unknown },
    ]);
  });

  it('reports a link that is down, with the cause it is told to', async () => {
    iface('tap1', '1', '2', { operstate: 'down' });
    expect(await read()).toEqual(['tap1/ rx=2 tx=1 provider']);
    expect(await read({ downCause: 'customer' })).toEqual(['tap1/ rx=2 tx=1 customer']);
  });

  it.each([
    ['macvtap0', 'eth0', 'lowerlayerdown', 'provider'],
    ['vlan7', 'bond0', 'lowerlayerdown', 'provider'],
    ['guest-ipvlan', 'eth0', 'lowerlayerdown', 'provider'],
    ['macvtap0', 'eth0', 'down', 'customer'],
    ['macvtap0', 'eth0', 'up', 'up'],
    ['macvtap0', 'eth0', 'dormant', 'up'],
    // the other end of a cable is the guest's own
    ['veth100i0', null, 'lowerlayerdown', 'up'],
    ['tap1', null, 'lowerlayerdown', 'up'],
    ['tap1', null, 'notpresent', 'up'],
    ['tap1', null, 'testing', 'up'],
  ])('of %s upon %s a link that is %s is %s', async (name, lower, operstate, says) => {
    iface(name, '1', '2', { operstate });
    if (lower !== null) symlinkSync(join('..', lower), join(root, name, `lower_${lower}`));
    const [line] = await read({ match: [name], downCause: 'customer', direction: 'guest' });
    expect(line).toBe(`${name}/ rx=1 tx=2 ${says}`);
  });

  it('changes the epoch with a new interface or boot, never with the agent', async () => {
    iface('tap1', '1', '2', { ifindex: '7' });
    const first = await epochOfTap();
    expect(await epochOfTap()).toBe(first);
    expect(await epochOfTap('boot-2')).not.toBe(first);
    iface('tap1', '0', '0', { ifindex: '8' });
    expect(await epochOfTap()).not.toBe(first);
    expect(Number.isInteger(first) && Number(first) >= 0 && Number(first) < 2 ** 32).toBe(true);
  });

  it("reads this machine's own loopback", async () => {
    const { observations } = await sysfsReader({ match: ['lo'] }).read();
    expect(observations).toHaveLength(process.platform === 'linux' ? 1 : 0);
  });
});

describe('mappings', () => {
  it.each([
    ['tap0=a', 'a', ''],
    ['tap0=a:n', 'a', 'n'],
    ['tap0=a:b:n', 'a:b', 'n'],
    ['tap0=a:b:', 'a:b', ''],
  ])('%s', (text, vm, nic) => {
    expect(parseMapping(text)).toEqual(['tap0', { vm, nic }]);
  });
  it.each(['', 'tap0', '=a', 'tap0='])('refuses %j', (text) => {
    expect(() => parseMapping(text)).toThrow('NAME=VM');
  });
  it.each(['', 'mac', '/(/', '//'])('refuses to name by %j', (text) => {
    expect(() => parseVmFrom(text)).toThrow();
  });
});
