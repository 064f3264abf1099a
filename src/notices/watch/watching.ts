import { keepPosition, readPosition } from '../../journal/positions.ts';
import { DAY_MS } from '../../domain/zone.ts';
import type { Office } from '../delivery/office.ts';
import { moneyWatch } from './money.ts';
import { outageWatch } from './outages.ts';
import { silenceWatch } from './silences.ts';
import { termsWatch } from './terms.ts';
import { trafficWatch } from './traffic.ts';
import type { Look, Watch } from './watch.ts';

/** All that comes true with time. */
export const WATCHES: readonly Watch[] = [moneyWatch, outageWatch, silenceWatch, trafficWatch, termsWatch];

/** Under which it is kept since when there are notices. */
const SINCE = 'notices-since';
/** Before this no clock of a server is: an event clock that has not begun. */
const FIRST_MS = 366 * DAY_MS;

export interface WatchingOptions extends Pick<Look, 'context' | 'outageMs'> {
  readonly office: Pick<Office, 'tell' | 'outbox'>;
  readonly watches?: readonly Watch[];
  /** A clock that only goes forward. */
  readonly monotonicMs?: () => number;
  /** How often at most; left out: as each watch says. */
  readonly everyMs?: number | undefined;
}

/** Looks for what came true with time, and has it told. */
export class Watching {
  readonly #options: WatchingOptions;
  readonly #lookedMs = new Map<string, number>();
  #sinceMs: number | undefined;
  #closing = false;

  constructor(options: WatchingOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closing = true;
  }

  /** Looks at all that is due to be looked at; `isAll`: at everything. Throws StoreError. */
  async tick(isAll = false): Promise<void> {
    const { context, office, outageMs, watches = WATCHES, monotonicMs = () => performance.now(), everyMs } = this.#options;
    const nowMs = context.businessNow();
    if (nowMs < FIRST_MS) return;
    this.#sinceMs ??= await this.#since(nowMs);
    for (const watch of watches) {
      const beganMs = monotonicMs();
      const every = Math.min(watch.everyMs, everyMs ?? Infinity);
      if (!isAll && beganMs - (this.#lookedMs.get(watch.name) ?? -Infinity) < every) continue;
      for await (const found of watch.look({ context, nowMs, sinceMs: this.#sinceMs, outageMs })) {
        if (this.#closing) return;
        await office.tell(office.outbox.unknown(found));
      }
      this.#lookedMs.set(watch.name, monotonicMs());
    }
  }

  /** What was before notices were there is not told of. */
  async #since(nowMs: number): Promise<number> {
    const { store } = this.#options.context;
    const kept = await readPosition(store, SINCE);
    if (kept !== undefined) return Number(kept.seq);
    await keepPosition(store, SINCE, { seq: BigInt(nowMs), term: 0n }, nowMs);
    return nowMs;
  }
}
