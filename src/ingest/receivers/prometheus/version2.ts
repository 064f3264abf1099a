/**
 * Remote write 2.0: `io.prometheus.write.v2.Request` (prometheus/prompb/io/prometheus/write/v2/types.proto): labels are places in a table of texts.
 * A series that is malformed (no name, a place outside of the table, labels out of order or twice) is refused, and the sender is told so.
 */
import type { Series, Source } from '../../../sources/source.ts';
import type { SourceInForce } from '../../../sources/sources.ts';
import type { Translation } from '../shared/translation.ts';
import { BYTES, MalformedError, ProtobufReader, textOf, VARINT } from '../shared/protobuf.ts';
import { LabelSet } from './labels.ts';
import { addValueRead, readSample } from './values.ts';
import type { SeriesCache } from './series-cache.ts';

/** What came, as the sender wants to hear it, without what stood in malformed series. */
export interface Written {
  samples: number;
  histograms: number;
  exemplars: number;
  /** What is wrong with the first series that is malformed. */
  problem: string | null;
}

const SYMBOLS = 4;
const TIMESERIES = 5;

/** Adds the samples of a request. Throws MalformedError where the body is no Request. */
export function translateVersion2(body: Uint8Array, from: SourceInForce, cache: SeriesCache, into: Translation): Written {
  const reader = new ProtobufReader(body);
  const symbols: Uint8Array[] = [];
  const seriesAt: number[] = [];
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === SYMBOLS) {
      reader.expect(BYTES);
      const { from: start, to } = reader.skipBytes();
      symbols.push(body.subarray(start, to));
    } else if (field === TIMESERIES) {
      reader.expect(BYTES);
      seriesAt.push(reader.at);
      reader.skipBytes();
    } else reader.skip();
  }
  if ((symbols[0]?.length ?? 0) > 0 || (symbols.length === 0 && seriesAt.length > 0))
    throw new MalformedError('the table of symbols does not begin with the empty text');
  cache.begin();
  const written: Written = { samples: 0, histograms: 0, exemplars: 0, problem: null };
  const texts = symbols.map(() => undefined as string | undefined);
  const text = (place: number): string | undefined => {
    const bytes = symbols[place];
    return bytes === undefined ? undefined : (texts[place] ??= textOf(bytes));
  };
  for (const at of seriesAt) {
    reader.at = at;
    const outer = reader.enter();
    translateSeries(reader, { text, from, cache, into, written });
    reader.leave(outer);
  }
  return written;
}

interface Parts {
  readonly text: (place: number) => string | undefined;
  readonly from: SourceInForce;
  readonly cache: SeriesCache;
  readonly into: Translation;
  readonly written: Written;
}

function translateSeries(reader: ProtobufReader, { text, from, cache, into, written }: Parts): void {
  const places: number[] = [];
  const samplesAt: number[] = [];
  let [histograms, exemplars, createdMs] = [0, 0, 0];
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) readPlaces(reader, places);
    else if (field === 2) {
      reader.expect(BYTES);
      samplesAt.push(reader.at);
      reader.skipBytes();
    } else if (field === 6) {
      reader.expect(VARINT);
      createdMs = reader.int64();
    } else {
      if (field === 3) histograms++;
      else if (field === 4) exemplars++;
      reader.skip();
    }
  }
  const set = labelsAt(places, text);
  if (typeof set === 'string' || set.problem !== undefined) {
    written.problem ??= typeof set === 'string' ? set : (set.problem ?? null);
    into.reject('missing_field', typeof set === 'string' ? set : (set.problem ?? ''));
    return;
  }
  written.histograms += histograms;
  written.exemplars += exemplars;
  const { at, end } = reader;
  const key = new Map<object, Series>();
  for (const sampleAt of samplesAt) {
    reader.at = sampleAt;
    const outer = reader.enter();
    const { valueAt, atMs, startedMs } = readSample(reader);
    reader.leave(outer);
    written.samples++;
    const source = from.at(Number.isNaN(atMs) ? 0 : atMs);
    let series = key.get(source);
    if (series === undefined) {
      series = resolve(set, source, cache);
      key.set(source, series);
    }
    addValueRead(reader, valueAt, atMs, startedMs > 0 ? startedMs : createdMs > 0 ? createdMs : null, series, into);
  }
  reader.at = at;
  reader.end = end;
}

/** Places come packed, or one by one. */
function readPlaces(reader: ProtobufReader, places: number[]): void {
  if (reader.wire === VARINT) {
    places.push(reader.number());
    return;
  }
  reader.expect(BYTES);
  const outer = reader.enter();
  while (reader.at < reader.end) places.push(reader.number());
  reader.leave(outer);
}

function labelsAt(places: readonly number[], text: (place: number) => string | undefined): LabelSet | string {
  if (places.length % 2 === 1) return 'a label has a name and no value';
  const set = new LabelSet();
  for (let i = 0; i < places.length; i += 2) {
    const name = text(places[i] ?? 0);
    const value = text(places[i + 1] ?? 0);
    if (name === undefined || value === undefined) return 'a label is not in the table of symbols';
    set.add(name, value);
  }
  return set;
}

/** Places differ from request to request: a series is known by the text of its labels. */
function resolve(set: LabelSet, source: Source, cache: SeriesCache): Series {
  const bytes = Buffer.from(`v2\0${[...set.all].flat().join('\0')}`, 'utf8');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const known = cache.find(source, view, 0, bytes.length);
  if (known !== undefined) return known;
  const series = source.series(set.name, set.all);
  cache.keep(source, view, 0, bytes.length, series);
  return series;
}
