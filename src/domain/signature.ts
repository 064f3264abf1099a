/** What bytes are that should be JSON in UTF-8 and are not, told by how they begin. */

export type Writing = 'UTF-16' | 'UTF-32' | 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'zip' | 'lz4';

/** Beginnings in hexadecimal; the marks of UTF-32 stand before those of UTF-16, which begin the same. */
const BEGINNINGS: readonly (readonly [begins: string, Writing])[] = [
  ['fffe0000', 'UTF-32'],
  ['0000feff', 'UTF-32'],
  ['fffe', 'UTF-16'],
  ['feff', 'UTF-16'],
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['fd377a585a00', 'xz'],
  ['425a68', 'bzip2'],
  ['504b0304', 'zip'],
  ['04224d18', 'lz4'],
];
/** Bytes that tell. */
export const SIGNATURE_BYTES = 6;

/** What the bytes are written in, undefined where nothing speaks against UTF-8. */
export function writingOf(bytes: Uint8Array): Writing | undefined {
  const head = Buffer.from(bytes.subarray(0, SIGNATURE_BYTES)).toString('hex');
  const known = BEGINNINGS.find(([begins]) => head.startsWith(begins));
  if (known !== undefined) return known[1];
  // without a mark: JSON begins with ASCII, and UTF-8 has no zeros beside it
  if (/^(000000[2-7][0-9a-f]|[2-7][0-9a-f]000000)/.test(head)) return 'UTF-32';
  if (/^(00[2-7][0-9a-f]|[2-7][0-9a-f]00)/.test(head)) return 'UTF-16';
  return undefined;
}

/** What to say of a body that was to be JSON in UTF-8, in one piece or several, and begins as something else; '' of any other. */
export function otherwiseWritten(body: readonly Uint8Array[]): string {
  const writing = writingOf(Buffer.concat(body.slice(0, SIGNATURE_BYTES).map((chunk) => chunk.subarray(0, SIGNATURE_BYTES))));
  if (writing === undefined) return '';
  if (isText(writing)) return `; it is in ${writing}: send it in UTF-8`;
  return `; it is compressed with ${writing}: send it with gzip, and with Content-Encoding: gzip`;
}

/** Whether these are characters of another encoding rather than compressed bytes. */
export function isText(writing: Writing): boolean {
  return writing.startsWith('UTF');
}
