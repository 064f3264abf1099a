/**
 * A post of another sender, as the spool keeps it and the server is sent it:
 *
 *     0   4  "UPR1"
 *     4   4  bytes of the head, u32, little-endian
 *     8   …  the head, JSON: { "path", "headers" }
 *     …   …  the body, as it came
 */
import { IDENTIFIER } from '../domain/identifier.ts';
import { z } from 'zod';

const MAGIC = Buffer.from('UPR1', 'latin1');
const HEAD_AT = 8;

const Head = z.object({ path: z.string().startsWith('/v1/receive/'), headers: z.record(z.string(), z.string()) });

export interface Relayed {
  /** Where it is posted to: `/v1/receive/PROTOCOL/SOURCE…`, with its query. */
  readonly path: string;
  /** Those that say what the body is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Whether a record of the spool is a post of another sender, by its first bytes; samples never begin so. */
export function isRelayed(record: Uint8Array): boolean {
  return record.length >= HEAD_AT && MAGIC.every((byte, i) => record[i] === byte);
}

export function encodeRelayed({ path, headers, body }: Relayed): Buffer {
  const head = Buffer.from(JSON.stringify({ path, headers }));
  const start = Buffer.alloc(HEAD_AT);
  MAGIC.copy(start);
  start.writeUInt32LE(head.length, 4);
  return Buffer.concat([start, head, body]);
}

/** Throws where the record is damaged. */
export function decodeRelayed(record: Uint8Array): Relayed {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
  const bodyAt = HEAD_AT + bytes.readUInt32LE(4);
  const { path, headers } = Head.parse(JSON.parse(bytes.toString('utf8', HEAD_AT, bodyAt)));
  return { path, headers, body: bytes.subarray(bodyAt) };
}

/** Protocols whose senders drop what is not taken at once. Prometheus and Telegraf keep it themselves. */
const PATH = new RegExp(`^/v1/receive/(influx|otlp|cloudevents|collectd|ceilometer)/(${IDENTIFIER})(/[A-Za-z0-9._/-]*)?$`);

export interface RelayPath {
  readonly protocol: string;
  /** What stands behind the source: `/api/v2/write`. */
  readonly rest: string;
}

/** Where a post goes, or null where nothing is relayed. @param path without its query */
export function relayPath(path: string): RelayPath | null {
  const [, protocol, , rest = ''] = PATH.exec(path) ?? [];
  return protocol === undefined || rest.split('/').some((step) => step === '.' || step === '..') ? null : { protocol, rest };
}

/** Bytes of lines that are sent at once: well below what the server takes. */
export const LINES_BYTES_MAX = 4 * 1024 * 1024;

/** Lines in parts that end where a line does. A line alone that is longer is a part. */
export function* partsOfLines(lines: Buffer, bytesMax = LINES_BYTES_MAX): Iterable<Buffer> {
  for (let from = 0; from < lines.length;) {
    let to = lines.length;
    if (to - from > bytesMax) {
      const before = lines.lastIndexOf(0x0a, from + bytesMax - 1);
      const end = before >= from ? before : lines.indexOf(0x0a, from);
      to = end < 0 ? lines.length : end + 1;
    }
    yield lines.subarray(from, to);
    from = to;
  }
}
