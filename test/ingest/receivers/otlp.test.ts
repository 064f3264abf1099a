import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { otlpReceiver } from '../../../src/ingest/receivers/otlp/receiver.ts';
import { below, randomOf } from '../../support/random.ts';
import { receive, type Received } from '../../support/receiving.ts';

/** Written by hand after opentelemetry-proto, as far as the tests use it. */
const ROOT = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; bytes bytes_value = 7; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message NumberDataPoint { repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; oneof value { double as_double = 4; sfixed64 as_int = 6; } uint32 flags = 8; }
  message Gauge { repeated NumberDataPoint data_points = 1; }
  message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message Histogram { int32 aggregation_temporality = 2; }
  message Metric { string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; }
  message ScopeMetrics { repeated Metric metrics = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message Request { repeated ResourceMetrics resource_metrics = 1; }
  message Partial { int64 rejected = 1; string message = 2; }
  message Response { Partial partial_success = 1; }
`).root;
const REQUEST = ROOT.lookupType('Request');
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

  it('takes an instant that JSON has as a number above 2^53 (G11)', () => {
    const asNumber = JSON.stringify(request([{}])).replaceAll(`"${AT}"`, AT);
    expect(receive(otlpReceiver, asNumber, { source: SOURCE, headers: { 'content-type': 'application/json' } }).body).toEqual(
      asJson(request([{}])).body,
    );
  });

  it('refuses what was counted since the last time, point by point, as a partial success (T15)', () => {
    const { answer, counts } = asJson(request([{}], 1));
    expect(counts).toEqual({ 'rejected:delta_temporality': 1, ignored: 1 });
    expect(JSON.parse(String(answer.body))).toMatchObject({ partialSuccess: { rejectedDataPoints: '1' } });
    const told = ROOT.lookupType('Response')
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
