import { z } from 'zod';
import { isBoundary, type Step, STEPS } from '../../domain/bucket.ts';
import { parseInstant } from '../../domain/instant.ts';
import { MINUTE_MS, type Zone, zoneOf } from '../../domain/zone.ts';
import { ProblemError } from '../../problems/problem.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import { decodeCursor, encodeCursor } from '../../query/cursor.ts';
import { checked } from '../../http/api.ts';

/**
 * The range of a question: `from`, `to`, step and time zone, and the page of its answer. A cursor stands for the range it
 * was made with, so every parameter is optional beside one.
 */
export const PAGE_ROWS_MAX = 10_000;

export const instantText = z.string().meta({
  description: 'RFC 3339 with offset (a + may stand unescaped), or integer milliseconds since the epoch',
  examples: ['2026-03-01T00:00:00Z'],
  pattern:
    '^([0-9]{1,13}|(19[7-9][0-9]|20[0-9]{2})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+ -][0-9]{2}:[0-9]{2}))$',
});

const limitText = z.string().meta({ pattern: '^([1-9][0-9]{0,3}|10000)$' });
const cursorText = z.string().meta({ pattern: '^[A-Za-z0-9_-]+$' });
/** Of parameters that only a cursor can stand for. */
const NEEDED = { 'x-required': true } as const;

/** Parameters that every paged question has. */
export const rangeQuery = {
  from: instantText.optional().describe('Start of the range, included; aligned to the step in tz.').meta(NEEDED),
  to: instantText.optional().describe('End of the range, excluded; aligned to the step in tz.').meta(NEEDED),
  limit: limitText.optional().describe(`Rows of a page, 1 to ${PAGE_ROWS_MAX}; the default is the most.`),
  cursor: cursorText
    .optional()
    .describe('`next` of the page before; the other parameters, required ones too, may then be left out.'),
};

/** Parameters of questions by bucket. */
export const stepQuery = {
  ...rangeQuery,
  step: z.enum(STEPS).optional().describe('What a row spans.').meta(NEEDED),
  tz: z.string().meta({ format: 'iana-time-zone' }).optional().describe('Zone of hours, days and months; UTC by default.'),
};

export interface Range<Position> {
  fromMs: number;
  toMs: number;
  limit: number;
  /** Where the page begins; undefined on the first. */
  at: Position | undefined;
  /** The parameters in force, those of the cursor included. */
  given: Readonly<Record<string, string>>;
  /** The text of the cursor of a next page, or null. */
  next(position: Position | undefined): string | null;
}

/** Reads the range of a request. Throws `invalid_parameter` naming the parameter, or `invalid_cursor`. */
export function readRange<P>(path: string, query: Readonly<Record<string, unknown>>, position: z.ZodType<P>): Range<P> {
  const { cursor, limit: limitText, ...rest } = query;
  const texts = Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const pinned = typeof cursor === 'string' ? decodeCursor(cursor, path, texts, position) : undefined;
  const given = pinned?.query ?? texts;
  const fromMs = readInstant('from', given['from']);
  const toMs = readInstant('to', given['to']);
  if (toMs <= fromMs) throw parameterProblem('to', 'must be after from');
  return {
    fromMs,
    toMs,
    limit: readLimit(limitText),
    at: pinned?.at,
    given,
    next: (at) => (at === undefined ? null : encodeCursor(path, given, at)),
  };
}

export interface Window<Position> extends Range<Position> {
  step: Step;
  zone: Zone;
  fromMinute: number;
  toMinute: number;
}

/** The position of a page within buckets: the minute of its first bucket, and what of that bucket has been given. */
export const bucketPosition = z.strictObject({ m: z.int().nonnegative(), after: z.string().max(64).optional() });
export type BucketPosition = z.infer<typeof bucketPosition>;

/** Reads the range of a question by bucket, which must be aligned to its step. */
export function readWindow(path: string, query: Readonly<Record<string, unknown>>): Window<BucketPosition> {
  const range = readRange(path, query, bucketPosition);
  const { step } = checked(
    'invalid_parameter',
    z.object({ step: z.enum(STEPS, `must be one of: ${STEPS.join(', ')}`) }),
    range.given,
  ) as { step: Step };
  const tz = range.given['tz'] ?? 'UTC';
  const zone = zoneOf(tz);
  if (zone === undefined) throw parameterProblem('tz', `must be an IANA time zone such as Asia/Taipei`);
  for (const [name, ms] of [
    ['from', range.fromMs],
    ['to', range.toMs],
  ] as const) {
    if (ms % MINUTE_MS !== 0 || !isBoundary(zone, step, ms / MINUTE_MS))
      throw parameterProblem(name, `must be the start of ${step === 'hour' ? 'an' : 'a'} ${step} in ${tz}`);
  }
  const fromMinute = range.at?.m ?? range.fromMs / MINUTE_MS;
  const toMinute = range.toMs / MINUTE_MS;
  if (fromMinute < range.fromMs / MINUTE_MS || fromMinute >= toMinute || !isBoundary(zone, step, fromMinute)) {
    throw new ProblemError('invalid_cursor', 'the cursor was not made by this query', { parameter: 'cursor' });
  }
  return { ...range, step, zone, fromMinute, toMinute };
}

export function parameterProblem(parameter: string, message: string): ProblemError {
  return oneFieldProblem('invalid_parameter', parameter, message);
}

function readInstant(name: string, text: string | undefined): number {
  if (text === undefined) throw parameterProblem(name, 'is required');
  // A + that was not escaped arrives as a space; nowhere else in an instant can one stand.
  const ms = parseInstant(text.replace(' ', '+'));
  if (ms === undefined)
    throw parameterProblem(name, 'must be RFC 3339 with an offset, or integer milliseconds, from 1970 to 2099');
  return ms;
}

/** Reads `limit`. Throws `invalid_parameter`. */
export function readLimit(text: unknown): number {
  if (text === undefined) return PAGE_ROWS_MAX;
  const limit = typeof text === 'string' && /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > PAGE_ROWS_MAX) throw parameterProblem('limit', `must be an integer, 1 to ${PAGE_ROWS_MAX}`);
  return limit;
}
