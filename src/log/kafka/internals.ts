/**
 * What kafkajs does not offer and has inside: a question to the brokers in a version of the protocol that kafkajs does not speak, a look at
 * single messages without a consumer group, and an end of its own deciding where to read when an offset is out of range. All of it is of kafkajs
 * 2.2.4, the last that was released; where something of another version is missed, that is said at the first use and not found out later.
 */
import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';

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

const METADATA = 3;
/** The first version that names a topic's id and may be asked by name (Kafka 3.0; KIP-516). */
const METADATA_VERSION = 12;
const UNKNOWN_TOPIC = 3;
const NO_ID = '0'.repeat(32);

/** A topic as a broker knows it. */
export interface TopicNow {
  /** What the brokers call it, 32 hex digits: another one for a topic that was deleted and made again. Undefined where they don't know. */
  readonly uuid: string | undefined;
  readonly partitions: number;
}

/** Asks any broker; undefined when there is no such topic. Throws while it can't be told. */
export async function askTopic(cluster: Cluster, topic: string): Promise<TopicNow | undefined> {
  const question = topicQuestion(topic);
  const broker = await cluster.brokerPool.findConnectedBroker();
  if ((broker.versions[METADATA]?.maxVersion ?? 0) < METADATA_VERSION) return { uuid: undefined, partitions: 0 };
  return broker.connectionPool.send({
    request: {
      apiKey: METADATA,
      apiVersion: METADATA_VERSION,
      apiName: 'Metadata',
      encode: () => Promise.resolve({ buf: question, buffer: question }),
    },
    response: { decode: (bytes) => Promise.resolve(bytes), parse: (bytes) => Promise.resolve(topicAnswer(bytes, topic)) },
    logResponseError: false,
  });
}

/** The request's body, before it the (empty) tagged fields that end its head. */
export function topicQuestion(topic: string): Buffer {
  const name = Buffer.from(topic, 'utf8');
  return Buffer.concat([
    Buffer.of(0),
    uvarint(2), // one topic
    Buffer.alloc(16), // by name, not by id
    uvarint(name.length + 1),
    name,
    Buffer.of(0), // no tagged fields
    Buffer.of(0, 0, 0), // makes no topic, asks for no operations; no tagged fields
  ]);
}

/** Reads a Metadata response of version 12. Throws RangeError when it is none. */
export function topicAnswer(bytes: Buffer, topic: string): TopicNow | undefined {
  const read = new Reader(bytes);
  read.tags();
  read.skip(4); // throttled
  for (let brokers = read.count(); brokers > 0; brokers--) {
    read.skip(4);
    read.text();
    read.skip(4);
    read.text();
    read.tags();
  }
  read.text(); // cluster
  read.skip(4); // controller
  for (let topics = read.count(); topics > 0; topics--) {
    const error = read.int16();
    const name = read.text();
    const uuid = read.hex(16);
    read.skip(1); // internal
    const partitions = read.count();
    for (let left = partitions; left > 0; left--) {
      read.skip(2 + 4 + 4 + 4);
      for (let lists = 3; lists > 0; lists--) read.skip(4 * read.count());
      read.tags();
    }
    read.skip(4);
    read.tags();
    if (name !== topic) continue;
    if (error === UNKNOWN_TOPIC) return undefined;
    if (error !== 0) throw new Error(`the brokers do not say what topic ${topic} is: error ${error}`);
    return { uuid: uuid === NO_ID ? undefined : uuid, partitions };
  }
  return undefined;
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Fields of the protocol's compact form. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw new RangeError('the answer ends too early');
  }
  int16(): number {
    const value = this.#bytes.readInt16BE(this.#at);
    this.skip(2);
    return value;
  }
  hex(bytes: number): string {
    const value = this.#bytes.toString('hex', this.#at, this.#at + bytes);
    this.skip(bytes);
    return value;
  }
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.skip(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }
  /** How many follow; none for null. */
  count(): number {
    return Math.max(0, this.uvarint() - 1);
  }
  text(): string {
    const length = this.count();
    const value = this.#bytes.toString('utf8', this.#at, this.#at + length);
    this.skip(length);
    return value;
  }
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }
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

interface ConsumerGroup {
  readonly groupId: string;
  readonly preferredReadReplicasPerTopicPartition: Record<string, Record<number, unknown> | undefined>;
  readonly subscriptionState: {
    pause(topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): void;
  };
}

interface OutOfRange {
  readonly topic: string;
  readonly partition: number;
}

const toldOutOfRange = new Map<string, (partition: number) => void>();

/**
 * Where a consumer asks for an offset that a partition does not have, kafkajs commits the oldest one there is (or the newest) and goes on from
 * there, with a word in its log. For a group that is named here nothing is committed and nothing more is fetched of the partition: who consumes is
 * told, and decides. The returned function ends that.
 */
export function decideOutOfRange(groupId: string, tell: (partition: number) => void): () => void {
  refuseResets();
  toldOutOfRange.set(groupId, tell);
  return () => {
    toldOutOfRange.delete(groupId);
  };
}

let refused = false;

function refuseResets(): void {
  if (refused) return;
  refused = true;
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js') as {
    readonly prototype: { recoverFromOffsetOutOfRange?: (this: ConsumerGroup, error: OutOfRange) => Promise<void> };
  };
  const reset = prototype.recoverFromOffsetOutOfRange;
  if (typeof reset !== 'function') throw otherVersion();
  prototype.recoverFromOffsetOutOfRange = function (error) {
    const { topic, partition } = error;
    const tell = toldOutOfRange.get(this.groupId);
    if (tell === undefined) return reset.call(this, error);
    const replicas = this.preferredReadReplicasPerTopicPartition[topic];
    if (replicas?.[partition] !== undefined) {
      // a follower may be behind: the leader is asked first
      const others = Object.entries(replicas).filter(([each]) => Number(each) !== partition);
      this.preferredReadReplicasPerTopicPartition[topic] = Object.fromEntries(others);
      return Promise.resolve();
    }
    this.subscriptionState.pause([{ topic, partitions: [partition] }]);
    tell(partition);
    return Promise.resolve();
  };
}

function otherVersion(): Error {
  return new Error('this version of kafkajs is not the one that Uptally was made with (2.2.4)');
}
