/** A topic's id and partitions, asked of a broker in the protocol's own words: kafkajs does not know topic ids. */
import type { Cluster } from './internals.ts';

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
