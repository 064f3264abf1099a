import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { libvirtReader, type LibvirtOptions } from '../../src/agent/libvirt.ts';
import type { Observation } from '../../src/agent/reading.ts';
import type { Virsh } from '../../src/agent/virsh.ts';

/** A virsh that answers from a table; the commands it was asked are kept. */
function cannedVirsh(answers: Record<string, string>): Virsh & { readonly asked: string[] } {
  const asked: string[] = [];
  const answer = (args: readonly string[]): string => {
    asked.push(args.join(' '));
    return answers[args.join(' ')] ?? '';
  };
  return {
    asked,
    run: (args) => Promise.resolve(answer(args)),
    runAll: (commands) => Promise.resolve(commands.map(answer)),
  };
}

const DOMSTATS = 'domstats --raw --state --interface';
const brief = (o: Observation): string =>
  `${o.vm}/${o.nic} ${o.counters?.rxBytes ?? '-'} ${o.counters?.txBytes ?? '-'} ${o.downCause ?? 'up'}`;

function running(id: number, device = 'vnet4'): Record<string, string> {
  return {
    [DOMSTATS]: `Domain: 'web'\n  state.state=1\n  state.reason=1\n  net.count=1\n  net.0.name=${device}\n  net.0.rx.bytes=7\n  net.0.tx.bytes=8\n`,
    'list --all': ` ${id}   web   running\n`,
    'domiflist web': ` ${device}   bridge   br0   virtio   52:54:00:ab:00:01\n`,
  };
}

async function read(answers: Record<string, string>, options: LibvirtOptions = {}): Promise<string[]> {
  return (await libvirtReader({ virsh: cannedVirsh(answers), ...options }).read()).observations.map(brief);
}

const domain = (state: number, reason: number, shown: string): Record<string, string> => ({
  [DOMSTATS]: `Domain: 'web'\n  state.state=${state}\n  state.reason=${reason}\n  net.count=1\n  net.0.name=vnet4\n  net.0.rx.bytes=0\n  net.0.tx.bytes=0\n`,
  'list --all': shown,
  'domiflist web': ' vnet4   bridge   br0   virtio   52:54:00:ab:00:01\n',
});

describe('libvirt', () => {
  it("reports the guest's view under the NIC's MAC address", async () => {
    expect(await read(running(3))).toEqual(['web/52:54:00:ab:00:01 7 8 up']);
    expect(await read(running(3), { nicFrom: 'device', direction: 'host' })).toEqual(['web/vnet4 8 7 up']);
  });

  it('changes the epoch when a domain starts again or its device is plugged anew, not between rounds', async () => {
    const epoch = async (id: number, device: string): Promise<number | undefined> =>
      (await libvirtReader({ virsh: cannedVirsh(running(id, device)) }).read()).observations[0]?.counters?.epoch;
    const first = await epoch(3, 'vnet4');
    expect(await epoch(3, 'vnet4')).toBe(first);
    expect(await epoch(4, 'vnet4')).not.toBe(first);
    expect(await epoch(3, 'vnet5')).not.toBe(first);
  });

  it("sends a stopped domain's state without its zero counters", async () => {
    expect(await read(domain(5, 1, ' -   web   shut off\n'))).toEqual(['web/ - - customer']);
    expect(await read(domain(5, 3, ' -   web   shut off\n'))).toEqual(['web/ - - provider']);
  });

  it('keeps the counters of a paused domain', async () => {
    expect(await read(domain(3, 5, ' 3   web   paused\n'))).toEqual(['web/52:54:00:ab:00:01 0 0 provider']);
  });

  it('leaves a VM that has left, or is still arriving, to the other host', async () => {
    expect(await read(domain(5, 4, ' -   web   shut off\n'))).toEqual([]);
    expect(await read(domain(3, 11, ' 3   web   paused\n'))).toEqual([]);
    expect(await read(domain(3, 2, ' 3   web   paused\n'))).toEqual([]);
  });

  it('calls the pause of a migration maintenance where the VM was running before', async () => {
    const answers = running(3);
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    await reader.read();
    Object.assign(answers, domain(3, 2, ' 3   web   paused\n'));
    expect((await reader.read()).observations.map(brief)).toEqual(['web/52:54:00:ab:00:01 0 0 maintenance']);
  });

  it('asks for MAC addresses only when something changed', async () => {
    const answers = running(3);
    const virsh = cannedVirsh(answers);
    const reader = libvirtReader({ virsh });
    for (let i = 0; i < 3; i++) await reader.read();
    Object.assign(answers, running(4));
    await reader.read();
    expect(virsh.asked.filter((command) => command === 'domiflist web')).toHaveLength(2);
  });

  it('asks interface by interface where domstats has none, and tells the state where that fails too', async () => {
    const answers = {
      [DOMSTATS]: "Domain: 'web'\n  state.state=1\n  state.reason=0\nDomain: 'db'\n  state.state=1\n  state.reason=0\n",
      'list --all': ' 1   web   running\n 2   db    running\n',
      'domiflist web': ' testnet0   bridge   br0   -   52:54:00:ab:00:01\n',
      'domiflist db': ' testnet0   bridge   br0   -   52:54:00:ab:00:02\n',
      'domifstat web testnet0': 'testnet0 rx_bytes 1\ntestnet0 tx_bytes 2\n',
    };
    expect(await read(answers)).toEqual(['db/ - - up', 'web/52:54:00:ab:00:01 1 2 up']);
  });

  it('picks by pattern and names by map', async () => {
    expect(await read(running(3), { match: ['db*'] })).toEqual([]);
    expect(await read(running(3), { map: new Map([['web', { vm: 'vm-17', nic: '' }]]) })).toEqual([
      'vm-17/52:54:00:ab:00:01 7 8 up',
    ]);
  });

  it('says what virsh said when it fails', async () => {
    await expect(libvirtReader({ virshPath: 'no-such-program-here' }).read()).rejects.toThrow('virsh could not be run');
  });
});

const hasVirsh = spawnSync('virsh', ['--version']).status === 0;
const uri = `test://${fileURLToPath(new URL('../support/libvirt/node.xml', import.meta.url))}`;

describe.skipIf(!hasVirsh)(`libvirt's own test driver${hasVirsh ? '' : ' (skipped: virsh is not installed)'}`, () => {
  it('moves by 100,000 bytes received and 50,000 sent a second and NIC, and every state is told', async () => {
    const reader = libvirtReader({ uri });
    const windows: { from: number; to: number; observations: readonly Observation[] }[] = [];
    for (let i = 0; i < 2; i++) {
      const { atMs, observations } = await reader.read();
      windows.push({ from: atMs, to: Date.now(), observations });
    }
    const [a, b] = windows;
    expect(a?.observations.map((o) => `${o.vm}/${o.nic} ${o.downCause ?? 'up'}`).sort()).toEqual([
      'db/52:54:00:ab:00:02 up',
      'db/52:54:00:ab:00:03 up',
      'off/ customer',
      'paused/52:54:00:ab:00:04 customer',
      'web/52:54:00:ab:00:01 up',
    ]);
    // The driver's counters are the wall clock at a fixed rate, so each reading pins them between its two ends.
    for (const { from, to, observations } of windows) {
      for (const { counters } of observations.filter((o) => o.counters !== null)) {
        expect(counters?.rxBytes).toBeGreaterThanOrEqual(BigInt(from) * 100n);
        expect(counters?.rxBytes).toBeLessThanOrEqual(BigInt(to + 1) * 100n);
        expect((counters?.txBytes ?? 0n) * 2n - (counters?.rxBytes ?? 0n)).toBeGreaterThanOrEqual(-1n);
        expect((counters?.txBytes ?? 0n) * 2n - (counters?.rxBytes ?? 0n)).toBeLessThanOrEqual(1n);
      }
    }
    expect(b?.observations.map((o) => o.counters?.epoch)).toEqual(a?.observations.map((o) => o.counters?.epoch));
  });

  it('names VMs by UUID when asked', async () => {
    const { observations } = await libvirtReader({ uri, vmFrom: 'uuid', match: ['web'] }).read();
    expect(observations.map((o) => o.vm)).toEqual(['5b1f0c3e-7d2a-4c18-9e60-000000000001']);
  });

  it('fails clearly for a host that is not there', async () => {
    await expect(libvirtReader({ uri: 'test:///no/such/node.xml' }).read()).rejects.toThrow(/node\.xml|connect/);
  });
});
