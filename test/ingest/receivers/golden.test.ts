/** Cases of stock senders that cost money, by name: those that a receiver and its mapping decide alone (docs/internals/testing.md has all of them). */
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { influxReceiver } from '../../../src/ingest/receivers/influx/receiver.ts';
import { prometheusReceiver } from '../../../src/ingest/receivers/prometheus/receiver.ts';
import { mappingOf, type SourceBody } from '../../../src/sources/mapping.ts';
import { preset, presets } from '../../../src/sources/presets.ts';
import { type Received, receive } from '../../support/receiving.ts';
import { packed, type SentSeries, version1 } from '../../support/remote-write.ts';

const AT = 1_795_320_000_000;
const RX = 'libvirt_domain_interface_stats_receive_bytes_total';
const LIBVIRT: SourceBody = { preset: 'libvirt-exporter' };
const HEADERS = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };

const counter = (samples: SentSeries['samples']): SentSeries => ({
  labels: { __name__: RX, uuid: 'vm-a', instance: 'hv1:9177', target_device: 'vnet0' },
  samples,
});
const write = (body: Uint8Array, headers: Record<string, string> = {}, source = LIBVIRT): Received =>
  receive(prometheusReceiver, body, { source, headers: { ...HEADERS, ...headers } });
const line = (text: string): Received =>
  receive(influxReceiver, text, { source: { preset: 'proxmox-influx-sums' }, url: '/api/v2/write', headers: {} });

/** A frame of zstd as vmagent sends: its magic, a header, and what it holds as one block that is not packed. */
function zstdFrame(content: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0b1010_0000;
  head.writeUInt32LE(content.length, 5);
  head.writeUIntLE((content.length << 3) | 1, 9, 3);
  return Buffer.concat([head, content]);
}

describe('values', () => {
  const valued = (...values: number[]): Received => write(packed(version1([counter(values.map((value, i) => [value, AT + i]))])));

  it('G5: NaN, both infinities, -1 and 1e20 are no counters and cost themselves alone; 2^53 + 2 is taken as inexact', () => {
    const { answer, counts } = valued(NaN, Infinity, -Infinity, -1, 1e20, 7, 2 ** 53 + 2);
    expect(answer.status).toBe(204);
    expect(counts).toEqual({ 'rejected:bad_counter': 5, taken: 2, inexact: 1 });
  });

  it('G5, T12: an exporter that cannot be scraped (up 0) says nothing of its VMs', () => {
    const up: SentSeries = { labels: { __name__: 'up', instance: 'hv1:9177', job: 'libvirt' }, samples: [[0, AT]] };
    expect(write(packed(version1([up]))).counts).toEqual({ heartbeat: 1 });
  });

  it('T12: the marker of a series that ended is no state and no counter', () => {
    const state: SentSeries = {
      labels: { __name__: 'libvirt_domain_state_code', uuid: 'vm-a', instance: 'hv1' },
      samples: [[NaN, AT]],
    };
    const body = version1([state, counter([[NaN, AT]])]);
    for (let at = body.indexOf('0000f87f', 0, 'hex'); at >= 0; at = body.indexOf('0000f87f', at, 'hex'))
      Buffer.from('020000000000f07f', 'hex').copy(body, at - 4);
    expect(write(packed(body)).counts).toEqual({ stale: 2 });
  });

  it('T15: what is no whole number of bytes is a rate, and no counter', () => {
    expect(valued(1234.5).counts).toEqual({ 'rejected:bad_counter': 1 });
  });

  it('T16: a byte is a byte: counters are taken as they are, however little they rise', () => {
    const one = line(`system,object=qemu,vmid=1,nodename=n netin=1,netout=0,qmpstatus="running" ${AT}000000`);
    expect(one.counts).toEqual({ taken: 1 });
    for (const [id, body] of presets()) expect([id, 'unit' in body, 'factor' in body]).toEqual([id, false, false]);
  });
});

describe('bodies', () => {
  const body = version1([counter([[1, AT]])]);

  it('G8: what comes in zstd is answered 415, so that vmagent goes on with snappy, and that is taken', () => {
    const first = write(zstdFrame(body), { 'content-encoding': 'zstd', 'x-victoriametrics-remotewrite-version': '1' });
    expect([first.answer.status, first.counts]).toEqual([415, {}]);
    const second = write(compressSync(body), { 'x-prometheus-remote-write-version': '0.1.0' });
    expect([second.answer.status, second.counts]).toEqual([204, { taken: 1 }]);
  });

  it('G8: zstd under the name of snappy is 400: nothing is guessed', () => {
    expect(write(zstdFrame(body)).answer.status).toBe(400);
  });

  it.each([
    ['4 GiB', [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['8 MiB and a byte', [0x81, 0x80, 0x80, 0x04]],
  ])('G10: a block that says it holds %s is 413 before anything is allocated', (_, length) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(write(Buffer.from([...length, 0])).answer.status).toBe(413);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  });
});

describe('Proxmox', () => {
  const system = (fields: string): Received => line(`system,object=qemu,vmid=100,nodename=pve1,host=web ${fields} ${AT}000000`);

  it('G6, T6: a VM that is off has no counters though zeros are sent, and one that starts again has another epoch', () => {
    const running = (pid: number): Buffer => system(`netin=5,netout=6,pid=${pid},qmpstatus="running"`).body;
    const off = system('netin=0,netout=0,qmpstatus="stopped",uptime=0').body;
    const stateAlone = system('qmpstatus="stopped",uptime=0').body;
    expect(off).toEqual(stateAlone);
    expect(running(1)).not.toEqual(running(2));
    expect(running(1)).toEqual(running(1));
  });

  it('T9: an uptime that jitters makes no epoch: counters without a birth mark keep theirs', () => {
    const source: SourceBody = { preset: 'telegraf-proxmox' };
    const of = (uptime: number): Received =>
      receive(
        influxReceiver,
        `proxmox,vm_id=7,vm_type=qemu,node_fqdn=n net_in_bytes=5i,net_out_bytes=6i,status="running",uptime=${uptime}i ${AT}000000`,
        { source, url: '/api/v2/write' },
      );
    // another start is told, and nothing else differs
    expect(of(1000).body.length).toBe(of(1001).body.length);
    expect(of(1000).counts).toEqual({ taken: 1 });
  });
});

it('T11: a source that speaks more seldom than its states hold is refused', () => {
  expect(mappingOf({ preset: 'ceilometer', interval_s: 300, hold_s: 300 }, preset)).toEqual([
    { field: 'hold_s', message: expect.stringContaining('longer than interval_s') as string },
  ]);
  for (const [id, body] of presets()) {
    const { interval_s: interval, hold_s: hold } = body;
    if (interval !== undefined && hold !== undefined) expect([id, hold >= 2.5 * interval]).toEqual([id, true]);
  }
});

it('T13: KubeVirt: state and counters of a VM have one name, from name and namespace in either series', () => {
  const labels = { namespace: 'shop', name: 'web', node: 'n1', interface: 'default' };
  const named = (name: string, more: object = {}): SentSeries => ({
    labels: { __name__: name, ...labels, ...more },
    samples: [[1, AT]],
  });
  const source: SourceBody = { preset: 'kubevirt' };
  const { body, counts } = write(
    packed(version1([named('kubevirt_vm_info', { status_group: 'running' }), named('kubevirt_vmi_network_receive_bytes_total')])),
    {},
    source,
  );
  expect(counts).toEqual({ taken: 2 });
  // one VM in the table of names
  expect(body.toString('latin1').split('shop').length - 1).toBe(1);
});
