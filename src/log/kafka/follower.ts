/**
 * Counts the samples in messages whose rows are not stored yet, for the status: it reads forward from where the stored rows end, as far as it is
 * asked to, and each message at most once.
 */
import type { EachBatchPayload, Kafka } from 'kafkajs';
import type { Asking } from './asking.ts';
import { Member } from './member.ts';
import { samplesInMessage } from './message.ts';

/** What lies between the stored rows and the end of a partition. */
export interface Unstored {
  /** the position of the next message */
  readonly head: number;
  /** samples counted so far */
  readonly samples: bigint;
  /** the position of the oldest message */
  readonly low: number;
  /** all of it has been counted */
  readonly complete: boolean;
}

interface Place {
  next: number;
  /** read up to here, then wait to be asked again */
  until: number;
  reading: boolean;
  readonly counted: { readonly position: number; readonly samples: number }[];
}

const FETCH_WAIT_MS = 200;
const FETCH_BYTES_A_PARTITION = 4 * 1024 * 1024;

export class Follower {
  readonly #asking: Asking;
  readonly #member: Member;
  readonly #places: Place[];
  readonly #groupId: string;
  readonly #base: number;
  readonly #watchers = new Set<() => void>();

  /**
   * @param base the position of offset 0
   * @param instance names this process: its group is its own
   * @param onEnd the consumer has given up, and the next one will try
   */
  constructor(
    kafka: Kafka,
    asking: Asking,
    topic: string,
    partitions: number,
    base: number,
    instance: string,
    onEnd: (error: unknown) => void,
  ) {
    this.#asking = asking;
    this.#base = base;
    this.#groupId = `${topic}.status.${instance}`;
    this.#places = Array.from({ length: partitions }, () => ({ next: -1, until: -1, reading: false, counted: [] }));
    this.#member = new Member({
      kafka,
      topic,
      consumer: {
        groupId: this.#groupId,
        maxWaitTimeInMs: FETCH_WAIT_MS,
        maxBytesPerPartition: FETCH_BYTES_A_PARTITION,
        maxBytes: 4 * FETCH_BYTES_A_PARTITION,
        allowAutoTopicCreation: false,
      },
      eachBatch: (payload) => this.#take(payload),
      onJoin: () => {
        this.#member.pause(this.#places.map((_, partition) => partition));
        this.#places.forEach((place, partition) => {
          place.reading = false;
          this.#goOn(partition, place);
        });
      },
      onLost: () => undefined,
      // what is asked for is told by the brokers each time: the next question begins where they then say
      onOutOfRange: (partition) => {
        const place = this.#places[partition];
        if (place === undefined) return;
        place.reading = false;
        place.next = -1;
        place.until = -1;
      },
      onEnd,
    });
  }

  /** Joins its group when it can. */
  start(): void {
    this.#member.start();
  }

  /**
   * Counts what lies behind the last stored message of each partition. Rejects when the brokers don't say where the log ends.
   * @param storedSeq by partition, -1 for nothing
   * @param waitMs how long to read before answering what has been counted so far
   */
  async unstored(storedSeq: readonly number[], waitMs: number): Promise<Unstored[]> {
    const bounds = await this.#asking.bounds();
    this.#places.forEach((place, partition) => {
      const stored = storedSeq[partition] ?? -1;
      const { low, head } = bounds.get(partition) ?? { low: 0, head: 0 };
      const from = Math.max(stored + 1, low);
      while ((place.counted[0]?.position ?? Infinity) < from) place.counted.shift();
      place.until = Math.max(place.until, head);
      if (place.next < from) {
        place.next = from;
        place.reading = false;
      } else if (place.next > head) {
        // a log that has become shorter is not the one that was counted
        place.next = from;
        place.until = head;
        place.reading = false;
        place.counted.length = 0;
      }
      this.#goOn(partition, place);
    });
    const isDone = (partition: number): boolean => (this.#places[partition]?.next ?? 0) >= (bounds.get(partition)?.head ?? 0);
    await this.#until(() => this.#places.every((_, partition) => isDone(partition)), waitMs);
    return this.#places.map((place, partition) => {
      const stored = storedSeq[partition] ?? -1;
      const { low, head } = bounds.get(partition) ?? { low: 0, head: 0 };
      const counted = place.counted.filter(({ position }) => position > stored && position < head);
      return { low, head, samples: counted.reduce((sum, { samples }) => sum + BigInt(samples), 0n), complete: isDone(partition) };
    });
  }

  async close(): Promise<void> {
    await this.#member.close();
    // a group of nobody any more; the brokers forget it some day if this fails
    await this.#asking.do((admin) => admin.deleteGroups([this.#groupId])).catch(() => undefined);
  }

  #goOn(partition: number, place: Place): void {
    if (!this.#member.joined || place.reading || place.next >= place.until) return;
    place.reading = true;
    this.#member.seek(partition, Math.max(0, place.next - this.#base));
    this.#member.resume(partition);
  }

  #take({ batch }: EachBatchPayload): Promise<void> {
    const place = this.#places[batch.partition];
    if (place === undefined) return Promise.resolve();
    for (const message of batch.messages) {
      const position = this.#base + Number(message.offset);
      if (position < place.next) continue;
      place.next = position + 1;
      const samples = samplesOf(message.value, position);
      if (samples > 0) place.counted.push({ position, samples });
    }
    if (place.next >= place.until) {
      place.reading = false;
      this.#member.pause([batch.partition]);
    }
    for (const watcher of this.#watchers) watcher();
    return Promise.resolve();
  }

  #until(condition: () => boolean, waitMs: number): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const watcher = (): void => {
        if (condition()) done();
      };
      const timer = setTimeout(done, waitMs);
      this.#watchers.add(watcher);
    });
  }
}

/** What is not ours holds no samples; the aggregators say so louder. */
function samplesOf(value: Uint8Array | null, position: number): number {
  try {
    return samplesInMessage(value ?? new Uint8Array(0), position);
  } catch {
    return 0;
  }
}
