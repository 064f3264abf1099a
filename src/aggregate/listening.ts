/**
 * Whether the aggregator's thread waits for the log to grow. Nearly always it is at work or pauses between steps and looks at the log by itself: a
 * message for each flush would cost the main thread more than the flush.
 */
export class Listening {
  readonly shared: SharedArrayBuffer;
  readonly #flag: Int32Array;

  /** @param shared the other thread's */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.shared = shared;
    this.#flag = new Int32Array(shared);
  }

  /**
   * The thread has found nothing to do. True when it had said so before and nobody has taken notice since: then it may wait. Else it looks
   * once more, for what came before it said so has been told to nobody.
   */
  begin(): boolean {
    return Atomics.exchange(this.#flag, 0, 1) === 1;
  }

  /** There is something to do. True when the thread must be told. */
  take(): boolean {
    return Atomics.exchange(this.#flag, 0, 0) === 1;
  }
}
