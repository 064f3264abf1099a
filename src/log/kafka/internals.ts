/**
 * What kafkajs does not offer and has inside: a question to the brokers in a version of the protocol that kafkajs does not speak, a look at
 * single messages without a consumer group, and an end of its own deciding where to read when an offset is out of range. All of it is of kafkajs
 * 2.2.4, the last that was released; where something of another version is missed, that is said at the first use and not found out later.
 */
import type { Kafka } from 'kafkajs';
import { otherVersion } from './out-of-range.ts';

interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  /** kafkajs' encoders have their bytes twice. */
  encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
}

interface Response<T> {
  decode(bytes: Buffer): Promise<Buffer>;
  parse(bytes: Buffer): Promise<T>;
}

export interface FetchedMessage {
  readonly offset: string;
  readonly value: Buffer | null;
}

interface FetchedPartition {
  readonly partition: number;
  readonly messages: readonly FetchedMessage[];
}

interface Broker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>>;
  readonly connectionPool: {
    send<T>(protocol: {
      readonly request: Request;
      readonly response: Response<T>;
      readonly logResponseError?: boolean;
    }): Promise<T>;
  };
  fetch(question: {
    readonly replicaId: number;
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[];
    }[];
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>;
}

/** kafkajs' view of a cluster: connections, and who leads which partition. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(node: { readonly nodeId: string }): Promise<Broker>;
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
}

type MakeCluster = (options: { readonly allowAutoTopicCreation: false; readonly metadataMaxAge: number }) => Cluster;

const METADATA_MAX_AGE_MS = 300_000;

/** A cluster of the client's own settings. It never makes a topic by asking for it. */
export function clusterOf(kafka: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  const make = key === undefined ? undefined : (kafka as unknown as Record<symbol, MakeCluster | undefined>)[key];
  if (make === undefined) throw otherVersion();
  return make({ allowAutoTopicCreation: false, metadataMaxAge: METADATA_MAX_AGE_MS });
}

const FETCH_WAIT_MS = 1_000;

const FETCH_BYTES = 2 * 1024 * 1024;

/** The message at this offset, or the next one there is; undefined when the brokers have none. */
export async function fetchMessage(
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
): Promise<FetchedMessage | undefined> {
  await cluster.addTargetTopic(topic);
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (nodeId === undefined) throw new Error(`partition ${partition} of topic ${topic} has no leader`);
  const broker = await cluster.findBroker({ nodeId });
  const { responses } = await broker.fetch({
    replicaId: -1,
    isolationLevel: 1,
    maxWaitTime: FETCH_WAIT_MS,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES }] }],
  });
  const messages = responses.flatMap(({ partitions }) => partitions.flatMap((each) => each.messages));
  return messages.find((message) => Number(message.offset) >= offset);
}
