/** What `send` reads: NDJSON in UTF-8, with or without a byte order mark, as it is or compressed with gzip, told by how it begins. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isText, SIGNATURE_BYTES, type Writing, writingOf } from '../../domain/signature.ts';
import { CommandFailure } from './context.ts';

export interface SampleInput {
  /** NDJSON without a mark before it. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Whether it was inflated: then its bytes are more than the file's. */
  readonly inflated: boolean;
}

const MARK = Buffer.from('efbbbf', 'hex');
const TOOLS: Readonly<Partial<Record<Writing, string>>> = {
  gzip: 'zcat',
  zstd: 'zstdcat',
  xz: 'xzcat',
  bzip2: 'bzcat',
  zip: 'unzip -p',
  lz4: 'lz4cat',
};

/** Looks at the first bytes. Throws CommandFailure for what is no NDJSON in UTF-8 whatever it says. */
export async function sampleInput(file: string, stream: AsyncIterable<Buffer>): Promise<SampleInput> {
  const { head, rest } = await begun(stream);
  if (writingOf(head) !== 'gzip') return { chunks: plain(file, head, rest), inflated: false };
  const inflated = pipeline(Readable.from(joined(head, rest), { objectMode: false }), createGunzip(), () => undefined);
  const { head: first, rest: others } = await begun(whole(file, inflated));
  return { chunks: plain(file, first, others), inflated: true };
}

/** NDJSON, after its mark. */
function plain(file: string, head: Buffer, rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  const writing = writingOf(head);
  if (writing !== undefined) throw new CommandFailure(`${file} ${otherwise(file, writing)}`);
  return joined(head.subarray(0, MARK.length).equals(MARK) ? head.subarray(MARK.length) : head, rest);
}

function otherwise(file: string, writing: Writing): string {
  const source = file === '-' ? 'FILE' : file;
  if (isText(writing)) return `is in ${writing}, samples are in UTF-8: iconv -f ${writing} -t UTF-8 ${source} | uptally send -`;
  if (writing === 'gzip') return `is compressed with gzip twice: zcat ${source} | uptally send -`;
  return `is compressed with ${writing}, which this command cannot read: ${TOOLS[writing] ?? writing} ${source} | uptally send -`;
}

/** Reads until the beginning tells what it is. */
async function begun(stream: AsyncIterable<Buffer>): Promise<{ head: Buffer; rest: AsyncIterator<Buffer> }> {
  const rest = stream[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < SIGNATURE_BYTES) {
    const next = await rest.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return { head, rest };
}

async function* joined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* whole(file: string, inflated: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of inflated) yield chunk;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`${file} is not whole gzip (${why}): what was read before was sent, and may be sent again`);
  }
}
