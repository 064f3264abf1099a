import { z } from 'zod';
import { ProblemError } from '../problems/problem.ts';

/**
 * A cursor is the whole question and where its next page begins, so that a client can follow `next` with nothing else,
 * and cannot by accident change the question half-way.
 */
const shape = z.strictObject({
  /** The path asked. */
  path: z.string(),
  /** The query parameters as they were given, without cursor and limit. */
  query: z.record(z.string(), z.string()),
  at: z.unknown(),
});

const CURSOR_LENGTH_MAX = 4096;

/** Makes the opaque text of a cursor. */
export function encodeCursor(path: string, query: Readonly<Record<string, string>>, at: unknown): string {
  return Buffer.from(JSON.stringify({ path, query, at })).toString('base64url');
}

/**
 * Reads a cursor back: the parameters it pins, and its position in the shape this query uses. Parameters given beside it
 * must be the same. Throws `invalid_cursor`.
 */
export function decodeCursor<T>(
  text: string,
  path: string,
  given: Readonly<Record<string, unknown>>,
  position: z.ZodType<T>,
): { query: Record<string, string>; at: T } {
  const parsed = shape.safeParse(jsonOf(text));
  if (!parsed.success || parsed.data.path !== path)
    throw new ProblemError('invalid_cursor', 'the cursor was not made by this query', { parameter: 'cursor' });
  const { query } = parsed.data;
  for (const [name, value] of Object.entries(given)) {
    if (query[name] !== value)
      throw new ProblemError('invalid_cursor', `the cursor was made with another ${name}`, { parameter: 'cursor' });
  }
  const at = position.safeParse(parsed.data.at);
  if (!at.success) throw new ProblemError('invalid_cursor', 'the cursor was not made by this query', { parameter: 'cursor' });
  return { query, at: at.data };
}

function jsonOf(text: string): unknown {
  if (text.length > CURSOR_LENGTH_MAX) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
