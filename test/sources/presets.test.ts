import { describe, expect, it } from 'vitest';
import { mappingOf, type SourceBody } from '../../src/sources/mapping.ts';
import { preset, presets } from '../../src/sources/presets.ts';
import { type Series, Source } from '../../src/sources/source.ts';
import { outcomeOf } from '../../src/sources/value.ts';

/** A source of a preset, with fields of its own. */
function sourceOf(body: SourceBody): Source {
  const mapping = mappingOf(body, preset);
  if (!('protocol' in mapping)) throw new Error(JSON.stringify(mapping));
  return new Source(mapping);
}

const AT = 1_795_320_000_000;
const labels = (said: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(said));
const sampleOf = (series: Series, value: number) => {
  const outcome = outcomeOf(series, value, AT);
  return outcome.kind === 'sample' ? outcome.sample : outcome;
};

describe('the presets', () => {
  it('are whole mappings, every one', () => {
    for (const [id, body] of presets()) expect(mappingOf(body, preset), id).toMatchObject({ protocol: body.protocol });
  });

  it("libvirt-exporter: an interface's counter is a half of the VM's uuid, and says nothing of the state", () => {
    const source = sourceOf({ preset: 'libvirt-exporter' });
    const series = source.series(
      'libvirt_domain_interface_stats_receive_bytes_total',
      labels({ uuid: '6695eb01-f6a4', domain: 'vm-101', target_device: 'vnet0', instance: '10.0.0.1:9177' }),
    );
    expect(sampleOf(series, 179_532_000_107_162)).toEqual({
      ...{ vm: '6695eb01-f6a4', nic: 'vnet0', host: '10.0.0.1:9177', atMs: AT, epoch: 0, startedAtMs: null, sum: false },
      ...{ rxBytes: 179_532_000_107_162n, txBytes: null, state: 'none', holdS: 90, linkMbps: null },
    });
  });

  it('T2: a state without a reason is up, or the crash, and else says nothing', () => {
    const source = sourceOf({ preset: 'libvirt-exporter' });
    const series = source.series('libvirt_domain_state_code', labels({ uuid: 'u', domain: 'd', instance: 'h' }));
    expect(sampleOf(series, 1)).toMatchObject({ vm: 'u', nic: '', state: 'up', rxBytes: null });
    expect(sampleOf(series, 6)).toMatchObject({ state: 'provider' });
    for (const code of [3, 5]) expect(sampleOf(series, code)).toEqual({ kind: 'left_out', why: 'empty' });
  });

  it('T8: node_exporter sees the host end: received and sent are exchanged, and bridges are not guests', () => {
    const source = sourceOf({ preset: 'node-exporter-taps' });
    const tap = source.series('node_network_receive_bytes_total', labels({ device: 'tap100i0', instance: 'pve1:9100' }));
    expect(sampleOf(tap, 7)).toMatchObject({ vm: '100', nic: 'i0', txBytes: 7n, rxBytes: null, state: 'up' });
    for (const device of ['fwpr100p0', 'fwln100i0', 'vmbr0', 'eth0', 'lo'])
      expect(source.series('node_network_receive_bytes_total', labels({ device, instance: 'h' }))).toEqual({
        kind: 'left_out',
        why: 'dropped',
      });
  });

  it("T5, T8: pve-exporter: a VM's sum, nodes and storages left out", () => {
    const source = sourceOf({ preset: 'pve-exporter' });
    expect(sampleOf(source.series('pve_network_receive_bytes_total', labels({ id: 'qemu/100' })), 5)).toMatchObject({
      vm: '100',
      sum: true,
    });
    expect(source.series('pve_up', labels({ id: 'node/pve1' }))).toEqual({ kind: 'left_out', why: 'dropped' });
    expect(sampleOf(source.series('pve_up', labels({ id: 'lxc/101' })), 0)).toMatchObject({ vm: '101', state: 'customer' });
  });

  it('T6: a line of Proxmox: what is off has no counters, though zeros are sent', () => {
    const source = sourceOf({ preset: 'proxmox-influx-sums' });
    const system = (said: Record<string, string>) =>
      source.line('system', AT, labels({ object: 'qemu', vmid: '100', nodename: 'pve1', ...said }));
    expect(
      system({
        netin: '1529756162',
        netout: '7750708281',
        pid: '41873',
        qmpstatus: 'running',
        status: 'running',
        uptime: '315039',
      }),
    ).toMatchObject({
      sample: {
        vm: '100',
        host: 'pve1',
        rxBytes: 1_529_756_162n,
        txBytes: 7_750_708_281n,
        state: 'up',
        startedAtMs: AT - 315_039_000,
        sum: true,
      },
    });
    expect(system({ netin: '0', netout: '0', qmpstatus: 'stopped', status: 'stopped', uptime: '0' })).toMatchObject({
      sample: { rxBytes: null, txBytes: null, state: 'customer', epoch: 0 },
    });
  });

  it('a template VM is no guest', () => {
    const source = sourceOf({ preset: 'proxmox-influx-sums' });
    const line = labels({ object: 'qemu', vmid: '9000', nodename: 'pve1', template: '1', status: 'stopped' });
    expect(source.line('system', AT, line)).toEqual({ kind: 'left_out', why: 'ignored' });
  });

  it("figures out of the guest are not billed unless somebody says so: Incus' (3 in the traps of forged counters)", () => {
    const said = labels({ project: 'p', name: 'n', device: 'eth0', instance: 'h', type: 'virtual-machine' });
    expect(sourceOf({ preset: 'incus' }).series('incus_network_receive_bytes_total', said)).toEqual({
      kind: 'left_out',
      why: 'untrusted',
    });
    expect(sourceOf({ preset: 'incus', trust: 'host' }).series('incus_network_receive_bytes_total', said)).toMatchObject({
      kind: 'taken',
    });
  });

  it('a state that stands in a label is the one whose series has the value', () => {
    const source = sourceOf({ preset: 'kubevirt' });
    const state = (group: string) =>
      source.series('kubevirt_vm_info', labels({ namespace: 'a', name: 'b', status_group: group }));
    expect(sampleOf(state('running'), 1)).toMatchObject({ vm: 'a:b', state: 'up' });
    expect(sampleOf(state('non_running'), 0)).toEqual({ kind: 'left_out', why: 'empty' });
  });
});

describe('what a float says', () => {
  const series = sourceOf({ preset: 'libvirt-exporter' }).series(
    'libvirt_domain_interface_stats_receive_bytes_total',
    labels({ uuid: 'u', target_device: 'v', instance: 'h' }),
  );

  it('is a counter when it is a whole number that 64 bits hold', () => {
    for (const value of [NaN, Infinity, -Infinity, -1, 1e20, 2 ** 64, 0.5])
      expect(outcomeOf(series, value, AT), String(value)).toMatchObject({ kind: 'rejected', code: 'bad_counter' });
    expect(outcomeOf(series, 2 ** 53 + 2, AT)).toMatchObject({
      kind: 'sample',
      inexact: true,
      sample: { rxBytes: 2n ** 53n + 2n },
    });
    expect(outcomeOf(series, 0, AT)).toMatchObject({ kind: 'sample', sample: { rxBytes: 0n } });
  });
});

describe('replicas', () => {
  const replica = { cluster: 'cluster', replica: '__replica__', failover_s: 30 };
  const state = (said: Record<string, string>): Series =>
    sourceOf({ preset: 'libvirt-exporter', replica }).series('libvirt_domain_state_code', labels({ uuid: 'u', ...said }));

  it('what does not say which replica tells it is rejected, a sign of life excepted', () => {
    expect(state({ cluster: 'c' })).toMatchObject({
      kind: 'rejected',
      code: 'missing_field',
      why: expect.stringContaining('__replica__') as string,
    });
    expect(state({ __replica__: 'a' })).toMatchObject({ kind: 'rejected', code: 'missing_field' });
    expect(state({ cluster: 'c', __replica__: 'a' })).toMatchObject({ kind: 'taken' });
    expect(sourceOf({ preset: 'libvirt-exporter', replica }).series('up', labels({}))).toEqual({
      kind: 'left_out',
      why: 'heartbeat',
    });
  });

  it('are not thought silent between two of their samples', () => {
    expect(mappingOf({ preset: 'libvirt-exporter', interval_s: 20, replica }, preset)).toEqual([
      { field: 'replica.failover_s', message: expect.stringContaining('twice interval_s') as string },
    ]);
  });
});
