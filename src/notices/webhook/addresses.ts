import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Where nothing is posted to unless a setting allows it: what is no public address. */
const REFUSED_V4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
]; // prettier-ignore
/** Of IPv6 only what is global unicast is public, and of that not these: special, documentation, tunnels that hold an IPv4 address. */
const PUBLIC_V6 = '2000::/3';
const REFUSED_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** IPv4 inside IPv6: judged as what is inside. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) addSubnet(list, subnet, family);
  return list;
}

function addSubnet(list: BlockList, subnet: string, family: 'ipv4' | 'ipv6'): void {
  const [address = '', bits] = subnet.split('/');
  list.addSubnet(address, Number(bits), family);
}

const refusedV4 = listOf(REFUSED_V4, 'ipv4');
const publicV6 = listOf([PUBLIC_V6], 'ipv6');
const refusedV6 = listOf(REFUSED_V6, 'ipv6');

/** Which addresses may be connected to: public ones, and those of networks that a setting allows. */
export class Reachable {
  readonly #allowed = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) addSubnet(this.#allowed, network, isIP(network.split('/')[0] ?? '') === 4 ? 'ipv4' : 'ipv6');
  }

  /** Whether the networks of the setting have an address: those are the provider's own. */
  isAllowed(address: string): boolean {
    const { plain, family } = unmapped(address);
    return this.#allowed.check(plain, family);
  }

  /** Whether an address may be connected to. */
  may(address: string): boolean {
    const { plain, family } = unmapped(address);
    if (this.#allowed.check(plain, family)) return true;
    if (family === 'ipv4') return isIP(plain) === 4 && !refusedV4.check(plain, 'ipv4');
    return isIP(plain) === 6 && publicV6.check(plain, 'ipv6') && !refusedV6.check(plain, 'ipv6');
  }
}

/** IPv6 that holds an IPv4 address is that address. */
function unmapped(address: string): { plain: string; family: 'ipv4' | 'ipv6' } {
  const bare = (address.split('%')[0] ?? '').replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 6) return { plain: bare, family: 'ipv4' };
  // the one way to write it that a URL has
  const written = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written);
  if (hex === null)
    return MAPPED.test(written) ? { plain: MAPPED.exec(written)?.[1] ?? '', family: 'ipv4' } : { plain: written, family: 'ipv6' };
  const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)];
  return { plain: [high >> 8, high & 255, low >> 8, low & 255].join('.'), family: 'ipv4' };
}

/** An address that may not be connected to. */
export class AddressRefused extends Error {
  constructor(host: string, address: string) {
    super(
      `${host} is at ${address}, where nothing is posted to: no public address, and of no network of UPTALLY_NOTICE_NETWORKS`,
    );
    this.name = 'AddressRefused';
  }
}

export type Resolve = (
  host: string,
  done: (error: NodeJS.ErrnoException | null, addresses?: readonly LookupAddress[]) => void,
) => void;

const bySystem: Resolve = (host, done) => {
  systemLookup(host, { all: true, verbatim: true }, done);
};

/**
 * A `lookup` for connections: the very addresses that were checked are connected to, so a name that says another address a moment later gains nothing. A name
 * of which one address may not be connected to is refused whole.
 */
export function guardedLookup(isRefused: (address: string) => boolean, resolve: Resolve = bySystem): LookupFunction {
  return (host, options, callback) => {
    resolve(host, (error, addresses = []) => {
      const [first] = addresses;
      if (error !== null || first === undefined) {
        callback(error ?? new Error(`${host} has no address`), '', 4);
        return;
      }
      const refused = addresses.find(({ address }) => isRefused(address));
      if (refused !== undefined) callback(new AddressRefused(host, refused.address), '', 4);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}
