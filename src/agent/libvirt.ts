import { DomainQuestions, type QuestionLimits } from './domain-questions.ts';
import { domainVerdict, isActive, REASON_PAUSED_MIGRATION, STATE_PAUSED, type VerdictOverrides } from './domain-state.ts';
import { readBootId } from '../process/boot-id.ts';
import { epochOf } from '../samples/epoch.ts';
import { generationOf, type Generation } from './generation.ts';
import { LibvirtDomains, type FoundDomain } from './libvirt-domains.ts';
import type { DomainNic } from './libvirt-output.ts';
import { globMatcher, livesOn, type VmNic } from './naming.ts';
import { namesAreValid, type LeftOut, type Observation, type Reader, type Seen } from '../samples/reading.ts';
import { startedAt, Starts } from './starts.ts';
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
  /** What tells a VM from an earlier one of its name; not for those that a mapping names. */
  readonly generation?: Generation | undefined;
  /** What a NIC is called. A MAC address survives restarts, migrations and unplugged neighbours; a device name does not. */
  readonly nicFrom?: 'mac' | 'device';
  /** libvirt reports the guest's view already, so `auto` and `guest` leave it; `host` reverses. */
  readonly direction?: Direction;
  readonly causes?: VerdictOverrides;
  /** What this host is called in samples (`SysfsOptions.host`). With it a domain that is arriving or leaving tells its counters, and no state. */
  readonly host?: string | undefined;
  readonly bootIdPath?: string;
  /** How long libvirt may take for one question; all domains at once get three times that, a round eight times. */
  readonly limitMs?: number;
  readonly now?: () => number;
  /** Instead of running virsh. */
  readonly virsh?: Virsh;
}

export const DEFAULT_VIRSH_LIMIT_MS = 6_000;

/**
 * Reads domains through virsh: a list, one `domstats` and the numbers of the runs each round; names once, a domain's description when it
 * starts or its interfaces change (for their MAC addresses), and one `domifstat` an interface only where the driver lacks interface
 * figures. A domain that fails or hangs costs itself the round, and is asked again in the next.
 */
export function libvirtReader(options: LibvirtOptions = {}): Reader {
  const uri = options.uri ?? 'qemu:///system';
  const virsh = options.virsh ?? openVirsh({ uri, ...(options.virshPath === undefined ? {} : { path: options.virshPath }) });
  const limitMs = options.limitMs ?? DEFAULT_VIRSH_LIMIT_MS;
  const limits: QuestionLimits = { questionMs: limitMs, hostMs: 3 * limitMs, roundMs: 8 * limitMs };
  const patterns = options.match ?? [];
  const matches = patterns.length === 0 ? () => true : globMatcher(patterns);
  const domainsOf = new LibvirtDomains(new DomainQuestions(virsh, limits), limits, options.now ?? Date.now, matches);
  const why = patterns.length === 0 ? 'every domain' : `matches ${patterns.map((pattern) => `'${pattern}'`).join(' or ')}`;
  const nicFrom = options.nicFrom ?? 'mac';
  const reversed = options.direction === 'host';
  const bootId = readBootId(options.bootIdPath);
  /** Which runs of domains have been seen running here; a paused one that never was is still arriving. */
  let seenRunning = new Set<string>();
  const starts = new Starts();
  /** Of the round before: which domains libvirt had, which of them were off, and the highest number that a run had. */
  let before: { readonly listed: ReadonlySet<string>; readonly off: ReadonlySet<string>; readonly numberMax: number } | null =
    null;
  const startOf = (domain: FoundDomain): number | undefined => {
    const { uuid, runningNumber } = domain;
    // without a number a run cannot be told from another
    if (uuid === null || runningNumber === null || runningNumber === '0') return undefined;
    const isNew = (): boolean =>
      before !== null && Number(runningNumber) > before.numberMax && (before.off.has(uuid) || !before.listed.has(uuid));
    return starts.startOf(runOf(domain), isNew);
  };

  const vmOf = (domain: FoundDomain): { vm: string } | { leftOut: LeftOut; why: string } => {
    const mapped = options.map?.get(domain.name)?.vm;
    const base = mapped ?? (options.vmFrom === 'uuid' ? domain.uuid : domain.name);
    if (base === null) return { leftOut: 'no_answer', why: 'libvirt has not told its UUID yet' };
    let vm = base;
    if (mapped === undefined && options.generation !== undefined) {
      const generation = generationOf(options.generation, { vm: base, uuid: domain.uuid });
      if ('failed' in generation) return { leftOut: 'no_generation', why: generation.failed };
      vm = `${base}-${generation.text}`;
    }
    if (namesAreValid(vm, '')) return { vm };
    return {
      leftOut: 'bad_name',
      why: `its name ${JSON.stringify(vm)} is no valid VM name; give it one with --map, or use --vm-from uuid`,
    };
  };

  const counted = (domain: FoundDomain, vm: string, atMs: number, state: State, why: string): Seen[] => {
    const rows: Seen[] = [];
    const start = startedAt(startOf(domain), atMs);
    const nics = new Map(domain.nics.flatMap((nic) => (nic.device === null ? [] : [[nic.device, nic] as const])));
    for (const { name, rxBytes, txBytes } of domain.interfaces) {
      const nic = nicFrom === 'mac' ? nics.get(name)?.mac : name;
      const source = `${domain.name} ${name}`;
      if (nic === undefined || nic === null || !namesAreValid(vm, nic)) {
        const missing = nicFrom === 'mac' ? 'MAC address' : 'name';
        rows.push({ source, result: 'no_nic_name', why: `no usable ${missing} is known of this interface` });
        continue;
      }
      const epoch = epochOf(bootId, domain.runningNumber ?? '0', name);
      const counters = reversed ? { rxBytes: txBytes, txBytes: rxBytes, epoch, ...start } : { rxBytes, txBytes, epoch, ...start };
      rows.push({ source, result: 'metered', why, observation: { vm, nic, ...livesOn(options.host), counters, ...state } });
    }
    const measured = new Set(domain.interfaces.map(({ name }) => name));
    for (const nic of domain.nics) {
      if (nic.device !== null && measured.has(nic.device)) continue;
      const source = `${domain.name} ${nic.device ?? nic.mac ?? nic.type}`;
      const silent = domain.silentDevices.get(nic.device ?? '');
      if (silent === undefined) rows.push({ source, result: 'not_measurable', why: unmeasured(nic) });
      else rows.push({ source, result: 'no_answer', why: silent });
    }
    return rows;
  };

  const seenOf = (domain: FoundDomain, atMs: number): Seen[] => {
    const source = domain.name;
    const named = vmOf(domain);
    if ('leftOut' in named) return [{ source, result: named.leftOut, why: named.why }];
    const { stats } = domain;
    const { vm } = named;
    if (stats === null) return [{ source, result: 'no_answer', why: domain.failed ?? 'libvirt did not say how it is' }];
    const verdict = domainVerdict(stats.state, stats.reason, options.causes);
    const paused = stats.state === STATE_PAUSED && stats.reason === REASON_PAUSED_MIGRATION;
    const isArriving = paused && !seenRunning.has(runOf(domain));
    if (verdict === 'absent' || isArriving) {
      const reason = isArriving ? 'it is still arriving from another host' : 'its state says that another host speaks for it';
      const rows =
        options.host === undefined || domain.failed !== null || !isActive(stats.state)
          ? []
          : counted(domain, vm, atMs, { downCause: null, saysNoState: true }, `${reason}: its counters, and no state`);
      const measured = rows.some(({ observation }) => observation !== undefined);
      return measured ? rows : [{ source, result: 'elsewhere', why: reason }];
    }
    const downCause = verdict === 'up' ? null : verdict;
    const state: Observation = { vm, nic: '', counters: null, downCause };
    // A VM that is off (its counters are gone, or read zero) still has a state to tell.
    if (!isActive(stats.state)) return [{ source, result: 'state_only', why: `${why}; it is off`, observation: state }];
    if (domain.failed !== null) return [{ source, result: 'no_answer', why: domain.failed, observation: state }];
    const rows = counted(domain, vm, atMs, { downCause }, why);
    if (rows.some(({ observation }) => observation !== undefined)) return rows;
    const reason = rows.length === 0 ? 'it has no interface' : 'none of its interfaces can be counted';
    return [...rows, { source, result: 'state_only', why: `${why}; ${reason}`, observation: state }];
  };

  return {
    name: `libvirt ${uri}`,
    async read(signal) {
      starts.begin((options.now ?? Date.now)());
      const { atMs, domains, notPicked, nameless, listed } = await domainsOf.find(signal);
      const running = domains.filter(
        (d) => d.runningNumber !== null && (d.stats?.state === 1 || d.stats?.state === 2 || seenRunning.has(runOf(d))),
      );
      const seen: Seen[] = [
        ...domains.flatMap((domain) => seenOf(domain, atMs)),
        ...nameless.map(({ uuid, failed }): Seen => ({ source: uuid, result: 'no_answer', why: failed })),
        ...notPicked.map((source): Seen => ({ source, result: 'not_picked', why: 'matches no --match' })),
      ];
      const unanswered = [...seenRunning].filter((run) =>
        domains.some((d) => d.runningNumber === null && run.startsWith(`${d.selector} `)),
      );
      starts.end(
        (run) => nameless.length > 0 || domains.some((d) => d.runningNumber === null && run.startsWith(`${d.selector} `)),
      );
      const off = domains.filter(({ failed, stats }) => failed === null && stats !== null && !isActive(stats.state));
      const numbers = domains.map(({ runningNumber }) => Number(runningNumber ?? 0));
      before = {
        listed,
        off: new Set(off.flatMap(({ uuid }) => uuid ?? [])),
        numberMax: Math.max(before?.numberMax ?? 0, ...numbers),
      };
      seenRunning = new Set([...running.map(runOf), ...unanswered]);
      return { atMs, observations: seen.flatMap(({ observation }) => observation ?? []), seen };
    },
  };
}

type State = Pick<Observation, 'downCause' | 'saysNoState'>;

function runOf(domain: FoundDomain): string {
  return `${domain.selector} ${domain.runningNumber ?? ''}`;
}

/** Why libvirt has no figures of a NIC. */
function unmeasured(nic: DomainNic): string {
  if (nic.type === 'hostdev' || nic.type === 'vdpa')
    return `a device handed through to the guest (${nic.type}, SR-IOV): its frames do not pass through this host's software`;
  if (nic.device === null) return `an interface of type ${nic.type} has no device on this host`;
  return `libvirt has no figures of ${nic.device} (${nic.type})`;
}
