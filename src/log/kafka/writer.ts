/**
 * Appending to the Kafka log. Requests of a few milliseconds go out together, one message a partition; an append is done when the brokers have
 * acknowledged every message that holds a part of it. While no broker answers, appends are refused at once, and the ticks that go on every
 * second find out when one does again.
 */
import { LogError } from '../log.ts';
import { Batches, type Outgoing, Waiter } from './batches.ts';
import { ClockOffset } from './clock-offset.ts';

/** A message acknowledged: when by the brokers' clock, and where. */
export interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
}

/** What the writer needs of a Kafka client. Rejects when any of the messages may not be stored. */
export interface Producing {
  produce(messages: readonly { readonly partition: number; readonly value: Buffer }[]): Promise<readonly Acknowledged[]>;
  close(): Promise<void>;
}

export interface KafkaWriterOptions {
  readonly producing: Producing;
  readonly partitions: number;
  readonly now: () => number;
  /** How long requests are collected. */
  readonly lingerMs?: number;
  /** After this an append is answered with `log_failed`: its outcome is unknown. */
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
  #down: string | undefined = 'no broker has acknowledged anything yet';
  #closing = false;
  #idle: (() => void)[] = [];
  /** Since this process began, for its metrics. */
  readonly counts = { samples: 0, messages: 0, bytes: 0, failures: 0 };

  constructor(options: KafkaWriterOptions) {
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#batches = new Batches(options.partitions);
  }

  /** Why appends are refused; undefined while they are taken. */
  get unavailable(): string | undefined {
    return this.#down;
  }

  /** What to add to this process' clock to have the brokers'. */
  get clockOffsetMs(): number {
    return this.#clock.offsetMs ?? 0;
  }

  get pendingBytes(): number {
    return this.#batches.bytes + this.#flightBytes;
  }

  /**
   * Appends an agent's samples; resolves once every one is acknowledged by the brokers in charge. The frames are copied before this returns. Rejects
   * with a LogError: `log_failed` (outcome unknown), or `log_unavailable`, `log_busy`, `log_closed` (nothing was written).
   */
  appendSamples(agent: string, frames: Uint8Array): Promise<void> {
    if (this.#down !== undefined) return Promise.reject(new LogError('log_unavailable', this.#down));
    return this.#append(frames.byteLength, (waiter) => {
      this.#batches.addFrames(agent, frames, waiter);
    });
  }

  /** Appends a record to every partition; also while no broker answers, to find out when one does. */
  appendToAll(recordOf: (partition: number) => Uint8Array): Promise<void> {
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
    add(waiter);
    waiter.close();
    const timer = setTimeout(() => {
      const reason = `no acknowledgement within ${this.#deadlineMs} ms`;
      waiter.failed(new LogError('log_failed', reason));
      this.#setDown(reason);
    }, this.#deadlineMs);
    this.#schedule();
    return waiter.done.finally(() => {
      clearTimeout(timer);
    });
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
    const { now, producing } = this.#options;
    const sentMs = now();
    producing
      .produce(messages.map(({ partition, builder }) => ({ partition, value: builder.seal() })))
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

  #acknowledge(messages: readonly Outgoing[], acknowledged: readonly Acknowledged[], sentMs: number): void {
    const answeredMs = this.#options.now();
    for (const { appendedMs } of acknowledged) this.#clock.observe(sentMs, answeredMs, appendedMs);
    this.counts.messages += messages.length;
    for (const { builder, waiters } of messages) {
      this.counts.samples += builder.samples;
      this.counts.bytes += builder.bytes;
      for (const waiter of waiters) waiter.acknowledged();
    }
    if (this.#down === undefined) return;
    this.#down = undefined;
    this.#options.onAvailable?.(true, '');
  }

  #fail(messages: readonly Outgoing[], cause: unknown): void {
    this.counts.failures++;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const failed = new LogError('log_failed', `the brokers did not acknowledge: ${reason}`, cause);
    for (const { waiters } of messages) for (const waiter of waiters) waiter.failed(failed);
    this.#setDown(`the brokers do not answer: ${reason}`);
  }

  /** What waits for its turn is refused now, not when its deadline comes: nothing of it was sent, or not all. */
  #setDown(reason: string): void {
    if (this.#down === undefined) this.#options.onAvailable?.(false, reason);
    this.#down = reason;
    const refused = new LogError('log_failed', reason);
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
