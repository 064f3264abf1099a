/** A worker's end of the channel to the main process: keys are asked for, batches handed over, and answers find who waits for them. */
import type { Key } from '../../http/keys.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Asked } from '../../sources/replicas/candidate.ts';
import type { ToldGroup } from '../../sources/replicas/replicas.ts';
import type { JudgedBatch } from '../door.ts';
import { type FromWorker, Outbox, problemFrom, type ToWorker } from './messages.ts';

/** Bytes of records that a worker may have handed over and not heard of; the one that goes beyond is the last. */
export const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;
/** Keys that a worker may be asking about at once: strangers' too. */
export const QUESTIONS_MAX = 1000;

interface Waiting<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: Error) => void;
}

export class MainLink {
  readonly #outbox: Outbox<FromWorker>;
  /** Keys in force, by what was presented, from the main process' word until it says that keys have changed. */
  readonly #keys = new Map<string, Key>();
  readonly #questions = new Map<number, Waiting<undefined> & { presented: string }>();
  readonly #batches = new Map<number, Waiting<undefined> & { bytes: number }>();
  readonly #elections = new Map<number, Waiting<readonly ToldGroup[]>>();
  #inFlightBytes = 0;
  #lastId = 0;

  constructor(send: (items: readonly FromWorker[]) => void) {
    this.#outbox = new Outbox(send);
  }

  say(item: FromWorker): void {
    this.#outbox.say(item);
  }

  /** Sends at once what was said in this turn. */
  flush(): void {
    this.#outbox.flush();
  }

  /** The key that a client presented, if it is known here. */
  findKey(presented: string): Key | undefined {
    return this.#keys.get(presented);
  }

  /** Asks the main process for a key; `findKey` has it then if it is in force. Throws `too_many_requests`. */
  async askKey(presented: string): Promise<void> {
    if (this.#questions.size >= QUESTIONS_MAX) {
      throw new ProblemError('too_many_requests', 'too many keys are being looked up at once');
    }
    const id = ++this.#lastId;
    await new Promise<undefined>((resolve, reject) => {
      this.#questions.set(id, { presented, resolve, reject });
      this.say({ type: 'key', id, presented });
    });
  }

  /** Throws `too_many_requests` while the main process does not keep up. */
  refuseWhenFull(): void {
    if (this.#inFlightBytes <= IN_FLIGHT_BYTES_MAX) return;
    throw new ProblemError('too_many_requests', 'too many samples are on their way to the log; these were not taken');
  }

  /** Hands a batch over. Resolves when it is durable; throws the problem that its sender is to be told. */
  async store(keyId: string, batch: JudgedBatch): Promise<void> {
    const id = ++this.#lastId;
    const bytes = batch.record?.length ?? 0;
    this.#inFlightBytes += bytes;
    await new Promise<undefined>((resolve, reject) => {
      this.#batches.set(id, { bytes, resolve, reject });
      this.say({ type: 'batch', id, keyId, batch });
    });
  }

  /** Has the main process decide which replicas are heard; throws the problem that their senders are to be told. */
  async elect(asked: readonly Asked[]): Promise<readonly ToldGroup[]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#elections.set(id, { resolve, reject });
      this.say({ type: 'elect', id, asked });
    });
  }

  /** Takes in an answer; what is no answer is left to the caller. */
  hear(item: ToWorker): void {
    switch (item.type) {
      case 'key': {
        const waiting = this.#questions.get(item.id);
        if (waiting === undefined) return;
        this.#questions.delete(item.id);
        if (item.key !== null) this.#keys.set(waiting.presented, item.key);
        waiting.resolve(undefined);
        return;
      }
      case 'stored': {
        const waiting = this.#batches.get(item.id);
        if (waiting === undefined) return;
        this.#batches.delete(item.id);
        this.#inFlightBytes -= waiting.bytes;
        if (item.problem === null) waiting.resolve(undefined);
        else waiting.reject(problemFrom(item.problem));
        return;
      }
      case 'elected': {
        const waiting = this.#elections.get(item.id);
        this.#elections.delete(item.id);
        if (item.problem === null) waiting?.resolve(item.told);
        else waiting?.reject(problemFrom(item.problem));
        return;
      }
      case 'forget':
        this.#keys.clear();
        return;
      case 'setup':
      case 'sources':
      case 'close':
        return;
    }
  }
}
