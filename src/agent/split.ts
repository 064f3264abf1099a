/** Bodies in halves, for a server, or a proxy before it, that takes less at once than we send. */
import { gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import { compress } from './batch.ts';
import { isBinary, splitBinary } from '../samples/binary-writer.ts';

const gunzipAsync = promisify(gunzip);

export interface Part {
  readonly body: Uint8Array;
  readonly samples: number;
}

/** The two halves of a body, the same at every try; null when it holds a single sample (or cannot be read). */
export async function halvesOf(body: Uint8Array): Promise<readonly [Part, Part] | null> {
  if (isBinary(body)) return splitBinary(body);
  const lines = (await gunzipAsync(body))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  if (lines.length < 2) return null;
  const middle = Math.ceil(lines.length / 2);
  const part = async (some: readonly string[]): Promise<Part> => ({
    body: await compress(Buffer.from(some.map((line) => `${line}\n`).join(''))),
    samples: some.length,
  });
  return [await part(lines.slice(0, middle)), await part(lines.slice(middle))];
}
