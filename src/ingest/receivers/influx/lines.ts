/** The lines of a post: each by itself, so that one that cannot be read costs itself alone. */
import { isUtf8 } from 'node:buffer';
import type { SourceInForce } from '../../../sources/sources.ts';
import type { Translation } from '../shared/translation.ts';
import { LineError, parseLine } from './line.ts';

/** Digits that stand behind the milliseconds, or, below 0, that are missing, by what the post says of its instants. */
export const PRECISIONS = { n: 6, ns: 6, u: 3, us: 3, ms: 0, s: -3 } as const;
export type Precision = keyof typeof PRECISIONS;

export interface LinesRead {
  /** Lines that are neither empty nor comments. */
  readonly lines: number;
  /** Of those, which could not be read. */
  readonly malformed: number;
  /** The first of them, counted from 1, and what is wrong with it. */
  readonly first: { readonly line: number; readonly why: string } | null;
}

/** Adds the samples of a post. */
export function translateLines(body: Buffer, precision: Precision, from: SourceInForce, into: Translation): LinesRead {
  const whole = isUtf8(body);
  let [lines, malformed, number] = [0, 0, 0];
  let first: LinesRead['first'] = null;
  for (let at = 0; at < body.length;) {
    const end = endOfLine(body, at);
    number++;
    const bytes = body.subarray(at, end);
    at = end + 1;
    try {
      if (!whole && !isUtf8(bytes)) throw new LineError('is not UTF-8');
      const text = bytes.toString('utf8').trim();
      if (text === '' || text.startsWith('#')) continue;
      lines++;
      translateLine(text, precision, from, into);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      if (!whole && !isUtf8(bytes)) lines++;
      malformed++;
      into.count('rejected:malformed_line');
      first ??= { line: number, why: error.message };
    }
  }
  return { lines, malformed, first };
}

/** A line ends with a line feed that stands in no quoted text. */
function endOfLine(body: Buffer, from: number): number {
  const end = body.indexOf(0x0a, from);
  return end < 0 ? body.length : end;
}

function translateLine(text: string, precision: Precision, from: SourceInForce, into: Translation): void {
  const { measurement, labels, at } = parseLine(text);
  if (at === null) {
    // when it came would be another instant each time that it is sent
    into.reject('bad_ts', 'the line has no instant');
    return;
  }
  const atMs = millisecondsOf(at, precision);
  if (atMs === undefined) into.reject('bad_ts', 'the instant is before 1970 or beyond what a clock shows');
  else into.add(from.at(atMs).line(measurement, atMs, labels));
}

/** Cut to milliseconds; undefined where that is no instant. */
function millisecondsOf(digits: string, precision: Precision): number | undefined {
  const behind = PRECISIONS[precision];
  const ms = behind >= 0 ? BigInt(digits) / 10n ** BigInt(behind) : BigInt(digits) * 10n ** BigInt(-behind);
  return digits.startsWith('-') || ms > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(ms);
}
