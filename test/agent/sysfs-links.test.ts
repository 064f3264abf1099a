import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseVmFrom } from '../../src/agent/naming.ts';
import { sysfsReader, type SysfsOptions } from '../../src/agent/sysfs.ts';

let root: string;
let number: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uptally-links-'));
  number = 0;
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Made {
  readonly ifindex?: number;
  readonly iflink?: number;
  readonly tun?: 'tap' | 'tun';
  readonly alias?: string;
  readonly lower?: string;
}

/** An interface as the kernel shows it. */
function iface(name: string, { ifindex = ++number, iflink = ifindex, tun, alias = '', lower }: Made = {}): void {
  const folder = join(root, name);
  mkdirSync(join(folder, 'statistics'), { recursive: true });
  const files: Record<string, string> = {
    ifindex: String(ifindex),
    iflink: String(iflink),
    ifalias: alias,
    operstate: 'up',
    'statistics/rx_bytes': '10',
    'statistics/tx_bytes': '20',
    ...(tun === undefined ? {} : { tun_flags: tun === 'tap' ? '0x1002' : '0x1001' }),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), `${text}\n`);
  if (lower !== undefined) symlinkSync(join('..', lower), join(folder, `lower_${lower}`));
}

async function picked(options: SysfsOptions = {}): Promise<string[]> {
  return (await sysfsReader({ root, ...options }).read()).observations.map(({ vm }) => vm);
}
async function reasons(options: SysfsOptions = {}): Promise<Record<string, string>> {
  const { seen = [] } = await sysfsReader({ root, ...options }).read();
  return Object.fromEntries(seen.map(({ source, result }) => [source, result]));
}

describe('by default each frame is metered under one name', () => {
  it('on Proxmox VE with its firewall: the guest’s own end', async () => {
    for (const name of ['tap101i0', 'tap101i1']) iface(name, { tun: 'tap' });
    for (const name of ['fwbr101i0', 'fwbr105i0', 'fwln101i0', 'fwpr101p0', 'fwpr105p0', 'vmbr0', 'enp5s0']) iface(name);
    iface('veth105i0', { iflink: 2_000 });
    expect(await picked()).toEqual(['tap101i0', 'tap101i1', 'veth105i0']);
    expect(await reasons()).toMatchObject({ fwpr101p0: 'same_frames', fwln101i0: 'same_frames', vmbr0: 'no_guest_end' });
  });

  it('on OpenStack with the hybrid plug, and not at its address servers and routers', async () => {
    iface('tap2c714c60-c8', { tun: 'tap' });
    for (const name of ['qbr2c714c60-c8', 'qvo2c714c60-c8', 'qvb2c714c60-c8']) iface(name);
    iface('tap99999999-01', { iflink: 2_000 });
    iface('tap99999999-02');
    expect(await picked()).toEqual(['tap2c714c60-c8']);
    expect(await reasons()).toMatchObject({
      'qvo2c714c60-c8': 'same_frames',
      'tap99999999-01': 'no_guest_end',
      'tap99999999-02': 'no_guest_end',
    });
  });

  it.each<[string, () => void, string[]]>([
    [
      'a VLAN upon a tap',
      () => {
        iface('vnet0.100', { iflink: 1, lower: 'vnet0' });
      },
      ['vnet0'],
    ],
    [
      'a bond of taps',
      () => {
        iface('tapbond', { lower: 'vnet0' });
      },
      ['vnet0'],
    ],
    [
      'an ifb beside a tap',
      () => {
        iface('ifb0');
      },
      ['vnet0'],
    ],
    [
      'a VPN',
      () => {
        iface('tun0', { tun: 'tun' });
      },
      ['vnet0'],
    ],
    [
      'a tunnel that is called like a tap',
      () => {
        iface('tap-vpn', { tun: 'tun' });
      },
      ['vnet0'],
    ],
    [
      'a macvtap upon the card',
      () => {
        iface('macvtap0', { iflink: 1_000 });
      },
      ['vnet0'],
    ],
    [
      'the patch port of a switch',
      () => {
        iface('patch-int');
      },
      ['vnet0'],
    ],
  ])('%s adds none', async (_, more, expected) => {
    iface('vnet0', { tun: 'tap' });
    more();
    expect(await picked()).toEqual(expected);
  });

  it('a cable both ends of which are here is none of a guest', async () => {
    iface('veth1i0', { ifindex: 11, iflink: 12 });
    iface('veth2i0', { ifindex: 12, iflink: 11 });
    // this one's other end has that number in another namespace
    iface('veth3i0', { ifindex: 13, iflink: 11 });
    expect(await picked()).toEqual(['veth3i0']);
  });

  it('containers with names made at random are picked only where a rule names them', async () => {
    iface('veth1a2b3c4', { iflink: 2_000, alias: 'web' });
    iface('lxcd00f', { iflink: 2_000 });
    expect(await picked()).toEqual([]);
    expect(await picked({ vmFrom: parseVmFrom('alias') })).toEqual(['web']);
    expect(await picked({ vmFrom: parseVmFrom('/^(lxc.*)$/') })).toEqual(['lxcd00f']);
    expect(await picked({ match: ['veth*'] })).toEqual(['veth1a2b3c4']);
  });
});

describe('picked by hand', () => {
  it.each<[string, () => void, string]>([
    ['two links of a Proxmox chain', () => { iface('tap1i0', { tun: 'tap' }); iface('fwpr1p0'); }, 'fwpr1p0 and tap1i0'],
    ['two links of an OpenStack chain', () => { iface('tap2c714c60-c8', { tun: 'tap' }); iface('qvo2c714c60-c8'); }, 'qvo2c714c60-c8 and tap2c714c60-c8'],
    ['both ends of a cable', () => { iface('a0', { ifindex: 1, iflink: 2 }); iface('b0', { ifindex: 2, iflink: 1 }); }, 'a0 and b0'],
    ['a bond and its member', () => { iface('eth0'); iface('bond0', { lower: 'eth0' }); }, 'eth0 and bond0'],
  ])('%s: metered as asked, with a warning, once', async (_, make, pair) => {
    make();
    const lines: string[] = [];
    const reader = sysfsReader({ root, match: ['*'], log: (_level, message) => lines.push(message) });
    expect((await reader.read()).observations).toHaveLength(2);
    await reader.read();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${pair} have the same frames`);
  }); // prettier-ignore
});

describe('a virtual function of a card', () => {
  it('that a guest has is told as not measurable; one that nobody or the host has is not', async () => {
    iface('enp5s0f0');
    for (const [n, driver] of [['0', 'vfio-pci'], ['1', 'iavf'], ['2', null]] as const) {
      const folder = join(root, 'enp5s0f0', 'device', `virtfn${n}`);
      mkdirSync(folder, { recursive: true });
      if (driver !== null) symlinkSync(`/sys/bus/pci/drivers/${driver}`, join(folder, 'driver'));
    } // prettier-ignore
    iface('enp5s0f0v1');
    mkdirSync(join(root, 'enp5s0f0v1', 'device', 'physfn'), { recursive: true });
    expect(await reasons()).toEqual({
      enp5s0f0: 'no_guest_end',
      'enp5s0f0 virtfn0': 'not_measurable',
      enp5s0f0v1: 'no_guest_end',
    });
  });
});
