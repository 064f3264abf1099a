/** What `uptally agent` reads: its sources, from its options. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Cause } from '../../domain/condition.ts';
import { parseOverride } from '../../agent/domain-state.ts';
import { parseGeneration } from '../../agent/generation.ts';
import { libvirtReader } from '../../agent/libvirt.ts';
import { parseHost, parseMapping, parseVmFrom } from '../../agent/naming.ts';
import { parseFingerprint, parseMember, parseToken } from '../../agent/proxmox-members.ts';
import { proxmoxReader } from '../../agent/proxmox.ts';
import type { AgentLog, Reader } from '../../samples/reading.ts';
import { sysfsReader, type Direction } from '../../agent/sysfs.ts';
import { CommandFailure, type CliContext } from '../terminal/context.ts';

export const SOURCES = ['sysfs', 'libvirt', 'proxmox'] as const;

export interface SourceOptions {
  readonly source?: (typeof SOURCES)[number];
  readonly match: readonly string[];
  readonly map: readonly string[];
  readonly direction: Direction;
  readonly vmFrom?: string;
  readonly generation?: string;
  readonly host?: string;
  readonly downCause: Cause;
  readonly uri: string;
  readonly virsh: string;
  readonly virshLimit: number;
  readonly nicFrom: 'mac' | 'device';
  readonly cause: readonly string[];
  readonly sysfsRoot: string;
  readonly url: readonly string[];
  readonly tokenFile?: string;
  readonly fingerprint: readonly string[];
  readonly ca?: string;
}

/** Throws CommandFailure where the options do not go together. */
export function readerOf(options: SourceOptions, log: AgentLog, context: CliContext): Reader {
  const map = new Map(options.map.map(asUsage(parseMapping)));
  const generation = options.generation === undefined ? undefined : asUsage(parseGeneration)(options.generation);
  if (options.source === 'sysfs' && generation?.kind === 'uuid')
    throw new CommandFailure('--generation uuid needs --source libvirt: the kernel knows no UUIDs', 2);
  if (options.source === 'proxmox') return proxmoxOf(options, { match: options.match, map, generation, now: context.now });
  const host = options.host === undefined ? undefined : asUsage((text: string) => parseHost(text, hostname()))(options.host);
  const shared = { match: options.match, map, direction: options.direction, generation, host, log, now: context.now };
  if (options.source === 'sysfs') {
    const vmFrom = asUsage(parseVmFrom)(options.vmFrom ?? 'name');
    return sysfsReader({ ...shared, vmFrom, root: options.sysfsRoot, downCause: options.downCause });
  }
  const vmFrom = options.vmFrom ?? 'name';
  if (vmFrom !== 'name' && vmFrom !== 'uuid') throw new CommandFailure('with --source libvirt, --vm-from is name or uuid', 2);
  return libvirtReader({
    ...shared,
    vmFrom,
    uri: options.uri,
    virshPath: options.virsh,
    limitMs: options.virshLimit,
    nicFrom: options.nicFrom,
    causes: new Map(options.cause.map(asUsage(parseOverride))),
  });
}

function proxmoxOf(
  options: SourceOptions,
  shared: Pick<Parameters<typeof proxmoxReader>[0], 'match' | 'map' | 'generation' | 'now'>,
): Reader {
  const { url, tokenFile, fingerprint, ca } = options;
  if (url.length === 0 || tokenFile === undefined)
    throw new CommandFailure('--source proxmox needs --url https://HOST:8006 and --token-file', 2);
  if (options.host !== undefined)
    throw new CommandFailure('a Proxmox cluster does not say which member counted: --host is for sysfs and libvirt', 2);
  if (options.generation === 'uuid') throw new CommandFailure('--generation uuid needs --source libvirt', 2);
  return proxmoxReader({
    ...shared,
    urls: url.map(asUsage(parseMember)),
    token: asUsage(parseToken)(textOf('--token-file', tokenFile)),
    fingerprints: fingerprint.map(asUsage(parseFingerprint)),
    ...(ca === undefined ? {} : { ca: textOf('--ca', ca) }),
  });
}

/** Reads a file that an option names. */
export function textOf(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${option}: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

/** Wrong values of options that may be repeated are found only here, and are wrong usage all the same. */
function asUsage<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      throw new CommandFailure(error instanceof Error ? error.message : String(error), 2);
    }
  };
}
