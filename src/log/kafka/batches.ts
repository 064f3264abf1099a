/** What waits to be sent: by partition, messages that requests are packed into, and who waits for them. */
import { FRAME_BYTES_MAX, frameBytes, frameHash, frameView } from '../../kernel/frames.ts';
import { partitionOf } from '../../samples/vm-hash.ts';
import { LogError } from '../log.ts';
import { samplesRecord } from '../record.ts';
import { HEAD_BYTES, MESSAGE_BYTES_MAX, MessageBuilder } from './message.ts';

/** One append: done when every message that holds a part of it is acknowledged. */
export class Waiter {
  #left = 0;
  #closed = false;
  #settled = false;
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: LogError) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  waitFor(): void {
    this.#left++;
  }
  /** No more messages will hold parts of it. */
  close(): void {
    this.#closed = true;
    this.#check();
  }
  acknowledged(): void {
    this.#left--;
    this.#check();
  }
  failed(error: LogError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#reject(error);
  }
  #check(): void {
    if (this.#settled || !this.#closed || this.#left > 0) return;
    this.#settled = true;
    this.#resolve();
  }
}

/** A message that is being filled or waits for its turn. */
export interface Outgoing {
  readonly partition: number;
  readonly builder: MessageBuilder;
  readonly waiters: Set<Waiter>;
}

/** Filled by appends, emptied by flushes: a flush takes at most one message a partition. */
export class Batches {
  readonly #queues: Outgoing[][];
  bytes = 0;
  /** What the brokers take in one message. */
  bytesMax = MESSAGE_BYTES_MAX;

  constructor(partitions: number) {
    this.#queues = Array.from({ length: partitions }, () => []);
  }

  get isEmpty(): boolean {
    return this.#queues.every((queue) => queue.length === 0);
  }

  /** Puts an agent's frames into the messages of their VMs' partitions. Throws `log_unavailable`, with nothing added, when one fits no message. */
  addFrames(agent: string, frames: Uint8Array, waiter: Waiter): void {
    const bytes = frameView(frames);
    const head = samplesRecord(agent, 0, EMPTY);
    this.#checkFits(bytes, HEAD_BYTES + 8 + head.length);
    const touched = new Map<number, Outgoing>();
    let until: number;
    for (let at = 0; at < bytes.length; at = until) {
      until = at + frameBytes(bytes, at);
      const partition = partitionOf(frameHash(bytes, at), this.#queues.length);
      let message = touched.get(partition);
      if (message?.builder.hasRoomFor(until - at) !== true) {
        message?.builder.endSamples();
        message = this.#messageWithRoom(partition, head.length + 8 + until - at, waiter);
        message.builder.beginSamples(head);
        this.bytes += head.length + 8;
        touched.set(partition, message);
      }
      message.builder.addFrame(bytes, at, until);
      this.bytes += until - at;
    }
    for (const { builder } of touched.values()) builder.endSamples();
  }

  #checkFits(frames: Buffer, overhead: number): void {
    // no frame is as large as what brokers take unless they are told otherwise
    if (this.bytesMax >= FRAME_BYTES_MAX + overhead) return;
    for (let at = 0; at < frames.length; at += frameBytes(frames, at)) {
      const needed = overhead + frameBytes(frames, at);
      if (needed > this.bytesMax)
        throw new LogError(
          'log_unavailable',
          `a sample needs a message of ${needed} bytes, and the brokers take ${this.bytesMax}: raise max.message.bytes of the topic`,
        );
    }
  }

  /** Puts a record that holds no samples into a partition's message. */
  addRecord(partition: number, record: Uint8Array, waiter: Waiter): void {
    this.#messageWithRoom(partition, record.length + 8, waiter).builder.add(record);
    this.bytes += record.length + 8;
  }

  #messageWithRoom(partition: number, bytes: number, waiter: Waiter): Outgoing {
    const queue = this.#queues[partition];
    if (queue === undefined) throw new RangeError(`there is no partition ${partition}`);
    let message = queue.at(-1);
    if (message === undefined || message.builder.bytes + bytes > this.bytesMax || !message.builder.hasRoomFor(0)) {
      message = { partition, builder: new MessageBuilder(this.bytesMax), waiters: new Set() };
      queue.push(message);
    }
    if (!message.waiters.has(waiter)) {
      message.waiters.add(waiter);
      waiter.waitFor();
    }
    return message;
  }

  /** The oldest message of every partition that has one. */
  take(): Outgoing[] {
    const taken = this.#queues.flatMap((queue) => queue.shift() ?? []);
    for (const { builder } of taken) this.bytes -= builder.bytes - HEAD_BYTES;
    return taken;
  }

  /** Everything that waits; nothing is left. */
  takeAll(): Outgoing[] {
    this.bytes = 0;
    return this.#queues.flatMap((queue) => queue.splice(0));
  }
}

const EMPTY = new Uint8Array(0);
