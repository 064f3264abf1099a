/** `uptally/agent`: the agent inside a program. docs/guides/agent.md has an example. */
export { type AgentOptions, type AgentStats, runAgent, type RunningAgent } from './agent.ts';
export { WIRE_FORMATS, type WireFormat } from './batch.ts';
export { libvirtReader, type LibvirtOptions } from './libvirt.ts';
export { proxmoxReader, type ProxmoxOptions } from './proxmox.ts';
export { runRelay, type RelayOptions, type RelayStats, type RunningRelay } from './relay.ts';
export { sysfsReader, type Direction, type SysfsOptions } from './sysfs.ts';
export { Spool, type SpooledBatch, type SpoolOptions } from './spool.ts';
export { LockedError } from '../process/held-lock.ts';
export { FolderError } from '../process/folder.ts';
export type { AgentLog, Observation, Reader, Reading, Seen } from '../samples/reading.ts';
