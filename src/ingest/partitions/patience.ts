import { ProblemError } from '../../problems/problem.ts';
import { afterOwnTime } from '../../process/patience.ts';

/** How long one request waits for what has to be known about its names. */
export class RequestPatience {
  readonly #over = new AbortController();
  readonly #cancel: () => void;

  constructor(ms: number) {
    this.#cancel = afterOwnTime(ms, () => {
      this.#over.abort();
    });
  }

  /** Aborted when it has run out. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  end(): void {
    this.#cancel();
  }

  /** Throws `store_unavailable` when it has run out. */
  check(): void {
    if (this.over.aborted) throw outOfPatience();
  }

  /** Waits for something, not longer than patience lasts. Throws `store_unavailable`. */
  async within<T>(work: Promise<T>): Promise<T> {
    this.check();
    let stop: () => void = () => undefined;
    const given = new Promise<never>((_, reject) => {
      stop = () => {
        reject(outOfPatience());
      };
      this.over.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work, given]);
    } finally {
      this.over.removeEventListener('abort', stop);
    }
  }
}

function outOfPatience(): ProblemError {
  return new ProblemError(
    'store_unavailable',
    'the samples were not taken: they name VMs or interfaces that may be new, and whether there is room for them could not be told in time, ' +
      'since ClickHouse does not answer or the aggregators have not come to what was let in before. Keep them, and send the same again later',
  );
}
