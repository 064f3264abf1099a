/** The bytes of the n-th record that a test program appends: their length and content follow from n. */
export function programPayload(n: number): Uint8Array {
  const bytes = n % 97 === 0 ? 300_000 : 8 + ((n * 7919) % 6000);
  const payload = new Uint8Array(bytes);
  for (let i = 4, x = n + 1; i < bytes; i++) payload[i] = x = (Math.imul(x, 1103515245) + 12345) >>> 16;
  new DataView(payload.buffer).setUint32(0, n, true);
  return payload;
}
