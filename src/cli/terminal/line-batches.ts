/** A part of an NDJSON file that fits one request. */
export interface LineBatch {
  readonly body: Buffer;
  /** For each sample of the batch, its line in the file, counted from 1: blank lines have no index on the server. */
  readonly lines: readonly number[];
  /** Bytes of the file read up to here. */
  readonly bytesRead: number;
  /** Lines longer than a request may be; they are in no batch. */
  readonly tooLong: readonly number[];
}

export interface BatchLimits {
  readonly linesMax: number;
  readonly bytesMax: number;
}

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into batches at line ends, without decoding it. Holds one batch and one chunk at a time; a line
 * beyond the limit is skipped and reported rather than gathered.
 */
export async function* lineBatches(chunks: AsyncIterable<Buffer>, limits: BatchLimits): AsyncGenerator<LineBatch> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  let lines: number[] = [];
  let tooLong: number[] = [];
  let lineNumber = 1;
  let bytesRead = 0;
  /** The line under way; once it is too long its bytes are let go. */
  const open: { parts: Buffer[]; bytes: number; tooLong: boolean } = { parts: [], bytes: 0, tooLong: false };

  const take = (): LineBatch => {
    const batch = { body: Buffer.concat(parts, partBytes), lines, bytesRead, tooLong };
    parts = [];
    partBytes = 0;
    lines = [];
    tooLong = [];
    return batch;
  };
  /** Adds the line that just ended; returns the batch that had to be given out before it. */
  const endLine = (): LineBatch | null => {
    const line = open.parts.length === 1 ? (open.parts[0] ?? Buffer.alloc(0)) : Buffer.concat(open.parts, open.bytes);
    const skipped = open.tooLong;
    Object.assign(open, { parts: [], bytes: 0, tooLong: false });
    const number = lineNumber++;
    if (skipped) {
      tooLong.push(number);
      return null;
    }
    if (isBlank(line)) return null;
    const full = lines.length >= limits.linesMax || (lines.length > 0 && partBytes + line.length + 1 > limits.bytesMax);
    const batch = full ? take() : null;
    parts.push(line, LINE_END);
    partBytes += line.length + 1;
    lines.push(number);
    return batch;
  };
  const extend = (piece: Buffer): void => {
    if (open.tooLong || piece.length === 0) return;
    if (open.bytes + piece.length >= limits.bytesMax) {
      Object.assign(open, { parts: [], bytes: 0, tooLong: true });
      return;
    }
    open.parts.push(piece);
    open.bytes += piece.length;
  };

  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      extend(chunk.subarray(start, end));
      start = end + 1;
      const batch = endLine();
      if (batch !== null) yield batch;
    }
    extend(chunk.subarray(start));
    bytesRead += chunk.length;
  }
  if (open.bytes > 0 || open.tooLong) {
    const batch = endLine();
    if (batch !== null) yield batch;
  }
  if (lines.length > 0 || tooLong.length > 0) yield take();
}

const LINE_END = Buffer.from('\n');

/** Only the blanks of JSON: anything else on a line is for the server to judge. */
function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}
