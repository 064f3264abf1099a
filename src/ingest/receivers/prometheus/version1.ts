/** Remote write 1.0: `prometheus.WriteRequest` (prometheus/prompb/remote.proto, types.proto), series by series. */
import type { Series, Source } from '../../../sources/source.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import type { Translation } from '../shared/translation.ts';
import { BYTES, MalformedError, ProtobufReader, textOf } from '../shared/protobuf.ts';
import { LabelSet } from './labels.ts';
import type { SeriesCache } from './series-cache.ts';
import { addValueRead, readSample } from './values.ts';

const NOWHERE = -1;

/** Adds the samples of a request. Throws MalformedError where the body is no WriteRequest. */
export function translateVersion1(body: Uint8Array, from: SourceInForce, cache: SeriesCache, into: Translation): void {
  const reader = new ProtobufReader(body);
  const samplesAt: number[] = [];
  cache.begin();
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field !== 1) {
      reader.skip();
      continue;
    }
    reader.expect(BYTES);
    const outer = reader.enter();
    translateSeries(reader, samplesAt, from, cache, into);
    reader.leave(outer);
  }
}

function translateSeries(
  reader: ProtobufReader,
  samplesAt: number[],
  from: SourceInForce,
  cache: SeriesCache,
  into: Translation,
): void {
  samplesAt.length = 0;
  let labelsFrom = NOWHERE;
  let labelsTo = NOWHERE;
  let inOneRun = true;
  for (;;) {
    const start = reader.at;
    const field = reader.field();
    if (field === 0) break;
    if (field === 1) {
      reader.expect(BYTES);
      reader.skipBytes();
      if (labelsFrom === NOWHERE) labelsFrom = start;
      else if (labelsTo !== start) inOneRun = false;
      labelsTo = reader.at;
    } else if (field === 2) {
      reader.expect(BYTES);
      samplesAt.push(reader.at);
      reader.skipBytes();
    } else reader.skip();
  }
  if (samplesAt.length === 0) return;
  const { at, end } = reader;
  // labels between others: nobody writes them so, and they are read as if they stood together
  const view = inOneRun ? reader.view : gathered(reader.bytes.subarray(labelsFrom, labelsTo));
  const [first, last] = inOneRun ? [Math.max(0, labelsFrom), Math.max(0, labelsTo)] : [0, view.byteLength];
  for (const sampleAt of samplesAt) {
    reader.at = sampleAt;
    const outer = reader.enter();
    const { valueAt, atMs } = readSample(reader);
    reader.leave(outer);
    const source = from.at(Number.isNaN(atMs) ? 0 : atMs);
    let series = cache.find(source, view, first, last);
    if (series === undefined) {
      series = seriesOf(source, new Uint8Array(view.buffer, view.byteOffset + first, last - first));
      cache.keep(source, view, first, last, series);
    }
    addValueRead(reader, valueAt, atMs, null, series, into);
  }
  reader.at = at;
  reader.end = end;
}

/** What labels name. The order of labels changes nothing here. */
function seriesOf(source: Source, labels: Uint8Array): Series {
  const set = labelsIn(labels);
  if (set.name === '' || set.unclear) return { kind: 'rejected', code: 'missing_field', why: set.problem ?? '' };
  return source.series(set.name, set.all);
}

/** The labels of a series. Throws MalformedError. */
function labelsIn(bytes: Uint8Array): LabelSet {
  const reader = new ProtobufReader(bytes);
  const set = new LabelSet();
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field !== 1) throw new MalformedError('there is something between labels');
    const outer = reader.enter();
    let name = '';
    let value = '';
    for (let part = reader.field(); part !== 0; part = reader.field()) {
      if (part > 2) {
        reader.skip();
        continue;
      }
      reader.expect(BYTES);
      const { from, to } = reader.skipBytes();
      const text = textOf(reader.bytes.subarray(from, to));
      if (part === 1) name = text;
      else value = text;
    }
    reader.leave(outer);
    set.add(name, value);
  }
  return set;
}

/** The labels of a series alone. */
function gathered(bytes: Uint8Array): DataView {
  const reader = new ProtobufReader(bytes);
  const pieces: Uint8Array[] = [];
  for (;;) {
    const start = reader.at;
    const field = reader.field();
    if (field === 0) {
      const whole = Buffer.concat(pieces);
      return new DataView(whole.buffer, whole.byteOffset, whole.length);
    }
    reader.skip();
    if (field === 1) pieces.push(bytes.subarray(start, reader.at));
  }
}
