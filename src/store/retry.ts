/**
 * Patience with a store that is away: the same call again, with exponential backoff and full jitter, as long as the caller wants to wait.
 * Every call that goes through here must be harmless when it is carried out twice: an attempt whose answer was lost may have happened.
 */
import { setMaxListeners } from 'node:events';
import { afterOwnTime } from '../process/patience.ts';
import { transportErrorOf } from './errors.ts';
import { StoreError } from './store.ts';

/** The store does not answer as it should; `sinceMs` is when it began, by the caller's clock. */
export interface Outage {
  readonly sinceMs: number;
  readonly error: StoreError;
}

export interface RetryOptions {
  /** For how long a call is tried again; left out: as long as it takes. */
  readonly patienceMs?: number | undefined;
  /** How long one attempt may take; after a timeout the next may take twice as long, up to the maximum: a big insert into a slow server must end some day. */
  readonly attemptMs: number;
  readonly attemptMsMax: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  readonly now: () => number;
  readonly random: () => number;
  /** Told when an outage begins, at every failure while it lasts, and with undefined when a call has succeeded again. */
  readonly onOutage?: ((outage: Outage | undefined) => void) | undefined;
}

/** Carries out calls of one store. */
export class Retrier {
  readonly #options: RetryOptions;
  readonly #closing = new AbortController();
  #outage: Outage | undefined;

  constructor(options: RetryOptions) {
    this.#options = options;
    // every call under way listens
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Runs an attempt until it succeeds, fails for good, or patience is at an end: then the last error is thrown. `attempt` must
   * give up when its signal fires.
   */
  async run<T>(what: string, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { patienceMs, backoffMs, backoffMsMax, random } = this.#options;
    const endMs = patienceMs === undefined ? Infinity : performance.now() + patienceMs;
    let attemptMs = this.#options.attemptMs;
    for (let tries = 0; ; tries += 1) {
      const leftMs = endMs - performance.now();
      try {
        const value = await this.#once(what, attempt, Math.min(attemptMs, Math.max(leftMs, 1)));
        this.#recovered();
        return value;
      } catch (error) {
        const failure = transportErrorOf(error, what);
        if (!failure.retryable) throw failure;
        this.#failed(failure);
        if (failure.code === TIMEOUT) attemptMs = Math.min(2 * attemptMs, this.#options.attemptMsMax);
        const waitMs = random() * Math.min(backoffMs * 2 ** Math.min(tries, 30), backoffMsMax);
        if (performance.now() + waitMs >= endMs) throw failure;
        await this.#pause(waitMs);
      }
    }
  }

  /** Ends the calls that are waiting for the store. */
  close(): void {
    this.#closing.abort();
  }

  async #once<T>(what: string, attempt: (signal: AbortSignal) => Promise<T>, ms: number): Promise<T> {
    if (this.#closing.signal.aborted) throw closed();
    const own = new AbortController();
    let giveUp: (error: StoreError) => void = () => undefined;
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = (error) => {
        // first, so that it wins over what the abort makes of the attempt
        reject(error);
        own.abort();
      };
    });
    const onClose = (): void => {
      giveUp(closed());
    };
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    const cancel = afterOwnTime(ms, () => {
      giveUp(new StoreError(TIMEOUT, `${what}: no answer within ${Math.round(ms)} ms`, true));
    });
    try {
      return await Promise.race([givenUp, attempt(own.signal)]);
    } finally {
      cancel();
      this.#closing.signal.removeEventListener('abort', onClose);
    }
  }

  #failed(error: StoreError): void {
    this.#outage = { sinceMs: this.#outage?.sinceMs ?? this.#options.now(), error };
    this.#options.onOutage?.(this.#outage);
  }

  #recovered(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#options.onOutage?.(undefined);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = this.#closing;
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(closed());
        else resolve();
      }
      if (signal.aborted) done();
      else signal.addEventListener('abort', done, { once: true });
    });
  }
}

const TIMEOUT = 'no_answer';

function closed(): StoreError {
  return new StoreError('store_closed', 'the store was closed before it answered', false);
}
