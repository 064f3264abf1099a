/** Messages of the Kafka log, as tests make them. */
import { crc32 } from 'node:zlib';
import { HEAD_BYTES, type MessageBuilder, type Origin } from '../../src/log/kafka/message.ts';

/** The log that messages of tests are of. */
export const LOG_ID = '0123456789abcdef'.repeat(2);

export function sealed(builder: MessageBuilder, { logId = LOG_ID, partition = 0 }: Partial<Origin> = {}, known = 0): Buffer {
  return builder.seal({ logId, partition }, known);
}

/** The same message as versions wrote it before logs had ids. */
export function withoutId(message: Uint8Array): Buffer {
  const older = Buffer.concat([message.subarray(0, 16), message.subarray(HEAD_BYTES)]);
  older.write('UPM1', 0, 'latin1');
  older.writeUInt32LE(crc32(older.subarray(16)), 12);
  return older;
}
