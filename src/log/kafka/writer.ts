/**
 * Appending to the Kafka log. Requests of a few milliseconds go out together, one message a partition; an append is done when the brokers have
 * acknowledged every message that holds a part of it. While no broker answers, appends are refused at once, and the ticks that go on every
 * second find out when one does again.
 *
 * An acknowledgement counts only when it can be this log's: its position must not be one that was taken when the message was sent, and the topic
 * must be the one that this process began with, by what the brokers say after they acknowledged. Otherwise nothing is answered any more.
 */
import type { LogId } from '../identity.ts';
import { afterOwnTime } from '../../process/patience.ts';
import { LogError } from '../log.ts';
import { failureOf, tooSmall } from './append-failure.ts';
import { Batches, type Outgoing, Waiter } from './batches.ts';
import { ClockOffset } from './clock-offset.ts';
import { MESSAGE_BYTES_MAX } from './message.ts';
import { type Acknowledged, MessageTooLarge, type Producing } from './producing.ts';

export interface KafkaWriterOptions {
  readonly producing: Producing;
  readonly logId: LogId;
  readonly partitions: number;
  /** The position of offset 0. */
  readonly base: number;
  /** Of each partition, the position that the next message gets at least. */
  readonly known: readonly number[];
  /** Resolves when the topic is the one it was, as of after the call; rejects with a LogError. */
  readonly confirm: () => Promise<void>;
  /** Asks the brokers for the largest message they take; its bytes before compression. */
  readonly messageBytesMax: () => Promise<number>;
  readonly now: () => number;
  /** How long requests are collected. */
  readonly lingerMs?: number;
  /** After this, in the process' own running time, an append is answered with `log_failed`: its outcome is unknown. */
  readonly deadlineMs?: number;
  /** Appends are refused with `log_busy` while more than this is under way. */
  readonly pendingBytesMax?: number;
  readonly onAvailable?: (available: boolean, reason: string) => void;
}

const LINGER_MS = 3;
const DEADLINE_MS = 10_000;
const PENDING_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes that are not worth waiting for more. */
const ENOUGH_BYTES = 512 * 1024;
const FLUSHES_IN_FLIGHT = 4;

export class KafkaWriter {
  readonly #options: KafkaWriterOptions;
  readonly #deadlineMs: number;
  readonly #batches: Batches;
  readonly #clock = new ClockOffset();
  #flightBytes = 0;
  #inFlight = 0;
  #linger: NodeJS.Timeout | undefined;
  #down: LogError | undefined = new LogError('log_unavailable', 'no broker has acknowledged anything yet');
  /** Of each partition, the position that the next message gets at least. */
  readonly #known: number[];
  readonly #samples: number[];
  #closing = false;
  #idle: (() => void)[] = [];
  /** Since this process began, for its metrics. */
  readonly counts = { samples: 0, messages: 0, bytes: 0, failures: 0 };

  constructor(options: KafkaWriterOptions) {
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#batches = new Batches(options.partitions);
    this.#known = [...options.known];
    this.#samples = options.known.map(() => 0);
  }

  /** Why appends are refused; undefined while they are taken. `log_mismatch` stays: the process must begin anew. */
  get unavailable(): LogError | undefined {
    return this.#down;
  }

  /** Of each partition, the position after the last message acknowledged, and the samples acknowledged since this process began. */
  acknowledged(): { readonly next: number; readonly samples: number }[] {
    return this.#known.map((next, partition) => ({ next, samples: this.#samples[partition] ?? 0 }));
  }

  /** Positions of a partition below this one are taken, as others have found. */
  knows(partition: number, next: number): void {
    this.#known[partition] = Math.max(this.#known[partition] ?? 0, next);
  }

  /** The largest message to be made from now on, in bytes before compression. */
  limitMessages(bytesMax: number): void {
    this.#batches.bytesMax = Math.min(bytesMax, MESSAGE_BYTES_MAX);
  }

  /** What to add to this process' clock to have the brokers'. */
  get clockOffsetMs(): number {
    return this.#clock.offsetMs ?? 0;
  }

  /** Whether `clockOffsetMs` has been learnt. */
  get knowsBrokersClock(): boolean {
    return this.#clock.offsetMs !== undefined;
  }

  /** This process' own clock has been set: how far the brokers' is ahead is learnt again. */
  forgetClock(): void {
    this.#clock.forget();
  }

  /** How far the brokers' clock has leapt, which is not followed; 0 while it goes as this process' does. */
  get brokersLeapMs(): number {
    return this.#clock.leapMs;
  }

  get pendingBytes(): number {
    return this.#batches.bytes + this.#flightBytes;
  }

  /**
   * Appends an agent's samples; resolves once every one is acknowledged by the brokers in charge. The frames are copied before this returns. Rejects
   * with a LogError: `log_failed` (outcome unknown), or `log_unavailable`, `log_busy`, `log_closed` (nothing was written).
   */
  appendSamples(agent: string, frames: Uint8Array): Promise<void> {
    if (this.#down !== undefined) return Promise.reject(this.#down);
    return this.#append(frames.byteLength, (waiter) => {
      this.#batches.addFrames(agent, frames, waiter);
    });
  }

  /** Appends a record to every partition; also while no broker answers, to find out when one does. */
  appendToAll(recordOf: (partition: number) => Uint8Array): Promise<void> {
    if (this.#down?.code === 'log_mismatch') return Promise.reject(this.#down);
    return this.#append(0, (waiter) => {
      for (let p = 0; p < this.#options.partitions; p++) this.#batches.addRecord(p, recordOf(p), waiter);
    });
  }

  #append(bytes: number, add: (waiter: Waiter) => void): Promise<void> {
    if (this.#closing) return Promise.reject(new LogError('log_closed', 'the log is closed'));
    const max = this.#options.pendingBytesMax ?? PENDING_BYTES_MAX;
    // one append always passes, however small the limit
    if (bytes > 0 && this.pendingBytes > 0 && this.pendingBytes + bytes > max)
      return Promise.reject(new LogError('log_busy', `${this.pendingBytes} bytes are waiting for the brokers`));
    const waiter = new Waiter();
    try {
      add(waiter);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    waiter.close();
    const cancel = afterOwnTime(this.#deadlineMs, () => {
      const reason = `no acknowledgement within ${this.#deadlineMs} ms`;
      waiter.failed(new LogError('log_failed', reason));
      this.#setDown(new LogError('log_unavailable', reason));
    });
    this.#schedule();
    return waiter.done.finally(cancel);
  }

  #schedule(): void {
    if (this.#inFlight >= FLUSHES_IN_FLIGHT || this.#batches.isEmpty) return;
    if (this.#batches.bytes >= ENOUGH_BYTES || this.#closing) this.#flush();
    else
      this.#linger ??= setTimeout(() => {
        this.#flush();
      }, this.#options.lingerMs ?? LINGER_MS);
  }

  #flush(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    const messages = this.#batches.take();
    if (messages.length === 0) return;
    const bytes = messages.reduce((sum, { builder }) => sum + builder.bytes, 0);
    this.#inFlight++;
    this.#flightBytes += bytes;
    const sentMs = this.#options.now();
    this.#send(messages)
      .then(
        (acknowledged) => {
          this.#acknowledge(messages, acknowledged, sentMs);
        },
        (error: unknown) => {
          this.#fail(messages, error);
        },
      )
      .finally(() => {
        this.#inFlight--;
        this.#flightBytes -= bytes;
        this.#schedule();
        if (this.#inFlight === 0 && this.#batches.isEmpty) for (const resolve of this.#idle.splice(0)) resolve();
      });
    // more than a message may wait for a partition
    this.#schedule();
  }

  /** Resolves with acknowledgements that are this log's. Rejects with `log_mismatch` where they can't be. */
  async #send(messages: readonly Outgoing[]): Promise<readonly (Acknowledged & { readonly answeredMs: number })[]> {
    const { producing, logId, base, confirm, now } = this.#options;
    // what is acknowledged meanwhile says nothing about these
    const known = [...this.#known];
    const values = messages.map(({ partition, builder }) => ({
      partition,
      value: builder.seal({ logId, partition }, known[partition] ?? 0),
    }));
    const acknowledged = await producing.produce(values);
    const answeredMs = now();
    for (const { partition, offset } of acknowledged) {
      const taken = known[partition] ?? 0;
      if (base + offset < taken)
        throw new LogError(
          'log_mismatch',
          `the brokers put a message at position ${base + offset} of partition ${partition}, and those up to ${taken - 1} were taken: the topic was made again, or has lost what it had acknowledged`,
        );
    }
    await confirm();
    for (const { partition, offset } of acknowledged) this.knows(partition, base + offset + 1);
    return acknowledged.map((each) => ({ ...each, answeredMs }));
  }

  #acknowledge(
    messages: readonly Outgoing[],
    acknowledged: readonly (Acknowledged & { readonly answeredMs: number })[],
    sentMs: number,
  ): void {
    // another flush may have found out meanwhile
    if (this.#down?.code === 'log_mismatch') {
      this.#fail(messages, this.#down);
      return;
    }
    for (const { appendedMs, answeredMs } of acknowledged) this.#clock.observe(sentMs, answeredMs, appendedMs);
    this.counts.messages += messages.length;
    for (const { partition, builder, waiters } of messages) {
      this.counts.samples += builder.samples;
      this.counts.bytes += builder.bytes;
      this.#samples[partition] = (this.#samples[partition] ?? 0) + builder.samples;
      for (const waiter of waiters) waiter.acknowledged();
    }
    if (this.#down === undefined) return;
    this.#down = undefined;
    this.#options.onAvailable?.(true, '');
  }

  #fail(messages: readonly Outgoing[], cause: unknown): void {
    this.counts.failures++;
    const failed = failureOf(cause);
    for (const { waiters } of messages) for (const waiter of waiters) waiter.failed(failed);
    if (cause instanceof MessageTooLarge && messages.some(({ builder }) => builder.samples > 1)) this.#makeSmaller(messages);
    else if (cause instanceof MessageTooLarge) this.#setDown(new LogError('log_unavailable', tooSmall(messages), cause));
    else this.#setDown(failed.code === 'log_failed' ? new LogError('log_unavailable', failed.message, cause) : failed);
  }

  /** The topic's limit was lowered while we ran: messages are smaller from now on, so that the same samples pass when they come again. */
  #makeSmaller(messages: readonly Outgoing[]): void {
    const largest = Math.max(...messages.map(({ builder }) => builder.bytes));
    // whatever the brokers say, the same must not be tried for ever
    this.limitMessages(Math.min(this.#batches.bytesMax, Math.floor(largest / 2)));
    this.#options.messageBytesMax().then(
      (bytes) => {
        if (bytes < largest) this.limitMessages(bytes);
      },
      () => undefined,
    );
  }

  /** What waits for its turn is refused now, not when its deadline comes: nothing of it was sent, or not all. */
  #setDown(reason: LogError): void {
    // what was proved once stays so
    if (this.#down?.code === 'log_mismatch') return;
    if (this.#down === undefined || reason.code === 'log_mismatch') this.#options.onAvailable?.(false, reason.message);
    this.#down = reason;
    const refused = reason.code === 'log_mismatch' ? reason : new LogError('log_failed', reason.message);
    for (const { waiters } of this.#batches.takeAll()) for (const waiter of waiters) waiter.failed(refused);
  }

  /** Settles what was appended, then lets go of the client. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#schedule();
    if (this.#inFlight > 0 || !this.#batches.isEmpty) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#options.producing.close();
  }
}
