/** What OTLP's senders are answered: two small messages, in protobuf or JSON. */

/** `ExportMetricsServiceResponse`: empty where everything was taken. */
export function partialSuccess(json: boolean, rejected: number, message: string): string | Buffer {
  if (rejected === 0) return json ? '{}' : Buffer.alloc(0);
  if (json) return JSON.stringify({ partialSuccess: { rejectedDataPoints: String(rejected), errorMessage: message } });
  return field(1, Buffer.concat([varint(1 << 3), varint(rejected), field(2, Buffer.from(message, 'utf8'))]));
}

/** Of `google.rpc.Code`, by the HTTP status. */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 415: 3, 503: 14 };

/** `google.rpc.Status`. */
export function statusMessage(json: boolean, status: number, message: string): string | Buffer {
  const code = CODES[status] ?? 2;
  if (json) return JSON.stringify({ code, message });
  return Buffer.concat([varint(1 << 3), varint(code), field(2, Buffer.from(message, 'utf8'))]);
}

function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
