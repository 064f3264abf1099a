import { describe, expect, it } from 'vitest';
import { ceilometerReceiver } from '../../../src/ingest/receivers/ceilometer/receiver.ts';
import { cloudeventsReceiver } from '../../../src/ingest/receivers/cloudevents/receiver.ts';
import { collectdReceiver } from '../../../src/ingest/receivers/collectd/receiver.ts';
import type { Receiver } from '../../../src/ingest/receivers/shared/receiver.ts';
import { receive, type Received } from '../../support/receiving.ts';

const JSON_HEAD = { 'content-type': 'application/json' };
function post(receiver: Receiver, preset: string, document: unknown, headers: Record<string, string> = JSON_HEAD): Received {
  return receive(receiver, typeof document === 'string' ? document : JSON.stringify(document), { source: { preset }, headers });
}

describe('collectd', () => {
  const octets = (values: unknown[]) => ({
    ...{ values, dstypes: ['derive', 'derive'], dsnames: ['rx', 'tx'], time: 1_795_320_003.089, interval: 5, host: 'hv-01' },
    ...{ plugin: 'virt', plugin_instance: '6695eb01', type: 'if_octets', type_instance: '52:54:00:00:00:01' },
  });
  const state = (code: number, reason: number) => ({
    ...{
      values: [code, reason],
      dstypes: ['gauge', 'gauge'],
      dsnames: ['state', 'reason'],
      time: 1_795_320_003.088,
      interval: 5,
    },
    ...{ host: 'hv-01', plugin: 'virt', plugin_instance: '6695eb01', type: 'domain_state', type_instance: '' },
  });

  it('value lists become samples with both counters, and states with their reasons', () => {
    const { answer, counts } = post(collectdReceiver, 'collectd-virt', [
      octets([179_532, 89_766]),
      state(1, 1),
      state(5, 3),
      state(3, 1),
    ]);
    expect(counts).toEqual({ taken: 3, empty: 1 });
    expect(answer).toEqual({ status: 204, headers: {} });
  });

  it('a value that is none is left out, and a float is no counter', () => {
    expect(post(collectdReceiver, 'collectd-virt', [octets([null, null])]).counts).toEqual({ empty: 1 });
    const { answer, counts } = post(collectdReceiver, 'collectd-virt', [octets([1.5, 1])]);
    expect(counts).toEqual({ 'rejected:bad_counter': 1 });
    expect(JSON.parse(String(answer.body))).toMatchObject({ rejected: 1 });
  });

  it.each(['{"a":1}', '[1]', '[{"time":"x"}]', 'x', '[{"time":1,"type":"if_octets","values":[1],"dsnames":[]}]'])(
    '%s is refused',
    (body) => {
      expect(post(collectdReceiver, 'collectd-virt', body).answer.status).toBe(400);
    },
  );
});

describe('Ceilometer', () => {
  const sample = (name: string, volume: unknown, timestamp: unknown = '2026-11-30T12:00:00.123456') => ({
    ...{ counter_name: name, counter_volume: volume, counter_unit: 'B', counter_type: 'cumulative', timestamp },
    ...{
      resource_id: 'instance-1-vm-tap1',
      project_id: 'p',
      resource_metadata: { instance_id: 'vm-1', name: 'tap1', instance_host: 'hv-1' },
    },
  });

  it('received and sent bytes are halves, each by itself, an instant without an offset UTC', () => {
    const { counts, body } = post(ceilometerReceiver, 'ceilometer', [sample('network.incoming.bytes', 1000), sample('cpu', 1)]);
    expect(counts).toEqual({ taken: 1, ignored: 1 });
    const offset = post(ceilometerReceiver, 'ceilometer', [
      sample('network.incoming.bytes', 1000, '2026-11-30T13:00:00.123+01:00'),
    ]);
    expect(offset.body).toEqual(body);
  });

  it('what cannot be taken is told', () => {
    const { answer } = post(ceilometerReceiver, 'ceilometer', [
      sample('network.incoming.bytes', 'many'),
      sample('network.outgoing.bytes', 1, 'yesterday'),
    ]);
    expect(answer.status).toBe(202);
    expect(JSON.parse(String(answer.body))).toMatchObject({ rejected: 2 });
  });
});

describe('CloudEvents', () => {
  const event = {
    ...{ specversion: '1.0', id: '1', source: 'hv-1', type: 'vm.traffic', subject: 'vm-1', time: '2026-11-30T12:00:00Z' },
    data: { rx_bytes: 1000, tx_bytes: '18446744073709551615', nic: 'eth0' },
  };

  it('structured, batch and binary mode are the same samples', () => {
    const structured = post(cloudeventsReceiver, 'cloudevents', event, {
      'content-type': 'application/cloudevents+json; charset=utf-8',
    });
    const batch = post(cloudeventsReceiver, 'cloudevents', [event], { 'content-type': 'application/cloudevents-batch+json' });
    const { data, ...attributes } = event;
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeURIComponent(value)]),
    );
    const binary = post(cloudeventsReceiver, 'cloudevents', data, { ...headers, ...JSON_HEAD });
    expect(structured.counts).toEqual({ taken: 1 });
    expect(structured.answer.status).toBe(204);
    expect(batch.body).toEqual(structured.body);
    expect(binary.body).toEqual(structured.body);
  });

  it('without a time it would be another sample each time that it is sent', () => {
    expect(post(cloudeventsReceiver, 'cloudevents', { ...event, time: null }).counts).toEqual({ 'rejected:bad_ts': 1 });
  });

  it.each([
    [{ ...event, specversion: '0.3' }, 400],
    [{ ...event, id: '' }, 400],
    [[event], 400],
    ['x', 400],
  ])('%j is refused', (document, status) => {
    expect(post(cloudeventsReceiver, 'cloudevents', document).answer.status).toBe(status);
  });
});
