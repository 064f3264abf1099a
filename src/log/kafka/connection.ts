/** The Kafka client as every role uses it: who it connects to, and how long it tries. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import kafkajs, {
  type Admin,
  CompressionTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  type Producer,
  type SASLOptions,
} from 'kafkajs';
import type { KafkaSettings } from '../../process/config.ts';
import { Kept } from './kept.ts';
import { brokerSocket } from './socket.ts';
import { type Acknowledged, MessageTooLarge, type Producing } from './producing.ts';

/** Where the client's own complaints go. */
export type Complaint = (message: string, detail: object) => void;

/**
 * gzip at its lowest level: a message shrinks to 36 % for half of the CPU that the level kafkajs takes needs for 32 %. lz4 and snappy would be
 * cheaper still, but every reader would then need a package of native code (docs/decisions/0085).
 */
const deflate = promisify(gzip);
const inflate = promisify(gunzip);
kafkajs.CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }) => deflate(buffer, { level: 1 }),
  decompress: (buffer: Buffer) => inflate(buffer),
});

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 8_000;

/** A client. Its own retries are few: whoever uses it knows better for how long. */
export function kafkaClient(settings: KafkaSettings, complain: Complaint, retries = 3): Kafka {
  const config: KafkaConfig = {
    clientId: 'uptally',
    brokers: [...settings.brokers],
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 1_000 },
    socketFactory: brokerSocket,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, broker, error, groupId } = entry.log as unknown as Record<string, string | undefined>;
      complain(`kafka: ${message ?? ''}`, { broker, error, groupId });
    },
    ...(settings.tls ? { ssl: true } : {}),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl as SASLOptions }),
  };
  return new Kafka(config);
}

/**
 * Produces with every in-sync replica's word; connects when it is first needed, and anew after any failure: kafkajs goes on with a connection on which
 * requests time out, and one that has died without a word stays dead until TCP gives it up, which takes a quarter of an hour.
 */
export function producingTo(kafka: Kafka, topic: string): Producing {
  const connection = new Kept<Producer>(async () => {
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  });
  return {
    async produce(messages) {
      const answers = await connection
        .use((producer) =>
          producer.sendBatch({
            acks: -1,
            timeout: REQUEST_TIMEOUT_MS - 1_000,
            compression: CompressionTypes.GZIP,
            topicMessages: [{ topic, messages: messages.map(({ partition, value }) => ({ partition, value })) }],
          }),
        )
        .catch((error: unknown) => {
          throw isTooLarge(error) ? new MessageTooLarge(error.message, { cause: error }) : error;
        });
      return answers.map(({ partition, baseOffset, logAppendTime }): Acknowledged => {
        const appendedMs = Number(logAppendTime ?? -1);
        if (appendedMs < 0)
          throw new Error(`topic ${topic} does not record when messages are appended: set message.timestamp.type=LogAppendTime`);
        return { partition, offset: Number(baseOffset ?? -1), appendedMs };
      });
    },
    close: () => connection.close(),
  };
}

const TOO_LARGE: ReadonlySet<unknown> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

function isTooLarge(error: unknown): error is Error {
  return error instanceof Error && TOO_LARGE.has((error as Error & { readonly type?: unknown }).type);
}

/** Does something with an admin client of its own. */
export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
