/** `ExportMetricsServiceRequest` in protobuf (opentelemetry-proto: metrics.proto, common.proto, resource.proto). */
import { BYTES, FIXED64, MalformedError, ProtobufReader, VARINT } from '../shared/protobuf.ts';
import type { OtlpPoint } from './points.ts';

const ATTRIBUTES_MAX = 1024;
const DELTA = 1;

/** Hands over every number's data point. Throws MalformedError. */
export function readProtobuf(body: Uint8Array, onPoint: (point: OtlpPoint) => void): void {
  const reader = new ProtobufReader(body);
  within(reader, (field) => {
    if (field === 1)
      message(reader, () => {
        readResource(reader, onPoint);
      });
    else reader.skip();
  });
}

function readResource(reader: ProtobufReader, onPoint: (point: OtlpPoint) => void): void {
  const labels = new Map<string, string>();
  const scopesAt: number[] = [];
  within(reader, (field) => {
    if (field === 1)
      message(reader, () => {
        within(reader, (of) => {
          if (of === 1) readAttribute(reader, labels);
          else reader.skip();
        });
      });
    else if (field === 2) {
      reader.expect(BYTES);
      scopesAt.push(reader.at);
      reader.skipBytes();
    } else reader.skip();
  });
  const { at, end } = reader;
  for (const scopeAt of scopesAt) {
    messageAt(reader, scopeAt, () => {
      within(reader, (field) => {
        if (field === 2)
          message(reader, () => {
            readMetric(reader, labels, onPoint);
          });
        else reader.skip();
      });
    });
  }
  reader.at = at;
  reader.end = end;
}

function readMetric(reader: ProtobufReader, resource: ReadonlyMap<string, string>, onPoint: (point: OtlpPoint) => void): void {
  let name = '';
  let dataAt = -1;
  within(reader, (field) => {
    if (field === 1) {
      reader.expect(BYTES);
      name = reader.text();
    } else if (field === 5 || field === 7) {
      // a gauge, or a sum
      reader.expect(BYTES);
      dataAt = reader.at;
      reader.skipBytes();
    } else reader.skip();
  });
  if (dataAt < 0) return;
  const { at, end } = reader;
  const pointsAt: number[] = [];
  let temporality = 0;
  messageAt(reader, dataAt, () => {
    within(reader, (field) => {
      if (field === 1) {
        reader.expect(BYTES);
        pointsAt.push(reader.at);
        reader.skipBytes();
      } else if (field === 2) {
        reader.expect(VARINT);
        temporality = reader.number();
      } else reader.skip();
    });
  });
  for (const pointAt of pointsAt) {
    reader.end = end;
    messageAt(reader, pointAt, () => {
      onPoint(readPoint(reader, name, resource, temporality === DELTA));
    });
  }
  reader.at = at;
  reader.end = end;
}

function readPoint(reader: ProtobufReader, name: string, resource: ReadonlyMap<string, string>, isDelta: boolean): OtlpPoint {
  const labels = new Map(resource);
  let [value, atNanos, flags]: [number | bigint, bigint, number] = [0, 0n, 0];
  within(reader, (field) => {
    if (field === 7) readAttribute(reader, labels);
    else if (field === 3 || field === 4 || field === 6) {
      reader.expect(FIXED64);
      if (field === 3) atNanos = reader.fixed64();
      else value = field === 4 ? reader.double() : reader.sfixed64();
    } else if (field === 8) {
      reader.expect(VARINT);
      flags = reader.number();
    } else reader.skip();
  });
  return { name, labels, value, atNanos, isDelta, isStale: flags % 2 === 1 };
}

function readAttribute(reader: ProtobufReader, labels: Map<string, string>): void {
  let key = '';
  const texts: string[] = [];
  message(reader, () => {
    within(reader, (field) => {
      reader.expect(BYTES);
      if (field === 1) key = reader.text();
      else if (field === 2) {
        message(reader, () => {
          texts.push(...readValue(reader));
        });
      } else reader.skip();
    });
  });
  // of several values the last counts
  const text = texts.at(-1);
  if (text === undefined) return;
  if (labels.size >= ATTRIBUTES_MAX) throw new MalformedError(`a point has more than ${ATTRIBUTES_MAX} attributes`);
  labels.set(key, text);
}

/** Text, truths and numbers as labels have them; what is a list, a map or bytes names nothing. */
function readValue(reader: ProtobufReader): string[] {
  const texts: string[] = [];
  within(reader, (field) => {
    if (field === 1) {
      reader.expect(BYTES);
      texts.push(reader.text());
    } else if (field === 2) {
      reader.expect(VARINT);
      texts.push(reader.number() === 0 ? 'false' : 'true');
    } else if (field === 3) {
      reader.expect(VARINT);
      texts.push(BigInt.asIntN(64, reader.uint64()).toString());
    } else if (field === 4) {
      reader.expect(FIXED64);
      texts.push(String(reader.double()));
    } else reader.skip();
  });
  return texts;
}

function within(reader: ProtobufReader, onField: (field: number) => void): void {
  for (let field = reader.field(); field !== 0; field = reader.field()) onField(field);
}

/** The message of the field read last. */
function message(reader: ProtobufReader, read: () => void): void {
  reader.expect(BYTES);
  messageAt(reader, reader.at, read);
}

/** The message of a field that was passed over before. */
function messageAt(reader: ProtobufReader, at: number, read: () => void): void {
  reader.at = at;
  const outer = reader.enter();
  read();
  reader.leave(outer);
}
