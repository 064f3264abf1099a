/** What an interface of this host is: a guest's end of a cable, another look at the same frames, or the host's own. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LeftOut, Seen } from '../samples/reading.ts';

export interface Link {
  readonly name: string;
  readonly ifindex: string;
  /** The other end of a pair or the interface below; null where the kernel's file is not there. */
  readonly iflink: string | null;
  /** null where it is no tun/tap device. */
  readonly tunFlags: number | null;
  /** Interfaces that it lies upon. */
  readonly lowers: readonly string[];
  readonly isMacvtap: boolean;
  readonly isVirtualFunction: boolean;
}

/** Names that hypervisors and container runtimes give to the host's end of a guest's cable. */
const GUEST_END = /^(tap|vnet|veth|vif|fwpr|nic-|lxc)/;
/** Of those, the names that are a guest's own and stay so. */
const GUEST_NAME = /^(tap|vnet|vif|nic-|veth\d+i\d+$)/;
/** Links of a chain between a guest's end and the bridge: each of its frames passes them too. */
const CHAINS: readonly { readonly name: RegExp; readonly of: string; readonly end: string }[] = [
  { name: /^fw(?:pr|ln|br)(\d+)[pi](\d+)$/, of: "Proxmox VE's firewall", end: 'tap…i… or veth…i…' },
  { name: /^q(?:br|vb|vo)([0-9a-f-]+)$/, of: "OpenStack's hybrid plug", end: 'tap…' },
];
const IFF_TUN = 1;

/** Whether what the host receives here is what a guest sent: by its name, or because it is a tun/tap device. */
export function isGuestEnd(root: string, name: string): boolean {
  return GUEST_END.test(name) || existsSync(join(root, name, 'tun_flags'));
}

/** null for an entry that is no interface (bonding_masters), or one that has just gone. */
export function readLink(root: string, name: string): Link | null {
  const folder = join(root, name);
  const file = (path: string): string | null => {
    try {
      return readFileSync(join(folder, path), 'utf8').trim();
    } catch {
      return null;
    }
  };
  const ifindex = file('ifindex');
  if (ifindex === null) return null;
  const tunFlags = file('tun_flags');
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch {
    return null;
  }
  return {
    name,
    ifindex,
    iflink: file('iflink'),
    tunFlags: tunFlags === null ? null : Number(tunFlags),
    lowers: entries.flatMap((entry) => (entry.startsWith('lower_') ? [entry.slice('lower_'.length)] : [])),
    isMacvtap: entries.includes('macvtap') || name.startsWith('macvtap'),
    isVirtualFunction: existsSync(join(folder, 'device', 'physfn')),
  };
}

export type Pick = { readonly why: string } | { readonly leftOut: LeftOut; readonly why: string };

/**
 * Whether an interface is picked when nobody says which are: a guest's own end, of which each frame is counted once. `isNamed` tells whether a
 * rule gives the interface a name that means something, which a container's cable called at random has not.
 */
export function defaultPick(link: Link, all: ReadonlyMap<string, Link>, isNamed: boolean): Pick {
  const { name } = link;
  for (const chain of CHAINS) {
    if (chain.name.test(name)) return leftOut('same_frames', `${chain.of}: the guest's own end (${chain.end}) has these frames`);
  }
  if (link.isVirtualFunction) return leftOut('no_guest_end', 'an SR-IOV virtual function that the host uses itself');
  const lower = link.lowers.find((below) => GUEST_NAME.test(below) && all.has(below));
  if (lower !== undefined) return leftOut('same_frames', `it lies upon ${lower}, which has these frames`);
  if (link.isMacvtap)
    return leftOut('not_picked', "a guest's macvtap: --match or --map picks it (its counters are the guest's view as they are)");
  if (link.tunFlags !== null) {
    if ((link.tunFlags & 3) === IFF_TUN) return leftOut('no_guest_end', 'a tunnel (tun), no tap');
    return { why: 'a tap device' };
  }
  if (peerHere(link, all) !== null)
    return leftOut('no_guest_end', `a cable between two places of this host: ${peerHere(link, all) ?? ''} is its other end`);
  if (/^(tap|vnet)/.test(name) && link.iflink !== null)
    return leftOut(
      'no_guest_end',
      'it is called like a tap and is none: a port of the host (a virtual router, an address server)',
    );
  if (GUEST_NAME.test(name)) return { why: "called like the host's end of a guest" };
  if (/^(veth|lxc)/.test(name)) {
    if (isNamed) return { why: "a container's cable that --vm-from names" };
    return leftOut('no_guest_end', "a container's cable with a name made at random: --match, --map or --vm-from picks it");
  }
  return leftOut('no_guest_end', "no host's end of a guest");
}

function leftOut(reason: LeftOut, why: string): Pick {
  return { leftOut: reason, why };
}

/** The other end of a pair when it is on this host too. A number alone may be of another network namespace: each must name the other. */
function peerHere(link: Link, all: ReadonlyMap<string, Link>): string | null {
  if (link.iflink === null || link.iflink === link.ifindex) return null;
  for (const other of all.values())
    if (other.ifindex === link.iflink && other.iflink === link.ifindex && other.name !== link.name) return other.name;
  return null;
}

/** Pairs of picked interfaces that have the same frames, which only who picks by hand can bring about. */
export function sameFrames(picked: readonly Link[], all: ReadonlyMap<string, Link>): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  const places = new Map<string, string>();
  const names = new Set(picked.map(({ name }) => name));
  for (const link of picked) {
    const place = placeInChain(link.name);
    const first = place === null ? undefined : places.get(place);
    if (first !== undefined) pairs.push([first, link.name]);
    else if (place !== null) places.set(place, link.name);
    for (const lower of link.lowers) if (names.has(lower)) pairs.push([lower, link.name]);
    const peer = peerHere(link, all);
    if (peer !== null && names.has(peer) && peer < link.name) pairs.push([peer, link.name]);
  }
  return pairs;
}

/** What the links of one guest's chain have in common. */
function placeInChain(name: string): string | null {
  const proxmox = /^(?:tap|veth|fwpr|fwln|fwbr)(\d+)[pi](\d+)$/.exec(name);
  // The firewall's bridge port is numbered like the guest's NIC.
  if (proxmox !== null) return `proxmox ${proxmox[1] ?? ''} ${proxmox[2] ?? ''}`;
  const openstack = /^(?:tap|qbr|qvb|qvo)([0-9a-f]{8}-[0-9a-f]{2})$/.exec(name);
  return openstack === null ? null : `openstack ${openstack[1] ?? ''}`;
}

/** Drivers that hold a device for a guest. */
const HANDED_THROUGH = new Set(['vfio-pci', 'pci-stub', 'pciback', 'xen-pciback']);

/** The virtual functions of an interface's device that guests have: their frames pass where nothing on this host counts them. */
export function handedThrough(root: string, name: string): Seen[] {
  const device = join(root, name, 'device');
  let functions: string[];
  try {
    functions = readdirSync(device).filter((entry) => /^virtfn\d+$/.test(entry));
  } catch {
    return [];
  }
  return functions.flatMap((entry): Seen[] => {
    let driver: string;
    try {
      driver = basename(readlinkSync(join(device, entry, 'driver')));
    } catch {
      return [];
    }
    if (!HANDED_THROUGH.has(driver)) return [];
    const why = `an SR-IOV virtual function of ${name} that a guest has (${driver}): its frames do not pass through this host's software`;
    return [{ source: `${name} ${entry}`, result: 'not_measurable', why }];
  });
}
