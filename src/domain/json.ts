/**
 * JSON text of a value in which bigints are exact integers (not strings, and not rounded), whatever their size.
 * Undefined members are left out, as JSON.stringify does.
 */
export function toJson(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'string':
      return quoted(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? arrayJson(value) : objectJson(value as Record<string, unknown>);
    case 'undefined':
      return 'null';
    default:
      return JSON.stringify(value);
  }
}

/** Most strings hold nothing to escape; asking first is several times faster than escaping. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function arrayJson(list: readonly unknown[]): string {
  let text = '';
  for (let i = 0; i < list.length; i += 1) text += (i === 0 ? '' : ',') + toJson(list[i]);
  return `[${text}]`;
}

function objectJson(object: Record<string, unknown>): string {
  let text = '';
  for (const name of Object.keys(object)) {
    const member = object[name];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(name)}:${toJson(member)}`;
  }
  return `{${text}}`;
}
