import type { ApiClient, PostOutcome, Receipt } from '../client/wire/client.ts';
import { postRelayed } from './relay-delivery.ts';
import { isRelayed } from './relayed.ts';
import { halvesOf, type Part } from './split.ts';

/** Posts batches, in parts where something on the way takes less at once; what it once learned of that, it keeps to. */
export class Delivery {
  readonly #client: ApiClient;
  readonly #signal: AbortSignal | undefined;
  /** Parts of more samples are halved before they go. Bytes would say less: how well a body shrinks hangs on its size. */
  #samplesMax = Number.POSITIVE_INFINITY;

  constructor(client: ApiClient, signal?: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /**
   * The verdict on the whole. When one part has to wait, all of it goes again later: that is harmless. When one part is refused for good, the
   * others still go, and its samples count as rejected.
   */
  async post(part: Part): Promise<PostOutcome> {
    if (isRelayed(part.body)) return await postRelayed(this.#client, part.body, this.#signal);
    if (part.samples <= this.#samplesMax) {
      const outcome = await this.#client.postSamples(part.body, {
        gzip: true,
        ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      });
      if (outcome.kind !== 'refused' || outcome.because !== 'too_large') return outcome;
      const halves = await halvesOf(part.body);
      if (halves === null) return outcome;
      this.#samplesMax = Math.ceil(part.samples / 2);
      return await this.#postBoth(halves);
    }
    const halves = await halvesOf(part.body);
    if (halves !== null) return await this.#postBoth(halves);
    // A single sample is more than was taken before: it goes as it is, and the answer counts.
    return await this.#client.postSamples(part.body, {
      gzip: true,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
  }

  async #postBoth(halves: readonly [Part, Part]): Promise<PostOutcome> {
    let sum: Receipt | null = null;
    let refused: PostOutcome | null = null;
    for (const half of halves) {
      const outcome = await this.post(half);
      if (outcome.kind === 'accepted') sum = added(sum, outcome.receipt);
      else if (outcome.kind === 'refused' && outcome.because === 'final') {
        refused = outcome;
        sum = added(sum, { accepted: 0, rejected: half.samples, errors: outcome.receipt?.errors ?? [] });
      } else return outcome;
    }
    if (sum !== null && sum.accepted > 0) return { kind: 'accepted', receipt: sum };
    return refused ?? { kind: 'accepted', receipt: sum ?? { accepted: 0, rejected: 0, errors: [] } };
  }
}

function added(a: Receipt | null, b: Receipt): Receipt {
  if (a === null) return b;
  return { accepted: a.accepted + b.accepted, rejected: a.rejected + b.rejected, errors: [...a.errors, ...b.errors] };
}
