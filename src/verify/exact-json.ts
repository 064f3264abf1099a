/**
 * JSON with integers beyond 2⁵³: JSON.parse rounds them, so integers of 16 digits and more become texts of their digits
 * before it sees them. Strings are stepped over whole. Returns undefined for what is no JSON.
 */
export function parseExact(text: string): unknown {
  // a text that begins with digits is no number: only what stands where a number may is looked at
  const quoted = !/(?:^|[[,:\s-])\d{16}/.test(text)
    ? text
    : text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}/g, (token) => (token.startsWith('"') ? token : `"${token}"`));
  try {
    return JSON.parse(quoted) as unknown;
  } catch {
    return undefined;
  }
}
