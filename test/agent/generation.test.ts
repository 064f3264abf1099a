import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generationOf, parseGeneration } from '../../src/agent/generation.ts';
import { parseVmFrom } from '../../src/agent/naming.ts';
import { sysfsReader } from '../../src/agent/sysfs.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'uptally-generation-'));
  for (const folder of ['qemu-server', 'lxc']) mkdirSync(join(dir, folder));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const of = (rule: string, vm: string, uuid: string | null = null): unknown => generationOf(parseGeneration(rule), { vm, uuid });

describe('the generation of a VM', () => {
  it.each([
    [
      'qemu-server',
      'name: web\nmeta: creation-qemu=8.1.5,ctime=1767225600\nsmbios1: uuid=5b1f0c3e-7d2a-4c18-9e60-000000000001\n',
      '1767225600',
    ],
    ['qemu-server', 'name: web\nsmbios1: uuid=5B1F0C3E-7d2a-4c18-9e60-000000000001\n', '5b1f0c3e'],
    ['qemu-server', 'net0: virtio=BC:24:11:0A:0B:0C,bridge=vmbr0\n', 'bc24110a0b0c'],
    ['lxc', 'hostname: db\nnet0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:01:02:03\n', 'bc2411010203'],
  ])('of Proxmox: %s, %j', (folder, text, generation) => {
    writeFileSync(join(dir, folder, '100.conf'), text);
    expect(of(`proxmox:${dir}`, '100')).toEqual({ text: generation });
  });

  it('is not taken from a snapshot, which remembers another time', () => {
    writeFileSync(join(dir, 'qemu-server', '100.conf'), 'name: web\n[before]\nmeta: creation-qemu=8.1.5,ctime=1\n');
    expect(of(`proxmox:${dir}`, '100')).toMatchObject({ failed: expect.stringContaining('100') as unknown });
  });

  it('is the first part of a UUID, or the first line of a file', () => {
    expect(of('uuid', 'web', '5b1f0c3e-7d2a-4c18-9e60-000000000001')).toEqual({ text: '5b1f0c3e' });
    writeFileSync(join(dir, 'web'), 'g7\nmore\n');
    expect(of(`file:${dir}/{vm}`, 'web')).toEqual({ text: 'g7' });
  });

  it.each(['../lxc/1', '.', '..', 'a/b', ''])('is never looked for under %j: a name is no path', (vm) => {
    expect(of(`proxmox:${dir}`, vm)).toHaveProperty('failed');
    expect(of(`file:${dir}/{vm}`, vm)).toHaveProperty('failed');
  });

  it.each(['', 'vmgenid', 'file:/no/place', 'proxmox:relative'])('has no rule %j', (rule) => {
    expect(() => parseGeneration(rule)).toThrow('no rule for a generation');
  });

  it('makes VM 100 another service when it is made anew, and leaves out what has none', async () => {
    const root = join(dir, 'net');
    for (const [i, name] of ['tap100i0', 'tap200i0'].entries()) {
      mkdirSync(join(root, name, 'statistics'), { recursive: true });
      for (const file of ['statistics/rx_bytes', 'statistics/tx_bytes', 'ifindex'])
        writeFileSync(join(root, name, file), `${i + 1}\n`);
      writeFileSync(join(root, name, 'operstate'), 'up\n');
    }
    const reader = sysfsReader({
      root,
      vmFrom: parseVmFrom('/^tap(\\d+)i(\\d+)$/'),
      generation: parseGeneration(`proxmox:${dir}`),
    });
    const vms = async (): Promise<string[]> => (await reader.read()).observations.map(({ vm, nic }) => `${vm}/${nic}`);
    writeFileSync(join(dir, 'qemu-server', '100.conf'), 'meta: creation-qemu=8.1.5,ctime=1700000000\n');
    expect(await vms()).toEqual(['100-1700000000/0']);
    writeFileSync(join(dir, 'qemu-server', '100.conf'), 'meta: creation-qemu=8.1.5,ctime=1767225600\n');
    expect(await vms()).toEqual(['100-1767225600/0']);
    expect((await reader.read()).seen?.map(({ result }) => result)).toEqual(['metered', 'no_generation']);
  });
});
