import { describe, expect, it } from 'vitest';
import { domainVerdict, DOMAIN_STATES, isActive, parseOverride } from '../../src/agent/domain-state.ts';
import {
  parseDomainIds,
  parseDomainUuids,
  parseDomiflist,
  parseDomifstat,
  parseDomstats,
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
      },
      { name: 'it\'s "odd"', state: 5, reason: 1, interfaces: null },
    ]);
  });

  it.each(['', '\n\n', 'error: failed\n', "Domain: 'x'\n"])('makes nothing of %j', (text) => {
    expect(parseDomstats(text)).toEqual([]);
    expect(parseDomiflist(text)).toEqual([]);
    expect(parseDomifstat(text)).toBeNull();
    expect(parseDomainIds(text).size).toBe(0);
  });

  it('reads the running numbers, with headings or without, names with blanks and all', () => {
    const table = ` Id   Name          State
------------------------------
 1    web           running
 12   my old box    paused
 3    x             in shutdown
 -    off           shut off
`;
    const expected = new Map([['web', 1], ['my old box', 12], ['x', 3]]); // prettier-ignore
    expect(parseDomainIds(table)).toEqual(expected);
    expect(parseDomainIds(table.split('\n').slice(2).join('\n'))).toEqual(expected);
  });

  it('reads UUIDs by name', () => {
    const text = '5b1f0c3e-7d2a-4c18-9e60-000000000001 web\n5b1f0c3e-7d2a-4c18-9e60-000000000002 my box\n';
    expect([...parseDomainUuids(text).keys()]).toEqual(['web', 'my box']);
  });

  it('reads interfaces and leaves out those without a device', () => {
    const text = ` Interface   Type      Source    Model    MAC
-------------------------------------------------------------
 vnet4       bridge    br0       virtio   52:54:00:AB:00:01
 vnet5       network   default   e1000    52:54:00:ab:00:02
 -           bridge    br0       -        52:54:00:ab:00:03
`;
    expect(parseDomiflist(text)).toEqual([
      { name: 'vnet4', mac: '52:54:00:ab:00:01' },
      { name: 'vnet5', mac: '52:54:00:ab:00:02' },
    ]);
  });

  it.each<[string, unknown]>([
    ['vnet4 rx_bytes 7\nvnet4 rx_packets 1\nvnet4 tx_bytes 8\n', { name: 'vnet4', rxBytes: 7n, txBytes: 8n }],
    ['vnet4 rx_bytes 7\n', null],
    ['vnet4 rx_bytes -1\nvnet4 tx_bytes 8\n', null],
  ])('reads domifstat %j', (text, expected) => {
    expect(parseDomifstat(text)).toEqual(expected);
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
