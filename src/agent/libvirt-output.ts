/**
 * What virsh prints, read as data: only what is made for programs, or holds one value a line. Tables for people (`list`) are not read,
 * for they cut, pad and translate. Every function is total: what it doesn't know is skipped, never guessed at.
 */
import { SaxesParser } from 'saxes';

export interface DomainStats {
  readonly name: string;
  readonly state: number;
  readonly reason: number;
  /** null when the driver gave no interface figures at all; then they have to be asked for one by one. */
  readonly interfaces: readonly InterfaceStats[] | null;
  /** How many interfaces the domain has, those without figures too. */
  readonly interfaceCount: number;
}

export interface InterfaceStats {
  readonly name: string;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
}

/**
 * Reads `domstats --raw --state --interface`: a `Domain: 'NAME'` line, then indented `key=value` lines. A domain without a
 * state is left out; an interface without both counters is too (one that libvirt could not ask).
 */
export function parseDomstats(text: string): DomainStats[] {
  const domains: DomainStats[] = [];
  let name: string | null = null;
  let values = new Map<string, string>();
  const finish = (): void => {
    const state = values.get('state.state');
    if (name !== null && state !== undefined) {
      const reason = Number(values.get('state.reason') ?? '0');
      const interfaceCount = Number(values.get('net.count') ?? '0');
      domains.push({ name, state: Number(state), reason, interfaces: interfacesOf(values), interfaceCount });
    }
    values = new Map();
  };
  for (const line of text.split('\n')) {
    const heading = /^Domain: '(.*)'\r?$/su.exec(line);
    if (heading !== null) {
      finish();
      name = heading[1] ?? null;
      continue;
    }
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  finish();
  return domains;
}

function interfacesOf(values: ReadonlyMap<string, string>): InterfaceStats[] | null {
  const count = values.get('net.count');
  if (count === undefined) return null;
  const found: InterfaceStats[] = [];
  for (let i = 0; i < Number(count); i++) {
    const name = values.get(`net.${i}.name`);
    const rxBytes = counter(values.get(`net.${i}.rx.bytes`));
    const txBytes = counter(values.get(`net.${i}.tx.bytes`));
    if (name !== undefined && rxBytes !== null && txBytes !== null) found.push({ name, rxBytes, txBytes });
  }
  return found;
}

/** virsh prints a figure that a driver doesn't have as -1 or leaves it out. */
function counter(text: string | undefined): bigint | null {
  return text !== undefined && /^\d{1,20}$/.test(text) ? BigInt(text) : null;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads `list --all --uuid`: a UUID a line. */
export function parseUuids(text: string): string[] {
  return text.split('\n').flatMap((line) => (UUID.test(line.trim()) ? [line.trim().toLowerCase()] : []));
}

/** Reads `domname UUID`: the name alone on its line, to the last blank of it. */
export function parseName(text: string): string | null {
  const name = text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';
  return name === '' ? null : name;
}

/** Reads `domid`: the running number, as digits, for it has no size that we know of; null for a domain that is off (`-`). */
export function parseRunningNumber(text: string): string | null {
  const number = text.trim();
  return /^[1-9]\d*$/.test(number) ? number : null;
}

/** A NIC as a domain's description has it. */
export interface DomainNic {
  /** The device on the host; null where there is none (a device handed through, a guest-side network stack). */
  readonly device: string | null;
  readonly mac: string | null;
  /** `bridge`, `network`, `direct`, `hostdev`, `vhostuser`, … */
  readonly type: string;
}

export interface DomainDescription {
  readonly name: string;
  readonly uuid: string;
  /** The running number; null for a domain that is off. */
  readonly id: string | null;
  readonly nics: readonly DomainNic[];
}

/** Reads `dumpxml DOMAIN`; null when it is no description of a domain. */
export function parseDomainXml(text: string): DomainDescription | null {
  const path: string[] = [];
  let id: string | null = null;
  let nic: { device: string | null; mac: string | null; type: string } | null = null;
  const texts = { name: '', uuid: '' };
  const nics: DomainNic[] = [];
  const faults: Error[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => faults.push(error));
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name);
    const place = path.join('/');
    if (place === 'domain') id = attributes['id'] ?? null;
    else if (place === 'domain/devices/interface') nic = { device: null, mac: null, type: attributes['type'] ?? 'unknown' };
    else if (nic !== null && place === 'domain/devices/interface/mac') nic.mac = attributes['address']?.toLowerCase() ?? null;
    else if (nic !== null && place === 'domain/devices/interface/target') nic.device = attributes['dev'] ?? null;
  });
  parser.on('text', (part) => {
    const place = path.join('/');
    if (place === 'domain/name') texts.name += part;
    else if (place === 'domain/uuid') texts.uuid += part;
  });
  parser.on('closetag', () => {
    if (path.join('/') === 'domain/devices/interface' && nic !== null) {
      nics.push(nic);
      nic = null;
    }
    path.pop();
  });
  try {
    parser.write(text.trim()).close();
  } catch {
    return null;
  }
  if (faults.length > 0 || texts.name === '') return null;
  return { name: texts.name, uuid: texts.uuid.trim().toLowerCase(), id, nics };
}

/**
 * Reads `domiflist DOMAIN`, for where there is no description to be had. Of the table only what no column can cut is taken: a device's
 * name and a type have no blanks, and a MAC address ends its line.
 */
export function parseDomiflist(text: string): DomainNic[] {
  const found: DomainNic[] = [];
  for (const line of text.split('\n')) {
    const row = /^\s*(\S+)\s+(\S+)\s.*\s([0-9a-f]{2}(?::[0-9a-f]{2}){5})\s*$/i.exec(line);
    if (row?.[1] === undefined || row[2] === undefined || row[3] === undefined) continue;
    found.push({ device: row[1] === '-' ? null : row[1], type: row[2], mac: row[3].toLowerCase() });
  }
  return found;
}

/** Reads `domifstat DOMAIN DEVICE`, lines of `DEVICE KEY FIGURE`; null when either byte counter is missing. */
export function parseDomifstat(text: string, device: string): InterfaceStats | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${device} `)) continue;
    const [key, figure] = line
      .slice(device.length + 1)
      .trim()
      .split(/\s+/);
    if (key !== undefined && figure !== undefined) values.set(key, figure);
  }
  const rxBytes = counter(values.get('rx_bytes'));
  const txBytes = counter(values.get('tx_bytes'));
  return rxBytes === null || txBytes === null ? null : { name: device, rxBytes, txBytes };
}
