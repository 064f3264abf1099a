import { describe, expect, it } from 'vitest';
import { lineBatches, type LineBatch } from '../../../src/cli/terminal/line-batches.ts';

async function cut(text: string, chunkBytes: number, linesMax = 3, bytesMax = 40): Promise<LineBatch[]> {
  const bytes = Buffer.from(text);
  const chunks = (async function* () {
    for (let i = 0; i < bytes.length; i += chunkBytes) yield await Promise.resolve(bytes.subarray(i, i + chunkBytes));
  })();
  const batches: LineBatch[] = [];
  for await (const batch of lineBatches(chunks, { linesMax, bytesMax })) batches.push(batch);
  return batches;
}

const shape = (batches: LineBatch[]): [string, readonly number[], readonly number[]][] =>
  batches.map(({ body, lines, tooLong }) => [body.toString(), lines, tooLong]);

describe('cutting NDJSON into batches', () => {
  const long = 'x'.repeat(50);
  const table: [string, string, [string, number[], number[]][]][] = [
    ['nothing', '', []],
    ['only blank lines', '\n \r\n\t\n', []],
    ['a last line without its newline', 'a\nb', [['a\nb\n', [1, 2], []]]],
    ['more lines than fit', 'a\nb\nc\nd\n', [['a\nb\nc\n', [1, 2, 3], []], ['d\n', [4], []]]], // prettier-ignore
    ['blank lines between', 'a\n\nb\n', [['a\nb\n', [1, 3], []]]],
    ['more bytes than fit', `${'a'.repeat(30)}\n${'b'.repeat(30)}\n`, [[`${'a'.repeat(30)}\n`, [1], []], [`${'b'.repeat(30)}\n`, [2], []]]], // prettier-ignore
    ['a line that no request could hold', `a\n${long}\nb\n`, [['a\nb\n', [1, 3], [2]]]],
    ['such a line at the end', long, [['', [], [1]]]],
    ['carriage returns, left to the server', 'a\r\nb\r\n', [['a\r\nb\r\n', [1, 2], []]]],
    ['letters of several bytes', 'ä\n€\n', [['ä\n€\n', [1, 2], []]]],
  ];
  it.each(table)('%s', async (_, text, expected) => {
    for (const chunkBytes of [1, 2, 3, 7, 1000]) expect(shape(await cut(text, chunkBytes))).toEqual(expected);
  });
});
