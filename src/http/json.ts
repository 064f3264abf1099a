/**
 * JSON text of a value in which bigints are exact integers (not strings, and not rounded), whatever their size.
 * Undefined members are left out, as JSON.stringify does.
 */
export function toJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || value === undefined) return 'null';
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  let text = '';
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${toJson(member)}`;
  }
  return `{${text}}`;
}
