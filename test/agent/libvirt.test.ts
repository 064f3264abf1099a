import { describe, expect, it } from 'vitest';
import { libvirtReader, type LibvirtOptions } from '../../src/agent/libvirt.ts';
import type { Observation, Reading } from '../../src/samples/reading.ts';
import { cannedVirsh, hostOf, uuidOf, type CannedAnswer, type CannedDomain } from '../support/canned-virsh.ts';

const brief = (o: Observation): string =>
  `${o.vm}/${o.nic} ${o.counters?.rxBytes ?? '-'} ${o.counters?.txBytes ?? '-'} ${o.downCause ?? 'up'}`;
const MAC = '52:54:00:ab:00:01';
const OTHER_MAC = '52:54:00:ab:00:02';

function web(change: Partial<CannedDomain> = {}): CannedDomain {
  return { name: 'web', uuid: uuidOf(1), id: '3', nics: [{ device: 'vnet4', mac: MAC, rx: 7, tx: 8 }], ...change };
}
const db: CannedDomain = { name: 'db', uuid: uuidOf(2), id: '4', nics: [{ device: 'vnet5', mac: OTHER_MAC, rx: 1, tx: 2 }] };

async function reading(answers: Record<string, CannedAnswer>, options: LibvirtOptions = {}): Promise<Reading> {
  return await libvirtReader({ virsh: cannedVirsh(answers), ...options }).read();
}

async function read(answers: Record<string, CannedAnswer>, options: LibvirtOptions = {}): Promise<string[]> {
  return (await reading(answers, options)).observations.map(brief);
}

const off = (state: number, reason: number): Record<string, CannedAnswer> => {
  return hostOf([{ name: 'web', uuid: uuidOf(1), state, reason }]);
};
const leftOut = ({ seen = [] }: Reading): string[] =>
  seen
    .filter(({ result }) => result !== 'metered' && result !== 'state_only')
    .map(({ source, result }) => `${source}: ${result}`);

describe('libvirt', () => {
  it("reports the guest's view under the NIC's MAC address", async () => {
    expect(await read(hostOf([web()]))).toEqual([`web/${MAC} 7 8 up`]);
    expect(await read(hostOf([web()]), { nicFrom: 'device', direction: 'host' })).toEqual(['web/vnet4 8 7 up']);
  });

  it('changes the epoch when a domain starts again or its device is plugged anew, not between rounds', async () => {
    const epoch = async (id: string, device: string): Promise<number | undefined> =>
      (await reading(hostOf([web({ id, nics: [{ device, mac: MAC }] })]))).observations[0]?.counters?.epoch;
    const first = await epoch('3', 'vnet4');
    expect(await epoch('3', 'vnet4')).toBe(first);
    expect(await epoch('4', 'vnet4')).not.toBe(first);
    expect(await epoch('3', 'vnet5')).not.toBe(first);
    expect(await epoch('30000000000000000003', 'vnet4')).not.toBe(await epoch('30000000000000000004', 'vnet4'));
  });

  it("sends a stopped domain's state without its zero counters", async () => {
    expect(await read(off(5, 1))).toEqual(['web/ - - customer']);
    expect(await read(off(5, 3))).toEqual(['web/ - - provider']);
  });

  it('keeps the counters of a paused domain', async () => {
    expect(await read(hostOf([web({ state: 3, reason: 5 })]))).toEqual([`web/${MAC} 7 8 provider`]);
  });

  it('with a name of the host tells the counters of a VM that is arriving or leaving, and no state; what has left stays out', async () => {
    const said = async (answers: Record<string, CannedAnswer>): Promise<unknown[]> =>
      (await reading(answers, { host: 'hv-2' })).observations.map(({ nic, host, counters, downCause, saysNoState }) => [
        ...[nic, host, counters?.rxBytes, downCause, saysNoState],
      ]);
    const silent = [[MAC, 'hv-2', 7n, null, true]];
    expect(await said(hostOf([web({ state: 3, reason: 2 })]))).toEqual(silent);
    expect(await said(hostOf([web({ state: 3, reason: 11 })]))).toEqual(silent);
    // paused on the source after post-copy began: the target runs it
    expect(await said(hostOf([web({ state: 3, reason: 12 })]))).toEqual(silent);
    expect(await said(off(5, 4))).toEqual([]);
    expect(await said(hostOf([web()]))).toEqual([[MAC, 'hv-2', 7n, null, undefined]]);
  });

  it('leaves a VM that has left, or is still arriving, to the other host, and says so', async () => {
    for (const answers of [
      off(5, 4),
      hostOf([web({ state: 3, reason: 11 })]),
      hostOf([web({ state: 3, reason: 12 })]),
      hostOf([web({ state: 3, reason: 2 })]),
    ]) {
      const round = await reading(answers);
      expect(round.observations).toEqual([]);
      expect(leftOut(round)).toEqual(['web: elsewhere']);
    }
  });

  it('calls the pause of a migration maintenance where the VM was running before', async () => {
    const answers = hostOf([web()]);
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    await reader.read();
    Object.assign(answers, hostOf([web({ state: 3, reason: 2 })]));
    expect((await reader.read()).observations.map(brief)).toEqual([`web/${MAC} 7 8 maintenance`]);
  });

  it('remembers that it was running over a round in which it did not answer', async () => {
    const answers = hostOf([web()]);
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    await reader.read();
    answers[`domid ${uuidOf(1)}`] = { error: 'error: cannot acquire state change lock' };
    await reader.read();
    Object.assign(answers, hostOf([web({ state: 3, reason: 2 })]));
    expect((await reader.read()).observations.map(brief)).toEqual([`web/${MAC} 7 8 maintenance`]);
  });

  it('asks for names once, and for MAC addresses only when something changed', async () => {
    const answers = hostOf([web()]);
    const virsh = cannedVirsh(answers);
    const reader = libvirtReader({ virsh });
    for (let i = 0; i < 3; i++) await reader.read();
    Object.assign(answers, hostOf([web({ id: '4' })]));
    await reader.read();
    const asked = virsh.asked.flat();
    expect(asked.filter((command) => command.startsWith('dumpxml'))).toHaveLength(2);
    expect(asked.filter((command) => command.startsWith('domname'))).toHaveLength(1);
  });

  it('sees an interface that was plugged in while the domain runs', async () => {
    const answers = hostOf([web()]);
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    await reader.read();
    const nics = [{ device: 'vnet4', mac: MAC, rx: 7, tx: 8 }, { device: 'vnet9', mac: OTHER_MAC, rx: 1, tx: 2 }]; // prettier-ignore
    Object.assign(answers, hostOf([web({ nics })]));
    expect((await reader.read()).observations.map(brief)).toEqual([`web/${MAC} 7 8 up`, `web/${OTHER_MAC} 1 2 up`]);
  });

  it('asks interface by interface where domstats has none, and tells the state where that fails too', async () => {
    const answers: Record<string, CannedAnswer> = {
      ...hostOf([web(), db]),
      'domstats --raw --state --interface':
        "Domain: 'web'\n  state.state=1\n  state.reason=0\nDomain: 'db'\n  state.state=1\n  state.reason=0\n",
      [`domifstat ${uuidOf(1)} vnet4`]: 'vnet4 rx_bytes 1\nvnet4 tx_bytes 2\n',
    };
    const round = await reading(answers);
    expect(round.observations.map(brief)).toEqual(['db/ - - up', `web/${MAC} 1 2 up`]);
    expect(leftOut(round)).toEqual(['db vnet5: no_answer']);
  });

  it('meters the interface that answers where its neighbour in the same domain does not', async () => {
    const nics = [{ device: 'tap1', mac: MAC, rx: 51, tx: 52 }, { device: 'tap2', mac: OTHER_MAC }]; // prettier-ignore
    const answers: Record<string, CannedAnswer> = {
      ...hostOf([web({ nics })]),
      'domstats --raw --state --interface': "Domain: 'web'\n  state.state=1\n  state.reason=1\n",
      [`domifstat ${uuidOf(1)} tap1`]: 'tap1 rx_bytes 51\ntap1 tx_bytes 52\n',
      [`domifstat ${uuidOf(1)} tap2`]: { error: "error: 'tap2' is not a known interface" },
    };
    expect(await read(answers)).toEqual([`web/${MAC} 51 52 up`]);
  });

  it('picks by pattern and names by map, and says what it leaves to others', async () => {
    const round = await reading(hostOf([web()]), { match: ['db*'] });
    expect([round.observations, leftOut(round)]).toEqual([[], ['web: not_picked']]);
    expect(await read(hostOf([web()]), { map: new Map([['web', { vm: 'vm-17', nic: '' }]]) })).toEqual([`vm-17/${MAC} 7 8 up`]);
  });

  it('names VMs by UUID, or with the first part of it as their generation', async () => {
    expect(await read(hostOf([web()]), { vmFrom: 'uuid' })).toEqual([`${uuidOf(1)}/${MAC} 7 8 up`]);
    expect(await read(hostOf([web()]), { generation: { kind: 'uuid' } })).toEqual([`web-5b1f0c3e/${MAC} 7 8 up`]);
    const map = new Map([['web', { vm: 'vm-17', nic: '' }]]);
    expect(await read(hostOf([web()]), { generation: { kind: 'uuid' }, map })).toEqual([`vm-17/${MAC} 7 8 up`]);
  });

  it('says what virsh said when it fails', async () => {
    await expect(libvirtReader({ virshPath: 'no-such-program-here' }).read()).rejects.toThrow('virsh could not be run');
  });
});

describe('names of domains', () => {
  it.each([
    ['of 36 characters', '4ddb84ec-3594-11e0-a2ed-1c6f65d8a91x'],
    ['of another domain’s UUID', uuidOf(2)],
    ['Japanese', 'ウェブ・サーバー'],
    ['Arabic', 'خادم الويب'],
    ['an emoji of several code points', '👩‍💻 web'],
    ['blanks at both ends', '  web  '],
    ['blanks in rows', 'my   old    box'],
    ['a number that is another domain’s running number', '4'],
    ['an option', '--all'],
    ['quotes and backslashes', `it's "odd" \\ here`],
    ['a line of virsh’s own', "Domain: 'db'"],
    ['characters of XML', '<a> & b'],
    ['a column of virsh’s table', 'a   running'],
  ])('%s: metered, with its own NIC and nobody else’s', async (_, name) => {
    const map = new Map([[name, { vm: 'mapped', nic: '' }]]);
    const virsh = cannedVirsh(hostOf([web({ name }), db]));
    const { observations } = await libvirtReader({ virsh, map }).read();
    expect(observations.map(brief).sort()).toEqual([`db/${OTHER_MAC} 1 2 up`, `mapped/${MAC} 7 8 up`]);
    // a name is no word to ask with: it may be a number, an option, or another's UUID
    expect(
      virsh.asked.flat().filter((command) => command.includes(name) && name !== uuidOf(2) && name !== '4' && name !== '--all'),
    ).toEqual([]);
  });

  it('follow a domain that was renamed, and two that exchanged theirs', async () => {
    const answers = hostOf([web(), db]);
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    await reader.read();
    Object.assign(answers, hostOf([web({ name: 'web2' }), db]));
    await reader.read();
    expect((await reader.read()).observations.map(brief)).toEqual([`db/${OTHER_MAC} 1 2 up`, `web2/${MAC} 7 8 up`]);
    Object.assign(answers, hostOf([web({ name: 'db', id: '7' }), { ...db, name: 'web2', id: '8' }]));
    await reader.read();
    expect((await reader.read()).observations.map(brief)).toEqual([`db/${MAC} 7 8 up`, `web2/${OTHER_MAC} 1 2 up`]);
  });

  it('that are no VM names are left out, with what to do', async () => {
    const { observations, seen = [] } = await reading(hostOf([web({ name: 'my box' })]));
    expect(observations).toEqual([]);
    expect(seen).toMatchObject([{ source: 'my box', result: 'bad_name', why: expect.stringContaining('--map') as unknown }]);
  });
});

describe('a NIC whose frames libvirt does not see', () => {
  it.each([
    ['hostdev', undefined, /handed through/],
    ['vdpa', undefined, /handed through/],
    ['user', undefined, /no device on this host/],
    ['vhostuser', 'vhu1', /no figures of vhu1/],
  ])('%s is told as not measurable beside one that is metered, and alone', async (type, device, words) => {
    const nic = { mac: OTHER_MAC, type, ...(device === undefined ? {} : { device }) };
    const answers = hostOf([web({ nics: [{ device: 'vnet4', mac: MAC, rx: 7, tx: 8 }, nic] })]);
    if (device !== undefined)
      answers['domstats --raw --state --interface'] =
        "Domain: 'web'\n  state.state=1\n  state.reason=1\n  net.count=2\n  net.0.name=vnet4\n  net.0.rx.bytes=7\n  net.0.tx.bytes=8\n  net.1.name=vhu1\n";
    const mixed = await reading(answers);
    expect(mixed.observations.map(brief)).toEqual([`web/${MAC} 7 8 up`]);
    expect(mixed.seen?.find(({ result }) => result === 'not_measurable')?.why).toMatch(words);
    const only = await reading(hostOf([web({ nics: [{ mac: OTHER_MAC, type }] })]));
    expect(only.observations.map(brief)).toEqual(['web/ - - up']);
    expect(leftOut(only)).toEqual([`web ${OTHER_MAC}: not_measurable`]);
  });
});
