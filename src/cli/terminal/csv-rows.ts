/** A row of a CSV file, with the line of the file that it begins on. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads CSV (RFC 4180) with commas or semicolons, whichever the first line has more of; a byte order mark and rows without text are passed over. Throws
 * a SyntaxError where a quote is not closed.
 */
export function csvRows(text: string): CsvRow[] {
  const body = text.startsWith('\ufeff') ? text.slice(1) : text;
  const [first = ''] = body.split('\n', 1);
  const apart = first.split(';').length > first.split(',').length ? ';' : ',';
  const rows: CsvRow[] = [];
  let line = 1;
  let begun = 1;
  let cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  const endRow = (): void => {
    cells.push(cell);
    if (cells.some((each) => each.trim() !== '')) rows.push({ line: begun, cells });
    [cells, cell, begun] = [[], '', line];
  };
  for (let i = 0; i < body.length; i += 1) {
    const char = body[i] ?? '';
    if (char === '\n') line += 1;
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (body[i + 1] === '"') {
        cell += '"';
        i += 1;
      } else isQuoted = false;
    } else if (char === '"' && cell === '') isQuoted = true;
    else if (char === apart) {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') endRow();
    else if (char !== '\r') cell += char;
  }
  if (isQuoted) throw new SyntaxError(`the quote of line ${begun} is not closed`);
  if (cell !== '' || cells.length > 0) endRow();
  return rows;
}
