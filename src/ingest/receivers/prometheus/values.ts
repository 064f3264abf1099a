/** Samples of a series: their values are read only when somebody wants them. */
import type { Series } from '../../../sources/source.ts';
import type { Translation } from '../shared/translation.ts';
import { FIXED64, type ProtobufReader, VARINT } from '../shared/protobuf.ts';

/** The NaN that says that a series has ended (prometheus/model/value, StaleNaN). */
const STALE = 0x7ff0000000000002n;

/** Adds the value that stands here; where none does it is 0, protobuf's default. */
export function addValueRead(
  reader: ProtobufReader,
  valueAt: number,
  atMs: number,
  startedAtMs: number | null,
  series: Series,
  into: Translation,
): void {
  if (series.kind !== 'taken') {
    into.add(series);
    return;
  }
  const value = valueAt < 0 ? 0 : reader.doubleAt(valueAt);
  if (Number.isNaN(value) && reader.bitsAt(valueAt) === STALE) into.count('stale');
  else into.addValue(series, value, atMs, startedAtMs);
}

export interface SampleRead {
  /** Where its value stands, since what it is about may not matter; below 0: nowhere. */
  readonly valueAt: number;
  readonly atMs: number;
  /** When its counter last was zero, of version 2; 0: not told. */
  readonly startedMs: number;
}

/** Reads a sample, of either version: the value, the instant, and the start that only the second has. */
export function readSample(reader: ProtobufReader): SampleRead {
  let [valueAt, atMs, startedMs] = [-1, 0, 0];
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) {
      reader.expect(FIXED64);
      valueAt = reader.at;
      reader.skip();
    } else if (field === 2 || field === 3) {
      reader.expect(VARINT);
      if (field === 2) atMs = reader.int64();
      else startedMs = reader.int64();
    } else reader.skip();
  }
  return { valueAt, atMs, startedMs };
}
