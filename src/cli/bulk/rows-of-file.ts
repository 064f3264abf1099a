import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { parseExact } from '../../client/wire/exact-json.ts';
import { unguarded } from '../../domain/csv-cell.ts';
import { CommandFailure, type CliContext } from '../terminal/context.ts';

/** Rows of a file that is CSV or NDJSON, as they come: a row is held at a time, however long the file is. */

/** A row, with the line that it begins on: its cells by the names of the heading, or the members of an object; or what is wrong with it. */
export type FileRow =
  | { readonly line: number; readonly cells: Readonly<Record<string, string>> }
  | { readonly line: number; readonly members: Readonly<Record<string, unknown>> }
  | { readonly line: number; readonly fault: string };

export type RowFormat = 'csv' | 'ndjson';

export interface RowsFile {
  readonly format: RowFormat;
  /** A file, or `-`: standard input, which can be read once only. */
  readonly file: string;
  /** A label that TextDecoder knows; by default UTF-8, or UTF-16 where its byte order mark says so. */
  readonly encoding?: string | undefined;
}

/** A cell or a line of JSON that is longer is a row's fault; a CSV record that is longer than the second is the file's, which is then read no further. */
const ROW_CHARS_MAX = 1024 * 1024;
const RECORD_CHARS_MAX = 8 * 1024 * 1024;

/** As the name says; CSV of whatever says nothing. Throws wrong usage. */
export function formatOf(file: string, said: string | undefined): RowFormat {
  if (said === 'csv' || said === 'ndjson') return said;
  if (/\.(ndjson|jsonl|json)$/i.test(file)) return 'ndjson';
  if (/\.(csv|txt)$/i.test(file)) return 'csv';
  throw new CommandFailure(`is ${file} CSV or NDJSON? say --format csv or --format ndjson`, 2);
}

/** Reads the rows. @param needed columns that a CSV heading must have. Throws wrong usage where the file is no such file. */
export async function* rowsOf(context: CliContext, source: RowsFile, needed: readonly string[]): AsyncGenerator<FileRow> {
  const text = textOf(context, source);
  yield* source.format === 'csv' ? csvRows(text, source.file, needed) : jsonRows(text);
}

async function* csvRows(text: AsyncGenerator<string>, file: string, needed: readonly string[]): AsyncGenerator<FileRow> {
  const first = await firstLine(text);
  const parser = Readable.from(withFirst(first, text)).pipe(
    parse({
      ...{ bom: true, info: true, relax_column_count: true, relax_quotes: true, skip_records_with_empty_values: true },
      ...{
        delimiter: first.split('\n', 1).join('').split(';').length > first.split('\n', 1).join('').split(',').length ? ';' : ',',
      },
      max_record_size: RECORD_CHARS_MAX,
    }),
  );
  let names: readonly string[] | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      const line = info.lines - record.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
      if (names === undefined) names = namesOf(record, file, needed);
      else yield rowOfCells(names, record, line);
    }
  } catch (error) {
    if (error instanceof CsvError) throw new CommandFailure(`${file}: ${faultOf(error)}`, 2);
    throw error;
  }
  if (names === undefined) namesOf([], file, needed);
}

function faultOf({ code, message }: CsvError): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return `a quote is not closed${/ at line \d+/.exec(message)?.[0] ?? ''}`;
  if (code === 'CSV_MAX_RECORD_SIZE') return `a record of more than ${RECORD_CHARS_MAX} characters (a quote that is not closed?)`;
  return message;
}

/** The heading's names. Throws wrong usage where it lacks one, or has one twice. */
function namesOf(heading: readonly string[], file: string, needed: readonly string[]): string[] {
  const names = heading.map((name) => name.trim().toLowerCase());
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length > 0 || names.length === 0)
    throw new CommandFailure(`${file} has no column ${missing.join(', ')}: its first line names the columns`, 2);
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i);
  if (twice !== undefined) throw new CommandFailure(`${file} has the column ${twice} twice`, 2);
  return names;
}

function rowOfCells(names: readonly string[], record: readonly string[], line: number): FileRow {
  if (record.length > names.length) return { line, fault: 'more cells than the first line names' };
  if (record.some((cell) => cell.length > ROW_CHARS_MAX))
    return { line, fault: `a cell of more than ${ROW_CHARS_MAX} characters` };
  const cells = names.flatMap((name, i) => (name === '' ? [] : [[name, unguarded(record[i]?.trim() ?? '')] as const]));
  return { line, cells: Object.fromEntries(cells) };
}

async function* jsonRows(text: AsyncGenerator<string>): AsyncGenerator<FileRow> {
  let line = 0;
  let rest = '';
  let isTooLong = false;
  const rowOf = (given: string): FileRow | undefined => {
    line += 1;
    const tooLong = isTooLong || given.length > ROW_CHARS_MAX;
    isTooLong = false;
    if (tooLong) return { line, fault: `a line of more than ${ROW_CHARS_MAX} characters` };
    return given.trim() === '' ? undefined : rowOfJson(given, line);
  };
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const each of lines) {
      const row = rowOf(each);
      if (row !== undefined) yield row;
    }
    // What is too long is not kept.
    if (rest.length > ROW_CHARS_MAX) [rest, isTooLong] = ['', true];
  }
  const last = rest === '' && !isTooLong ? undefined : rowOf(rest);
  if (last !== undefined) yield last;
}

function rowOfJson(text: string, line: number): FileRow {
  try {
    const value = parseExact(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { line, members: value as Record<string, unknown> };
  } catch {
    // Said below, as of any other value.
  }
  return { line, fault: 'no JSON object' };
}

/** The first line of a text, and whatever else came with it. */
async function firstLine(text: AsyncGenerator<string>): Promise<string> {
  let first = '';
  while (!first.includes('\n') && first.length < ROW_CHARS_MAX) {
    const next = await text.next();
    if (next.done === true) break;
    first += next.value;
  }
  return first;
}

async function* withFirst(first: string, text: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first !== '') yield first;
  yield* text;
}

/** Throws wrong usage where it can't be read, or is no text of that encoding. */
async function* textOf(context: CliContext, { file, encoding }: RowsFile): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  try {
    if (encoding !== undefined) decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    throw new CommandFailure(
      `the encoding ${encoding ?? ''} is not known: utf-8, utf-16le, big5, gb18030, shift_jis, windows-1252 are, among others`,
      2,
    );
  }
  let stream: AsyncIterable<unknown>;
  try {
    if (file !== '-' && !(await stat(file)).isFile()) throw new Error('it is no file');
    stream = file === '-' ? context.stdin : createReadStream(file);
  } catch (error) {
    throw new CommandFailure(`${file} can't be read: ${(error as Error).message}`, 2);
  }
  let name = encoding ?? 'utf-8';
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
      if (decoder === undefined) {
        name = encodingOf(bytes);
        decoder = new TextDecoder(name, { fatal: true });
      }
      yield decoder.decode(bytes, { stream: true });
    }
    yield decoder?.decode() ?? '';
  } catch (error) {
    if (error instanceof TypeError)
      throw new CommandFailure(`${file} is not ${name}: say its --encoding (big5, gb18030, utf-16le, …)`, 2);
    throw error instanceof Error && 'syscall' in error ? new CommandFailure(`${file} can't be read: ${error.message}`, 2) : error;
  }
}

function encodingOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}
