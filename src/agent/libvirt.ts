import { domainVerdict, isActive, REASON_PAUSED_MIGRATION, STATE_PAUSED, type VerdictOverrides } from './domain-state.ts';
import { epochOf, readBootId } from './epoch.ts';
import {
  parseDomainIds,
  parseDomainUuids,
  parseDomiflist,
  parseDomifstat,
  parseDomstats,
  type DomainInterface,
  type DomainStats,
  type InterfaceStats,
} from './libvirt-output.ts';
import { globMatcher, type VmNic } from './naming.ts';
import { namesAreValid, type AgentLog, type Observation, type Reader } from './reading.ts';
import type { Direction } from './sysfs.ts';
import { openVirsh, type Virsh } from './virsh.ts';

export interface LibvirtOptions {
  readonly uri?: string;
  readonly virshPath?: string;
  /** Domains to pick by name; empty: all. */
  readonly match?: readonly string[];
  /** DOMAIN=VM for domains whose VM is called otherwise (a NIC in a mapping is not used: a domain has many). */
  readonly map?: ReadonlyMap<string, VmNic>;
  readonly vmFrom?: 'name' | 'uuid';
  /** What a NIC is called. A MAC address survives restarts, migrations and unplugged neighbours; a device name does not. */
  readonly nicFrom?: 'mac' | 'device';
  /** libvirt reports the guest's view already, so `auto` and `guest` leave it; `host` reverses. */
  readonly direction?: Direction;
  readonly causes?: VerdictOverrides;
  readonly bootIdPath?: string;
  readonly timeoutMs?: number;
  readonly now?: () => number;
  readonly log?: AgentLog;
  /** Instead of running virsh. */
  readonly virsh?: Virsh;
}

interface Domain extends DomainStats {
  readonly id: number;
}

/**
 * Reads domains through virsh: one `domstats` and one `list` a round, `domiflist` when a domain starts or its interfaces
 * change (for their MAC addresses), and one `domifstat` an interface only where the driver lacks interface figures.
 */
export function libvirtReader(options: LibvirtOptions = {}): Reader {
  const uri = options.uri ?? 'qemu:///system';
  const virsh =
    options.virsh ??
    openVirsh({
      uri,
      ...(options.virshPath === undefined ? {} : { path: options.virshPath }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
  const now = options.now ?? Date.now;
  const log = options.log ?? (() => undefined);
  const matches = options.match === undefined || options.match.length === 0 ? () => true : globMatcher(options.match);
  const nicFrom = options.nicFrom ?? 'mac';
  const reversed = options.direction === 'host';
  const bootId = readBootId(options.bootIdPath);
  const warned = new Set<string>();
  /** Which domain numbers have been seen running here; a paused one that never was is still arriving. */
  let seenRunning = new Set<number>();
  /** MAC addresses by the domain's number and device names, so that hotplug and restarts ask again. */
  let macCache = new Map<string, ReadonlyMap<string, string>>();

  const warnOnce = (subject: string, message: string): void => {
    if (warned.has(subject) || warned.size >= 1000) return;
    warned.add(subject);
    log('warn', message);
  };

  /** The interfaces, by domain number, of active domains whose driver's `domstats` has none; and when they were read. */
  const askOneByOne = async (
    domains: readonly Domain[],
    signal?: AbortSignal,
  ): Promise<{ readonly atMs: number; readonly found: ReadonlyMap<number, InterfaceStats[]> }> => {
    const lists = (
      await virsh.runAll(
        domains.map((d) => ['domiflist', d.name]),
        signal,
      )
    ).map(parseDomiflist);
    const wanted = domains.flatMap((domain, i) => (lists[i] ?? []).map((nic) => ({ domain, nic })));
    const atMs = now();
    const outputs = await virsh.runAll(
      wanted.map(({ domain, nic }) => ['domifstat', domain.name, nic.name]),
      signal,
    );
    const found = new Map<number, InterfaceStats[]>(domains.map((d) => [d.id, []]));
    wanted.forEach(({ domain, nic }, i) => {
      const stats = parseDomifstat(outputs[i] ?? '');
      if (stats !== null && stats.name === nic.name) found.get(domain.id)?.push(stats);
    });
    domains.forEach((domain, i) => {
      macCache.set(cacheKey(domain.id, lists[i] ?? []), macsOf(lists[i] ?? []));
    });
    return { atMs, found };
  };

  /** Fills the cache for domains that are new or have changed, and forgets those that are gone. */
  const refreshMacs = async (known: ReadonlyMap<Domain, readonly InterfaceStats[]>, signal?: AbortSignal): Promise<void> => {
    const next = new Map<string, ReadonlyMap<string, string>>();
    const unknown: [Domain, string][] = [];
    for (const [domain, interfaces] of known) {
      if (interfaces.length === 0) continue;
      const key = cacheKey(domain.id, interfaces);
      const macs = macCache.get(key);
      if (macs === undefined) unknown.push([domain, key]);
      else next.set(key, macs);
    }
    const outputs = await virsh.runAll(
      unknown.map(([d]) => ['domiflist', d.name]),
      signal,
    );
    unknown.forEach(([, key], i) => next.set(key, macsOf(parseDomiflist(outputs[i] ?? ''))));
    macCache = next;
  };

  const observationsOf = (domain: Domain, vm: string, interfaces: readonly InterfaceStats[]): Observation[] => {
    const verdict = domainVerdict(domain.state, domain.reason, options.causes);
    if (verdict === 'absent') return [];
    const arriving = domain.state === STATE_PAUSED && domain.reason === REASON_PAUSED_MIGRATION && !seenRunning.has(domain.id);
    if (arriving) return [];
    const downCause = verdict === 'up' ? null : verdict;
    const macs = macCache.get(cacheKey(domain.id, interfaces));
    const observations: Observation[] = [];
    for (const { name, rxBytes, txBytes } of interfaces) {
      const nic = nicFrom === 'mac' ? macs?.get(name) : name;
      if (nic === undefined || !namesAreValid(vm, nic)) {
        warnOnce(
          `${domain.name} ${name}`,
          `interface ${name} of ${domain.name} left out: no usable ${nicFrom === 'mac' ? 'MAC address' : 'name'}`,
        );
        continue;
      }
      const epoch = epochOf(bootId, domain.id, name);
      const counters = reversed ? { rxBytes: txBytes, txBytes: rxBytes, epoch } : { rxBytes, txBytes, epoch };
      observations.push({ vm, nic, counters, downCause });
    }
    // A VM that is off (its counters are gone, or read zero) or has no interface still has a state to tell.
    return observations.length > 0 ? observations : [{ vm, nic: '', counters: null, downCause }];
  };

  return {
    name: `libvirt ${uri}`,
    async read(signal) {
      const startMs = now();
      const stats = parseDomstats(await virsh.run(['domstats', '--raw', '--state', '--interface'], signal));
      const ids = parseDomainIds(await virsh.run(['list', '--all'], signal));
      const uuids =
        options.vmFrom === 'uuid' ? parseDomainUuids(await virsh.run(['list', '--all', '--uuid', '--name'], signal)) : null;
      // libvirt lists in the order of its hash table; a fixed order makes batches comparable.
      const domains: Domain[] = stats
        .filter((d) => matches(d.name))
        .map((d) => ({ ...d, id: ids.get(d.name) ?? 0 }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      const active = domains.filter((d) => d.id > 0 && isActive(d.state));
      const withoutFigures = active.filter((d) => d.interfaces === null);
      const asked = withoutFigures.length === 0 ? null : await askOneByOne(withoutFigures, signal);
      // The instant of a reading is the one nearest before its counters, for which it pays to look twice.
      const atMs = asked?.atMs ?? startMs;
      const interfaces = new Map(active.map((d) => [d, d.interfaces ?? asked?.found.get(d.id) ?? []]));
      if (nicFrom === 'mac') await refreshMacs(interfaces, signal);
      const running = active.filter((d) => d.state === 1 || d.state === 2 || seenRunning.has(d.id));
      seenRunning = new Set(running.map((d) => d.id));

      const observations: Observation[] = [];
      for (const domain of domains) {
        const vm = options.map?.get(domain.name)?.vm ?? (uuids === null ? domain.name : uuids.get(domain.name));
        if (vm === undefined || !namesAreValid(vm, '')) {
          warnOnce(
            domain.name,
            `domain "${domain.name}" left out: its name is no valid VM name; give it one with --map, or use --vm-from uuid`,
          );
          continue;
        }
        observations.push(...observationsOf(domain, vm, interfaces.get(domain) ?? []));
      }
      return { atMs, observations };
    },
  };
}

function cacheKey(id: number, interfaces: readonly { readonly name: string }[]): string {
  return `${id} ${interfaces.map((nic) => nic.name).join(' ')}`;
}

function macsOf(interfaces: readonly DomainInterface[]): ReadonlyMap<string, string> {
  return new Map(interfaces.map((nic) => [nic.name, nic.mac]));
}
