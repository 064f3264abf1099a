/** The value of a sample, read only when somebody wants it. */
import type { Series } from '../../../sources/source.ts';
import type { Translation } from '../shared/translation.ts';
import type { ProtobufReader } from '../shared/protobuf.ts';

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
