import { type Chain, chainOf, checkText, type LogMark } from './check.ts';
import { AppendGroup, RECORD_BYTES_MAX, SegmentBuffers } from './commit-group.ts';
import { type Identity, identityRecord } from './identity.ts';
import type { WriteTable } from './lmdb.ts';
import { LogError, type LogWriter } from './log.ts';
import type { Head } from './marks.ts';
import type { After, FaultPoint, WriterFaults, WriterLimits, WriterSurroundings } from './surroundings.ts';
import { markIn } from './table-mark.ts';
import { Trimmer } from './trim.ts';

/** Every so many appended bytes the pages in use are counted. */
const KEPT_BYTES_CHECK_EVERY = 16 * 2 ** 20;

/**
 * Group commit over LMDB. Appends of any number of callers collect in one group while the group before is on its way to
 * the disk; there is one transaction at a time, so a failed one can never be followed by a later one that is stored.
 */
export class EmbeddedWriter implements LogWriter {
  readonly #table: WriteTable;
  readonly #limits: WriterLimits;
  readonly #onFatal: (error: LogError) => void;
  readonly #after: After;
  readonly #stillOurs: () => void;
  readonly #faults: WriterFaults | undefined;
  readonly #buffers = new SegmentBuffers();
  #nextSeq: number;
  /** The head as it is on the disk. */
  #durable: Head;
  /** Samples of all appends so far, durable or not, and the chain over their records. */
  #samplesQueued: bigint;
  readonly #chain: Chain;
  #logId: string;
  #idSeq: number;
  #collecting: AppendGroup | null = null;
  #flushing: AppendGroup | null = null;
  #flushScheduled = false;
  #pendingBytes = 0;
  #bytesUntilCheck = 0;
  #full = false;
  #closing: Promise<void> | null = null;
  #failure: LogError | null = null;
  #idle: (() => void)[] = [];
  readonly #trimmer: Trimmer;
  #trims: Promise<void> = Promise.resolve();

  constructor(table: WriteTable, limits: WriterLimits, { onFatal, after, stillOurs }: WriterSurroundings, faults?: WriterFaults) {
    this.#table = table;
    this.#limits = limits;
    this.#onFatal = onFatal;
    this.#after = after;
    this.#stillOurs = stillOurs;
    this.#faults = faults;
    const head = table.head();
    this.#nextSeq = head.nextSeq;
    this.#durable = head;
    this.#samplesQueued = head.samplesAppended;
    this.#chain = chainOf(head.check);
    this.#logId = head.logId;
    this.#idSeq = head.idSeq;
    this.#trimmer = new Trimmer(table, limits, { after, stillOurs, faults });
    this.#full = table.bytesInUse() > limits.keptBytesMax;
  }

  get headSeq(): number {
    return this.#nextSeq;
  }

  get samplesAppended(): bigint {
    return this.#durable.samplesAppended;
  }

  /** '' until the log was given one. */
  get logId(): string {
    return this.#durable.logId;
  }

  /** Gives the log its id, by its next record: the first, unless it is of the version before. Nothing else is appended meanwhile. */
  async identify(identity: Identity): Promise<void> {
    if (this.#logId !== '' || this.#nextSeq !== this.#durable.nextSeq) throw new Error('this log has an id, or is in use');
    this.#logId = identity.logId;
    this.#idSeq = this.#nextSeq;
    await this.append(identityRecord(identity), 0);
  }

  /**
   * Has the records of an empty log begin at a sequence number, and its count of samples at a number: it takes the place of a log whose
   * positions are spoken for. Answers what it says of itself before its first record.
   */
  async beginAt(seq: number, samples: bigint): Promise<LogMark> {
    if (this.#nextSeq !== 0 || this.#trimmer.beforeSeq !== 0) throw new Error('only an empty log can begin elsewhere');
    const mark: LogMark = { check: checkText(this.#chain), samples };
    const head = { ...this.#durable, nextSeq: seq, samplesAppended: samples };
    await this.#table.begin(head, { beforeSeq: seq, mark });
    this.#durable = head;
    this.#nextSeq = seq;
    this.#samplesQueued = samples;
    this.#trimmer.beforeSeq = seq;
    return mark;
  }

  append(payload: Uint8Array, sampleCount: number): Promise<number> {
    if (payload.byteLength > RECORD_BYTES_MAX) {
      return Promise.reject(new RangeError(`a log record has at most ${RECORD_BYTES_MAX} bytes, not ${payload.byteLength}`));
    }
    if (this.#faults !== undefined) return this.#appendWithFaults(new Uint8Array(payload), sampleCount);
    return this.#enqueue(payload, sampleCount);
  }

  async #appendWithFaults(payload: Uint8Array, sampleCount: number): Promise<number> {
    // Only a hook that answers with a promise makes the append wait: otherwise the order is that of the calls.
    const stopped = this.#faults?.at('before-append');
    if (stopped !== undefined) await stopped;
    const appended = this.#enqueue(payload, sampleCount);
    const stoppedAfter = this.#faults?.at('after-append');
    if (stoppedAfter !== undefined) await stoppedAfter;
    return appended;
  }

  #enqueue(payload: Uint8Array, sampleCount: number): Promise<number> {
    const refusal = this.#refusal(payload.byteLength);
    if (refusal !== null) return Promise.reject(refusal);
    const group = (this.#collecting ??= this.#openGroup());
    const appended = group.add(payload, sampleCount);
    this.#nextSeq++;
    this.#samplesQueued += BigInt(sampleCount);
    this.#pendingBytes += payload.byteLength;
    this.#scheduleFlush();
    return appended;
  }

  #refusal(payloadBytes: number): LogError | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#closing !== null) return new LogError('log_closed', 'the log is closed');
    if (this.#full)
      return new LogError('log_full', `the log keeps more than ${this.#limits.keptBytesMax} bytes and waits for a trim`);
    // One record always passes, however small the limit.
    if (this.#pendingBytes > 0 && this.#pendingBytes + payloadBytes > this.#limits.pendingBytesMax) {
      return new LogError('log_busy', `${this.#pendingBytes} bytes are waiting for the log's disk`);
    }
    return null;
  }

  #openGroup(): AppendGroup {
    const group = new AppendGroup(this.#nextSeq, this.#samplesQueued, this.#chain, this.#buffers);
    // The group's first append is its oldest, so one timer holds for all of them.
    group.cancelDeadline = this.#after(this.#limits.appendDeadlineMs, () => {
      // A main thread that was held up runs its timers before it hears of finished writes: let it hear first.
      setImmediate(() => {
        if (!group.settled) this.#fail(`an append took longer than ${this.#limits.appendDeadlineMs} ms`);
      });
    });
    return group;
  }

  #scheduleFlush(): void {
    if (this.#flushing !== null || this.#flushScheduled) return;
    // At the end of this turn of the event loop: requests that came in together are committed together.
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flushNext();
    });
  }

  #flushNext(): void {
    const group = this.#collecting;
    if (group === null || this.#flushing !== null || this.#failure !== null) return;
    this.#collecting = null;
    this.#flushing = group;
    this.#flush(group).then(
      () => {
        this.#acknowledge(group);
      },
      (error: unknown) => {
        this.#fail('a write to the log failed', error);
      },
    );
  }

  async #flush(group: AppendGroup): Promise<void> {
    if (this.#faults !== undefined) await this.#faults.at('before-flush');
    this.#stillOurs();
    this.#checkFile();
    const segments = group.seal();
    const head = this.#headAfter(group);
    const committed = this.#table.commit(segments, head);
    if (this.#faults !== undefined) {
      const outcomes = await Promise.allSettled([committed, this.#atFault('during-flush')]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      await this.#faults.at('after-flush');
    } else {
      await committed;
    }
    // What another owner may not have seen is not answered for.
    this.#stillOurs();
  }

  #headAfter(group: AppendGroup): Head {
    return {
      nextSeq: group.endSeq,
      samplesAppended: this.#durable.samplesAppended + BigInt(group.samples),
      check: group.check,
      logId: this.#logId,
      idSeq: this.#idSeq,
    };
  }

  /** The file must be the one that was opened, and its head what was written last: who puts another in its place is found out here. */
  #checkFile(): void {
    this.#table.checkFile();
    const { nextSeq, check, logId } = this.#table.head();
    const written = this.#durable;
    if (nextSeq === written.nextSeq && check === written.check && logId === written.logId) return;
    throw new LogError(
      'log_replaced',
      `the log ends at record ${nextSeq} and this server has written it up to record ${written.nextSeq}: its file was overwritten while the server runs`,
    );
  }

  #acknowledge(group: AppendGroup): void {
    // A commit that comes in after the deadline changes nothing: its callers were told that the outcome is unknown.
    if (this.#failure !== null) return;
    try {
      // a file that was taken away holds nothing for anybody: what was written to it is not answered
      this.#table.checkFile();
    } catch (error) {
      this.#fail('the log is not where it was', error);
      return;
    }
    this.#durable = this.#headAfter(group);
    this.#pendingBytes -= group.bytes;
    this.#flushing = null;
    try {
      this.#checkKeptBytes(group.bytes);
    } catch (error) {
      this.#fail('the log cannot be measured', error);
    }
    // The disk gets the next group before the callers of this one run.
    this.#flushNext();
    group.resolve();
    this.#buffers.giveBack(group);
    this.#settleIdle();
  }

  #checkKeptBytes(appendedBytes: number): void {
    this.#bytesUntilCheck -= appendedBytes;
    if (this.#bytesUntilCheck > 0) return;
    this.#bytesUntilCheck = Math.min(KEPT_BYTES_CHECK_EVERY, this.#limits.keptBytesMax / 8);
    this.#full = this.#table.bytesInUse() > this.#limits.keptBytesMax;
  }

  #fail(message: string, cause?: unknown): LogError {
    if (this.#failure !== null) return this.#failure;
    const failure =
      cause instanceof LogError
        ? cause
        : new LogError('log_failed', cause instanceof Error ? `${message}: ${cause.message}` : message, cause);
    this.#failure = failure;
    for (const group of [this.#flushing, this.#collecting]) group?.reject(failure);
    this.#flushing = null;
    this.#collecting = null;
    this.#settleIdle();
    this.#onFatal(failure);
    return failure;
  }

  trim(beforeSeq: number): Promise<void> {
    const trimmed = this.#trims.then(() => this.#trim(beforeSeq));
    this.#trims = trimmed.catch(() => undefined);
    return trimmed;
  }

  async #trim(beforeSeq: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) throw new LogError('log_closed', 'the log is closed');
    if (beforeSeq > this.#durable.nextSeq)
      throw new RangeError(`the log ends at ${this.#durable.nextSeq}, it can't be trimmed up to ${beforeSeq}`);
    // a damaged segment is the reader's to tell: what is appended is not touched by it, and the log is kept as it is
    const mark = markIn(this.#table, beforeSeq - 1);
    try {
      await this.#trimmer.trim(beforeSeq, mark, () => this.#durable.nextSeq);
      this.#full = this.#table.bytesInUse() > this.#limits.keptBytesMax;
      await this.#atFault('after-trim');
    } catch (error) {
      throw this.#fail('a trim of the log failed', error);
    }
  }

  async #atFault(point: FaultPoint): Promise<void> {
    await this.#faults?.at(point);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    while (this.#flushing !== null || this.#collecting !== null) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    await this.#trims;
    // After a failure LMDB may never settle its writes; the process is about to end anyway.
    if (this.#failure === null) await this.#table.close();
  }

  #settleIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
