import { toJson } from '../../domain/json.ts';
import { RowFault } from './import-rows.ts';

/** Bodies of calls as columns of a table, and back. A column names a member, `price.amount` one within another, `plans.0.from` one of a list's. */

/** Members that are whole numbers or truth values; every other scalar is a text. Held against the API's own schemas by a test. */
export const WHOLE: ReadonlySet<string> = new Set(['due_days', 'included_bytes', 'unit_bytes', 'up_to', 'quantity']);
export const TRUTH: ReadonlySet<string> = new Set(['promotion', 'round_up']);
/** Texts that people write: never JSON, whatever they begin with. */
export const WRITTEN: ReadonlySet<string> = new Set([
  ...['id', 'title', 'name', 'address', 'tax_id', 'registration', 'purchase_order', 'email', 'note', 'exempt_reason', 'reason'],
]);
const DEPTH_MAX = 6;
const LIST_MAX = 1_000;

/** The body that a row of cells is; an empty cell says nothing. Throws `RowFault`. */
export function bodyOfCells(cells: Readonly<Record<string, string>>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(cells)) if (cell !== '') put(body, column, valueOf(column, cell));
  return body;
}

function valueOf(column: string, cell: string): unknown {
  const name = column.split('.').findLast((part) => !/^\d+$/.test(part)) ?? column;
  if (WRITTEN.has(name)) return cell;
  if (cell === 'null') return null;
  if (TRUTH.has(name)) {
    if (/^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true';
    throw new RowFault(`${column}: must be true or false, not ${JSON.stringify(cell.slice(0, 40))}`);
  }
  if (WHOLE.has(name)) {
    if (/^\d{1,15}$/.test(cell)) return Number(cell);
    throw new RowFault(`${column}: must be a whole number in digits, not ${JSON.stringify(cell.slice(0, 40))}`);
  }
  if (!/^[[{]/.test(cell)) return cell;
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    throw new RowFault(`${column}: is no JSON: ${cell.slice(0, 60)}`);
  }
}

/** Puts a value where a column says. */
function put(body: Record<string, unknown>, column: string, value: unknown): void {
  const path = column.split('.');
  const fault = (): never => {
    throw new RowFault(`${column}: is no column (a member, or members and places of lists with dots between them)`);
  };
  if (path.length > DEPTH_MAX || path.some((part) => part === '' || part === '__proto__')) fault();
  let at: Record<string, unknown> | unknown[] = body;
  for (const [i, part] of path.entries()) {
    const key = placeOf(at, part) ?? fault();
    const isLast = i === path.length - 1;
    const found: unknown = isLast ? value : (at[key] ?? (/^\d+$/.test(path[i + 1] ?? '') ? [] : {}));
    if (typeof found !== 'object' && !isLast) fault();
    at[key] = found;
    at = found as Record<string, unknown>;
  }
}

function placeOf(at: Record<string, unknown> | unknown[], part: string): string | undefined {
  if (!Array.isArray(at)) return part;
  // A list has no holes.
  return /^\d{1,4}$/.test(part) && Number(part) < LIST_MAX && Number(part) <= at.length ? part : undefined;
}

/** A member of a body as a cell: lists and what has members as JSON; nothing for what is not there. */
export function cellOf(body: Readonly<Record<string, unknown>>, column: string): string {
  let value: unknown = body;
  for (const part of column.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[part];
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : toJson(value);
}
