/**
 * What tells a VM from an earlier one of the same name, for hypervisors that use numbers and names again: it becomes part of the VM's name
 * here, so that the new guest is another service than the one that has ended.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATION, PATH_NAME } from '../samples/names.ts';

export type Generation =
  /** The first part of the domain's UUID, which libvirt makes with the domain. */
  | { readonly kind: 'uuid' }
  /** When Proxmox VE made the guest, from its configuration; of a container, which has no such line, its first NIC's address. */
  | { readonly kind: 'proxmox'; readonly folder: string }
  /** The first line of a file, `{vm}` in whose path is the VM's name. */
  | { readonly kind: 'file'; readonly path: string };

const PROXMOX_FOLDER = '/etc/pve';

/** Reads `uuid`, `proxmox`, `proxmox:FOLDER` or `file:PATH`. Throws with a sentence for the user. */
export function parseGeneration(text: string): Generation {
  if (text === 'uuid') return { kind: 'uuid' };
  if (text === 'proxmox') return { kind: 'proxmox', folder: PROXMOX_FOLDER };
  if (text.startsWith('proxmox:/')) return { kind: 'proxmox', folder: text.slice('proxmox:'.length) };
  if (text.startsWith('file:') && text.includes('{vm}')) return { kind: 'file', path: text.slice('file:'.length) };
  throw new Error(`"${text}" is no rule for a generation; write uuid, proxmox, or file:PATH with {vm} in the path`);
}

/** The generation of a VM now, or why there is none to be had: without one it must not be metered, for its name alone may be another's. */
export function generationOf(
  rule: Generation,
  what: { readonly vm: string; readonly uuid: string | null },
): { readonly text: string } | { readonly failed: string } {
  if (rule.kind === 'uuid') {
    return what.uuid === null ? { failed: 'libvirt has not told its UUID yet' } : { text: what.uuid.slice(0, 8) };
  }
  if (!PATH_NAME.test(what.vm)) return { failed: `"${what.vm}" has no generation: it is no plain name` };
  return rule.kind === 'file' ? fromFile(rule.path.replaceAll('{vm}', what.vm)) : fromProxmox(rule.folder, what.vm);
}

function fromFile(path: string): { text: string } | { failed: string } {
  const text = read(path)?.split('\n', 1)[0]?.trim() ?? '';
  return GENERATION.test(text)
    ? { text }
    : { failed: `${path} holds no generation: 1 to 32 letters and digits in its first line` };
}

function fromProxmox(folder: string, id: string): { text: string } | { failed: string } {
  const machine = read(join(folder, 'qemu-server', `${id}.conf`));
  const container = machine === null ? read(join(folder, 'lxc', `${id}.conf`)) : null;
  // What follows the first [section] are snapshots: of how the guest was, with values of then.
  const lines = (machine ?? container ?? '').split(/^\[/m, 1)[0]?.split('\n') ?? [];
  const value = (key: RegExp): string => lines.find((line) => key.test(line)) ?? '';
  const made = /\bctime=(\d+)/.exec(value(/^meta:/))?.[1];
  if (made !== undefined) return { text: made };
  const uuid = /\buuid=([0-9a-f]{8})-/i.exec(value(/^smbios1:/))?.[1];
  if (uuid !== undefined) return { text: uuid.toLowerCase() };
  const address = /\b(?:hwaddr|virtio|e1000|rtl8139|vmxnet3)=((?:[0-9a-f]{2}:){5}[0-9a-f]{2})/i.exec(value(/^net\d+:/))?.[1];
  if (address !== undefined) return { text: address.replaceAll(':', '').toLowerCase() };
  return { failed: `${folder} says nothing of when ${id} was made (is there a ${id}.conf, and may the agent read it?)` };
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
