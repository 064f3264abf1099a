/** What remote write 2.0 asks of a receiver, as the cases of prometheus/compliance (remotewrite/receiver) do. */
import { describe, expect, it } from 'vitest';
import { prometheusReceiver } from '../../../../src/ingest/receivers/prometheus/receiver.ts';
import { type Received, receive } from '../../../support/receiving.ts';
import { packed, type SentSeries, version1, version2 } from '../../../support/remote-write.ts';

const AT = 1_795_320_000_000;
const MESSAGE_2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
const counter = (nic: string, more: Partial<SentSeries> = {}): SentSeries => ({
  labels: {
    __name__: 'libvirt_domain_interface_stats_receive_bytes_total',
    ...{ uuid: 'vm-a', instance: 'hv1:9177', target_device: nic },
  },
  samples: [[1, AT]],
  ...more,
});
const post = (body: Uint8Array, headers: Record<string, string> = {}): Received =>
  receive(prometheusReceiver, body, {
    source: { preset: 'libvirt-exporter' },
    headers: {
      'content-type': MESSAGE_2,
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '2.0.0',
      ...headers,
    },
  });
const written = ({ answer: { headers } }: Received): (string | undefined)[] =>
  ['samples', 'histograms', 'exemplars'].map((what) => headers[`x-prometheus-remote-write-${what}-written`]);

describe('PRW 2.0', () => {
  it.each(['application/json', 'text/plain', '', 'application/x-protobuf;proto=io.prometheus.write.v3.Request'])(
    'MUST: the content type %s is answered exactly 415',
    (type) => {
      expect(post(packed(version2([counter('a')])), { 'content-type': type }).answer.status).toBe(415);
    },
  );

  it.each(['gzip', 'zstd', '', 'identity'])('MUST: the content encoding %s is answered exactly 415', (encoding) => {
    expect(post(packed(version2([counter('a')])), { 'content-encoding': encoding }).answer.status).toBe(415);
  });

  it('MUST: a corrupt body is answered exactly 400, and nothing of it is taken', () => {
    const message = version2([counter('a'), counter('b')]);
    for (const corrupt of [Buffer.from('no snappy'), packed(message).subarray(0, -3), packed(message.subarray(0, -3))]) {
      const received = post(corrupt);
      expect([received.answer.status, received.counts]).toEqual([400, {}]);
    }
  });

  it('MUST: what was written is told, and is what was sent: samples, histograms, exemplars', () => {
    const received = post(packed(version2([counter('a', { histograms: 2, exemplars: 3 }), counter('b')])));
    expect([received.answer.status, ...written(received)]).toEqual([204, '2', '2', '3']);
  });

  it('MUST: of a request with a malformed series the true counts are told beside 400', () => {
    const malformed = { labels: {}, refs: [0, 99], samples: [[1, AT]], exemplars: 1 } as const;
    const received = post(packed(version2([counter('a'), malformed])));
    expect([received.answer.status, ...written(received)]).toEqual([400, '1', '0', '0']);
    expect(received.counts).toMatchObject({ taken: 1 });
  });

  it('MUST: a request without series is written, with nothing in it', () => {
    const received = post(packed(version2([])));
    expect([received.answer.status, ...written(received)]).toEqual([204, '0', '0', '0']);
  });

  it('SHOULD: created timestamps count, of the series or of the sample', () => {
    const plain = post(packed(version2([counter('a')])));
    const created = post(packed(version2([counter('a', { createdMs: AT - 60_000 })])));
    expect(created.counts).toEqual({ taken: 1 });
    expect(created.body.length).toBeGreaterThan(plain.body.length);
  });

  it('SHOULD: several metrics of one request are taken, each with its labels', () => {
    const state: SentSeries = {
      labels: { __name__: 'libvirt_domain_state_code', uuid: 'vm-a', instance: 'hv1:9177' },
      samples: [[1, AT]],
    };
    const received = post(packed(version2([counter('a'), counter('b'), state])));
    expect(received.counts).toEqual({ taken: 3 });
    expect(written(received)[0]).toBe('3');
  });

  it('SHOULD: labels that are not in order are malformed', () => {
    const received = post(packed(version2([{ labels: {}, refs: [3, 4, 1, 2], samples: [[1, AT]] }, counter('a')])));
    expect(received.answer.status).toBe(400);
  });

  it('MAY: 1.0 is taken as well, and says of nothing that it was written', () => {
    const received = post(packed(version1([counter('a')])), {
      'content-type': 'application/x-protobuf',
      'x-prometheus-remote-write-version': '0.1.0',
    });
    expect([received.answer.status, ...written(received)]).toEqual([204, undefined, undefined, undefined]);
    expect(received.counts).toEqual({ taken: 1 });
  });
});
