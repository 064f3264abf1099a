/** Lines of a table with aligned columns; numbers to the right. Column widths follow the content. */
export function tableLines(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = [heading, ...rows.map((row) => row.map(String))];
  const widths = heading.map((_, column) => Math.max(...texts.map((row) => (row[column] ?? '').length)));
  const toRight = heading.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  return texts.map((row) =>
    row
      .map((text, column) => (toRight[column] === true ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
