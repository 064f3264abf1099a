/** JSON whose integers keep all their digits, in a browser: those that a number may round come as bigints. */

/** A string, to be passed over, or an integer of sixteen digits and more that is no part of a longer number. */
const LONG_INTEGER = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/** The value of a JSON text. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as unknown;
  // nobody outside knows it, so a string that begins with it is one that we have made
  const mark = `\u0000${crypto.randomUUID()}:`;
  const marked = text.replaceAll(LONG_INTEGER, (found) => (found.startsWith('"') ? found : JSON.stringify(mark + found)));
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  ) as unknown;
}

/** The text again, indented, its integers exact. */
export function showExact(value: unknown): string {
  const digits = new Map<string, string>();
  const mark = crypto.randomUUID();
  const text = JSON.stringify(
    value,
    (_key, one: unknown) => {
      if (typeof one !== 'bigint') return one;
      const name = `${mark}:${digits.size}`;
      digits.set(`"${name}"`, one.toString());
      return name;
    },
    2,
  );
  return digits.size === 0 ? text : text.replaceAll(new RegExp(`"${mark}:\\d+"`, 'g'), (found) => digits.get(found) ?? found);
}
