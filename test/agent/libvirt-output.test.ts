import { describe, expect, it } from 'vitest';
import { domainVerdict, DOMAIN_STATES, isActive, parseOverride } from '../../src/agent/domain-state.ts';
import {
  parseDomainXml,
  parseDomiflist,
  parseDomifstat,
  parseDomstats,
  parseName,
  parseRunningNumber,
  parseUuids,
} from '../../src/agent/libvirt-output.ts';

/** As QEMU's driver prints it: a running domain with two interfaces, one that can't be asked, and one that is off. */
const QEMU_DOMSTATS = `Domain: 'web'
  state.state=1
  state.reason=5
  net.count=3
  net.0.name=vnet4
  net.0.rx.bytes=18446744073709551615
  net.0.rx.pkts=12
  net.0.tx.bytes=9007199254740993
  net.1.name=vnet5
  net.1.rx.bytes=0
  net.1.tx.bytes=0
  net.2.name=vnet6

Domain: 'it's "odd"'
  state.state=5
  state.reason=1

`;

describe('virsh output', () => {
  it('reads domstats, counters to the digit', () => {
    expect(parseDomstats(QEMU_DOMSTATS)).toEqual([
      {
        name: 'web',
        state: 1,
        reason: 5,
        interfaces: [
          { name: 'vnet4', rxBytes: 18446744073709551615n, txBytes: 9007199254740993n },
          { name: 'vnet5', rxBytes: 0n, txBytes: 0n },
        ],
        interfaceCount: 3,
      },
      { name: 'it\'s "odd"', state: 5, reason: 1, interfaces: null, interfaceCount: 0 },
    ]);
  });

  it.each(['', '\n\n', 'error: failed\n', "Domain: 'x'\n", '<domain', '<a/>'])('makes nothing of %j', (text) => {
    expect(parseDomstats(text)).toEqual([]);
    expect(parseDomiflist(text)).toEqual([]);
    expect(parseDomifstat(text, 'vnet4')).toBeNull();
    expect(parseUuids(text)).toEqual([]);
    expect(parseRunningNumber(text)).toBeNull();
    expect(parseDomainXml(text)).toBeNull();
  });

  it('reads UUIDs, a name to its last blank, and running numbers of any size', () => {
    expect(parseUuids('5b1f0c3e-7d2a-4c18-9e60-000000000001\n5B1F0C3E-7D2A-4C18-9E60-000000000002\n\n')).toEqual([
      '5b1f0c3e-7d2a-4c18-9e60-000000000001',
      '5b1f0c3e-7d2a-4c18-9e60-000000000002',
    ]);
    expect(parseName('  my box \n\n')).toBe('  my box ');
    expect(parseRunningNumber('123456789012345678901234567890\n\n')).toBe('123456789012345678901234567890');
    expect(parseRunningNumber('-\n\n')).toBeNull();
  });

  it('reads a description: entities, other elements that look alike, and interfaces without a device', () => {
    const text = `<domain type='kvm' id='17'>
  <name> a &amp; b&#x20;</name>
  <uuid>5B1F0C3E-7D2A-4C18-9E60-000000000001</uuid>
  <description><![CDATA[<name>not this</name>]]></description>
  <metadata><x:interface xmlns:x='y' type='bridge'><x:target dev='vnet9'/></x:interface><devices><interface type='bridge'/></devices></metadata>
  <devices>
    <interface type='bridge'><mac address='52:54:00:AB:00:01'/><source bridge='br0'/><target dev='vnet4'/></interface>
    <interface type='hostdev' managed='yes'><mac address='52:54:00:ab:00:02'/></interface>
    <hostdev mode='subsystem' type='pci'/>
  </devices>
</domain>

`;
    expect(parseDomainXml(text)).toEqual({
      name: ' a & b ',
      uuid: '5b1f0c3e-7d2a-4c18-9e60-000000000001',
      id: '17',
      nics: [
        { device: 'vnet4', mac: '52:54:00:ab:00:01', type: 'bridge' },
        { device: null, mac: '52:54:00:ab:00:02', type: 'hostdev' },
      ],
    });
  });

  it('reads the table of interfaces by what no column cuts', () => {
    const text = ` Interface   Type      Source    Model    MAC
-------------------------------------------------------------
 vnet4       bridge    br0       virtio   52:54:00:AB:00:01
 tap2c714c60-c8 network default   e1000    52:54:00:ab:00:02
 -           hostdev   -         -        52:54:00:ab:00:03
`;
    expect(parseDomiflist(text)).toEqual([
      { device: 'vnet4', type: 'bridge', mac: '52:54:00:ab:00:01' },
      { device: 'tap2c714c60-c8', type: 'network', mac: '52:54:00:ab:00:02' },
      { device: null, type: 'hostdev', mac: '52:54:00:ab:00:03' },
    ]);
  });

  it.each<[string, unknown]>([
    ['vnet4 rx_bytes 7\nvnet4 rx_packets 1\nvnet4 tx_bytes 8\n', { name: 'vnet4', rxBytes: 7n, txBytes: 8n }],
    ['vnet4 rx_bytes 7\n', null],
    ['vnet4 rx_bytes -1\nvnet4 tx_bytes 8\n', null],
    ['vnet40 rx_bytes 7\nvnet40 tx_bytes 8\n', null],
  ])('reads domifstat %j', (text, expected) => {
    expect(parseDomifstat(text, 'vnet4')).toEqual(expected);
  });
});

describe('domain states', () => {
  const table: [number, number, string][] = [
    [0, 0, 'absent'], [1, 1, 'up'], [1, 99, 'up'], [2, 0, 'up'],
    [3, 1, 'customer'], [3, 2, 'maintenance'], [3, 3, 'maintenance'], [3, 4, 'maintenance'], [3, 5, 'provider'], [3, 10, 'provider'],
    [3, 11, 'absent'], [3, 13, 'provider'], [3, 99, 'maintenance'], [4, 1, 'customer'],
    [5, 0, 'customer'], [5, 1, 'customer'], [5, 2, 'customer'], [5, 3, 'provider'], [5, 4, 'absent'], [5, 5, 'maintenance'], [5, 6, 'provider'],
    [5, 8, 'provider'], [6, 0, 'provider'], [6, 1, 'provider'], [7, 0, 'customer'], [8, 0, 'absent'],
  ]; // prettier-ignore
  it.each(table)('state %i reason %i is %s', (state, reason, verdict) => {
    expect(domainVerdict(state, reason)).toBe(verdict);
  });

  it('lets a host see a row otherwise', () => {
    const overrides = new Map([parseOverride('shutoff/unknown=provider')]);
    expect(domainVerdict(5, 0, overrides)).toBe('provider');
    expect(domainVerdict(5, 1, overrides)).toBe('customer');
  });

  it.each(['', 'shutoff=provider', 'shutoff/nonsense=provider', 'shutoff/unknown=weather', 'shutoff/unknown'])(
    'refuses %j',
    (text) => {
      expect(() => parseOverride(text)).toThrow();
    },
  );

  it('counts on counters only where a process runs', () => {
    expect(DOMAIN_STATES.map((_, state) => isActive(state))).toEqual([false, true, true, true, true, false, false, true]);
  });
});
