/** What virsh prints, read as data. Every function is total: lines it doesn't know are skipped, never guessed at. */

export interface DomainStats {
  readonly name: string;
  readonly state: number;
  readonly reason: number;
  /** null when the driver gave no interface figures at all; then they have to be asked for one by one. */
  readonly interfaces: readonly InterfaceStats[] | null;
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
      domains.push({ name, state: Number(state), reason, interfaces: interfacesOf(values) });
    }
    values = new Map();
  };
  for (const line of text.split('\n')) {
    const heading = /^Domain: '(.*)'\s*$/.exec(line);
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

const STATE_NAMES = 'running|idle|paused|in shutdown|shut off|crashed|pmsuspended|no state';
const LIST_ROW = new RegExp(`^\\s*(\\d+|-)\\s{2,}(.+?)\\s{2,}(?:${STATE_NAMES})\\s*$`);

/** Reads `list --all` (C locale): the running number of each active domain by name. */
export function parseDomainIds(text: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const line of text.split('\n')) {
    const row = LIST_ROW.exec(line);
    if (row?.[1] !== undefined && row[1] !== '-' && row[2] !== undefined) ids.set(row[2], Number(row[1]));
  }
  return ids;
}

/** Reads `list --all --uuid --name`: the UUID of each domain by name. */
export function parseDomainUuids(text: string): Map<string, string> {
  const uuids = new Map<string, string>();
  for (const line of text.split('\n')) {
    const row = /^\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s+(.+?)\s*$/.exec(line);
    if (row?.[1] !== undefined && row[2] !== undefined) uuids.set(row[2], row[1]);
  }
  return uuids;
}

export interface DomainInterface {
  readonly name: string;
  readonly mac: string;
}

/** Reads `domiflist DOMAIN`; interfaces without a device on this host (`-`) are left out. */
export function parseDomiflist(text: string): DomainInterface[] {
  const found: DomainInterface[] = [];
  for (const line of text.split('\n')) {
    const row = /^\s*(\S+)\s.*\s([0-9a-f]{2}(?::[0-9a-f]{2}){5})\s*$/i.exec(line);
    if (row?.[1] !== undefined && row[2] !== undefined && row[1] !== '-') found.push({ name: row[1], mac: row[2].toLowerCase() });
  }
  return found;
}

/** Reads `domifstat DOMAIN INTERFACE`; null when either byte counter is missing. */
export function parseDomifstat(text: string): InterfaceStats | null {
  let name: string | null = null;
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const row = /^(\S+)\s+(\S+)\s+(-?\d+)\s*$/.exec(line);
    if (row?.[1] === undefined || row[2] === undefined || row[3] === undefined) continue;
    name = row[1];
    values.set(row[2], row[3]);
  }
  const rxBytes = counter(values.get('rx_bytes'));
  const txBytes = counter(values.get('tx_bytes'));
  return name === null || rxBytes === null || txBytes === null ? null : { name, rxBytes, txBytes };
}
