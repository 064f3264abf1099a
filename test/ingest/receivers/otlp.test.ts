import { describe, expect, it } from 'vitest';
import { otlpReceiver } from '../../../src/ingest/receivers/otlp/receiver.ts';
import { OTLP } from '../../support/otlp.ts';
import { below, randomOf } from '../../support/random.ts';
import { receive, type Received } from '../../support/receiving.ts';

const REQUEST = OTLP.lookupType('Request');
const SOURCE = { preset: 'otel-hostmetrics' };
const AT = '1795320362446000000';

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
interface Point {
  readonly direction?: string;
  readonly value?: object;
  readonly at?: string | number;
  readonly flags?: number;
}
/** A document in JSON's spelling; protobufjs reads the same. */
function request(points: readonly Point[], temporality = 2) {
  const dataPoints = points.map(({ direction = 'receive', value = { asInt: '1000' }, at = AT, flags = 0 }) => ({
    attributes: [attribute('device', 'eth0'), attribute('direction', direction)],
    ...{ startTimeUnixNano: '1', timeUnixNano: at, ...value, flags },
  }));
  const sum = { aggregationTemporality: temporality, isMonotonic: true, dataPoints };
  const metrics = [
    { name: 'system.network.io', unit: 'By', sum },
    { name: 'system.cpu.load', gauge: { dataPoints: [{ timeUnixNano: AT, asDouble: 0.5 }] } },
    { name: 'request.duration', histogram: { aggregationTemporality: 2 } },
  ];
  return { resourceMetrics: [{ resource: { attributes: [attribute('host.name', 'vm-1')] }, scopeMetrics: [{ metrics }] }] };
}
const asJson = (document: object): Received =>
  receive(otlpReceiver, JSON.stringify(document), { source: SOURCE, headers: { 'content-type': 'application/json' } });
const encoded = (document: object): Buffer => Buffer.from(REQUEST.encode(REQUEST.fromObject(document)).finish());
const asProtobuf = (document: object): Received =>
  receive(otlpReceiver, encoded(document), { source: SOURCE, headers: { 'content-type': 'application/x-protobuf' } });

describe('OTLP metrics', () => {
  it('are the same samples in protobuf and in JSON, and the answer is in what was asked', () => {
    const document = request([{}, { direction: 'transmit', value: { asDouble: 500 } }]);
    const json = asJson(document);
    const binary = asProtobuf(document);
    expect(json.counts).toEqual({ taken: 2, ignored: 1 });
    expect(binary).toMatchObject({ body: json.body, counts: json.counts });
    expect(json.answer).toEqual({ status: 200, headers: { 'content-type': 'application/json' }, body: '{}' });
    expect(binary.answer).toEqual({ status: 200, headers: { 'content-type': 'application/x-protobuf' }, body: Buffer.alloc(0) });
  });

  it('has integers of 64 bits exactly, as text and in protobuf', () => {
    const document = request([{ value: { asInt: '9007199254740993' } }]);
    expect(asJson(document).body).toEqual(asProtobuf(document).body);
    expect(asJson(document).counts).toEqual({ taken: 1, ignored: 1 });
  });

  it('G11: takes an instant that JSON has as a number above 2^53', () => {
    const asNumber = JSON.stringify(request([{}])).replaceAll(`"${AT}"`, AT);
    expect(receive(otlpReceiver, asNumber, { source: SOURCE, headers: { 'content-type': 'application/json' } }).body).toEqual(
      asJson(request([{}])).body,
    );
  });

  it('T15: refuses what was counted since the last time, point by point, as a partial success', () => {
    const { answer, counts } = asJson(request([{}], 1));
    expect(counts).toEqual({ 'rejected:delta_temporality': 1, ignored: 1 });
    expect(JSON.parse(String(answer.body))).toMatchObject({ partialSuccess: { rejectedDataPoints: '1' } });
    const told = OTLP.lookupType('Response')
      .decode(asProtobuf(request([{}], 1)).answer.body as Buffer)
      .toJSON();
    expect(told).toMatchObject({ partialSuccess: { rejected: '1' } });
  });

  it('a point without a recorded value is the end of a series, and no counter', () => {
    expect(asProtobuf(request([{ flags: 1 }])).counts).toEqual({ stale: 1, ignored: 1 });
  });

  it.each([
    ['{', 400],
    ['[]', 400],
    ['{"resourceMetrics":1}', 400],
    [
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"system.network.io","sum":{"dataPoints":[{"timeUnixNano":"x"}]}}]}]}]}',
      400,
    ],
  ])('%s is no request: a status in JSON', (body, status) => {
    const { answer } = receive(otlpReceiver, body, { source: SOURCE, headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: 3 });
  });

  it('another media type is refused', () => {
    expect(receive(otlpReceiver, '', { source: SOURCE, headers: { 'content-type': 'text/plain' } }).answer.status).toBe(415);
  });

  it('whatever bytes a body has, it is read or refused (20,000 bodies)', () => {
    const random = randomOf(11);
    const whole = encoded(request([{}, { direction: 'transmit' }]));
    for (let i = 0; i < 20_000; i++) {
      const changed = Buffer.from(whole);
      for (let n = 1 + below(random, 4); n > 0; n--) changed[below(random, changed.length)] = below(random, 256);
      const { answer } = receive(otlpReceiver, changed, {
        source: SOURCE,
        headers: { 'content-type': 'application/x-protobuf' },
      });
      expect([200, 400]).toContain(answer.status);
    }
  });
});
