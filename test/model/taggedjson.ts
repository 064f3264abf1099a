/**
 * JSON with its number literals kept as text. `JSON.parse` rounds beyond 2⁵³ and cannot tell `1` from `1.0` or `1e3`,
 * so the text is first proved valid by `JSON.parse`, then rewritten: every string gets the prefix `s`, every number
 * becomes a string with the prefix `n`. Keys are strings and get their prefix too, which makes `__proto__` an
 * ordinary key.
 */
export type Tagged = string | boolean | null | readonly Tagged[] | { readonly [key: string]: Tagged };

/** The tagged value of a JSON text; undefined if the bytes are no UTF-8, begin with a byte order mark, or are no JSON. */
export function parseTagged(input: string | Uint8Array): Tagged | undefined {
  const text = typeof input === 'string' ? input : decodeStrictly(input);
  if (text === undefined) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return JSON.parse(tagLiterals(text)) as Tagged;
}

/** The content of a tagged string, or undefined if the value is no JSON string. */
export function stringOf(value: Tagged): string | undefined {
  return typeof value === 'string' && value.startsWith('s') ? value.slice(1) : undefined;
}

/** The literal of a tagged number as it was written, or undefined if the value is no JSON number. */
export function literalOf(value: Tagged): string | undefined {
  return typeof value === 'string' && value.startsWith('n') ? value.slice(1) : undefined;
}

/** The fields of a tagged object, or undefined if the value is no JSON object. */
export function fieldsOf(value: Tagged): ReadonlyMap<string, Tagged> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value).map(([key, field]) => [key.slice(1), field]));
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    // ignoreBOM keeps the mark in the text, where JSON.parse refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The text is valid JSON here: outside a string, a minus or a digit can only begin a number. */
function tagLiterals(text: string): string {
  const out: string[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const char = text.charAt(at);
    if (char === '"') {
      at += 1;
      while (text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
      at += 1;
      out.push('"s', text.slice(start + 1, at));
    } else if ('-0123456789'.includes(char)) {
      while (at < text.length && '+-.eE0123456789'.includes(text.charAt(at))) at += 1;
      out.push('"n', text.slice(start, at), '"');
    } else {
      at += 1;
      out.push(char);
    }
  }
  return out.join('');
}
