import type { z } from 'zod';
import type { ApiClient } from '../../client/wire/client.ts';
import { answerAs } from './answer.ts';

/** All rows of a paged question, page by page. Throws `CommandFailure`, `ApiError`. */
export async function allPages<Row>(
  client: ApiClient,
  path: string,
  query: Readonly<Record<string, string>>,
  shape: z.ZodType<{ rows: Row[]; next: string | null }>,
): Promise<Row[]> {
  const found: Row[] = [];
  for (let asked = new URLSearchParams(query); ;) {
    const { json } = await client.call('GET', `${path}?${asked.toString()}`);
    const { rows, next } = answerAs(shape, json);
    found.push(...rows);
    if (next === null) return found;
    asked = new URLSearchParams({ cursor: next });
  }
}
