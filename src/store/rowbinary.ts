/**
 * What both stores need to say an insert of RowBinary bytes in SQL, so that the bytes mean the same in each: the column
 * names of a structure, quoting, and the settings every insert runs with.
 */

/** The column names of `"a String, b DateTime64(3, 'UTC')"`; a structure that cannot be read is a programming error. */
export function columnsOf(structure: string): string[] {
  const columns: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= structure.length; i += 1) {
    const char = structure[i];
    if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === undefined || (char === ',' && depth === 0)) {
      const name = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s+\S/.exec(structure.slice(start, i))?.[1];
      if (name === undefined) throw new Error(`not a RowBinary structure: ${structure}`);
      columns.push(name);
      start = i + 1;
    }
  }
  return columns;
}

/** A RowBinary String: its length in bytes as LEB128, then the bytes. */
export function binaryText(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** A ClickHouse string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/**
 * Rows as a table in a statement, of names and numbers only. One literal, however many they are: lists of tuples are taken apart into a tree,
 * a tenth of a millisecond each.
 */
export function tableOf(structure: string, rows: readonly (readonly (string | number)[])[]): string {
  const text = rows.map((row) => row.join('\t')).join('\n');
  if (/[^\w.:\t\n-]/.test(text)) throw new Error('only names and numbers can stand in a statement');
  return `format(TSV, ${literal(structure)}, ${literal(text)})`;
}

/**
 * `INSERT INTO table (columns) SETTINGS … SELECT columns FROM source`. The settings stand in the statement, never in the
 * session: an embedded session keeps what it is told, and a token that stayed behind would swallow the next insert.
 * One thread and source order keep the blocks of a repeated insert equal, which deduplication relies on.
 */
export function insertSelect(
  table: string,
  structure: string,
  source: string,
  deduplicationToken: string | undefined,
  options: { condition?: string; settings?: readonly string[] } = {},
): string {
  const columns = columnsOf(structure).join(', ');
  const settings = [
    'max_partitions_per_insert_block = 0',
    'max_insert_threads = 1',
    'optimize_on_insert = 0',
    ...(options.settings ?? []),
  ];
  if (deduplicationToken !== undefined) settings.push(`insert_deduplication_token = ${literal(deduplicationToken)}`);
  const where = options.condition === undefined ? '' : ` WHERE ${options.condition}`;
  return `INSERT INTO ${table} (${columns}) SETTINGS ${settings.join(', ')} SELECT ${columns} FROM ${source}${where}`;
}

/** Bytes in all chunks. */
export function bytesIn(chunks: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.byteLength;
  return bytes;
}

/** A length as RowBinary writes it before texts and lists. */
export function leb128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
