import { formatInstant } from '../../domain/instant.ts';
import type { Faults } from '../../process/faults.ts';
import { Waker } from '../../process/waker.ts';
import type { Outbox } from '../record/outbox.ts';
import { isOn, type SubscriptionBody } from '../subscriptions/subscription.ts';
import type { Channels, Outcome } from './channel.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import { DISABLE_AFTER_MS, nextAttemptMs } from './schedule.ts';

export interface CourierParts {
  readonly outbox: Pick<Outbox, 'byIds'>;
  readonly deliveries: Deliveries;
  readonly channels: Channels;
  /** The subscription as it is now; undefined: there is none any more. */
  readonly bodyOf: (subscription: string) => SubscriptionBody | undefined;
  /** When somebody said last what it is. */
  readonly changedAtMs: (subscription: string) => number;
  /** Ends deliveries to a subscription, on record. */
  readonly disable: (subscription: string, why: string) => Promise<void>;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly chance: () => number;
  /** Runs some at a time only. */
  readonly within: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onError: (error: unknown) => void;
  readonly faults: Faults;
  /** The pauses after attempts that failed; left out: those of the schedule. */
  readonly pausesMs?: readonly number[] | undefined;
}

/** Deliveries held in memory at once. */
const QUEUE_MAX = 200;
const ERROR_PAUSE_MS = 2_000;
/** Longer pauses of timers are cut: then it is looked again. */
const WAIT_MS_MAX = 3_600_000;

/**
 * Delivers to one subscription, one after another in the order of notices. While the receiver is gone all wait behind the first; what it refuses by itself is
 * tried again by its own schedule, and the others go on. What was sent and not put on record before a crash is sent again, with the same id.
 */
export class Courier {
  readonly #subscription: string;
  readonly #parts: CourierParts;
  readonly #waker = new Waker();
  #closing = false;
  #queue: Delivery[] = [];
  #isStale = true;
  #nextMs: number | null = null;
  /** Nothing is tried before this. */
  #downUntilMs = 0;
  #failingFromMs: number | undefined;
  readonly #ended: Promise<void>;

  constructor(subscription: string, parts: CourierParts) {
    this.#subscription = subscription;
    this.#parts = parts;
    this.#ended = this.#run();
  }

  /** There may be more to deliver, or the subscription is another. */
  wake(): void {
    this.#isStale = true;
    this.#waker.wake();
  }

  /** Ends after the attempt that is under way. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#waker.stop();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      try {
        const untilMs = await this.#turn();
        if (untilMs > this.#parts.now()) await this.#waker.wait(Math.min(untilMs - this.#parts.now(), WAIT_MS_MAX));
      } catch (error) {
        this.#parts.onError(error);
        this.#isStale = true;
        await this.#waker.pause(ERROR_PAUSE_MS);
      }
    }
  }

  /** Makes an attempt if one is due; until when there is nothing to do. */
  async #turn(): Promise<number> {
    const { bodyOf, now } = this.#parts;
    const body = bodyOf(this.#subscription);
    if (body === undefined || !isOn(body)) return Infinity;
    await this.#load();
    const [first] = this.#queue;
    if (first === undefined) return this.#nextMs ?? Infinity;
    const opensMs = Math.max(this.#downUntilMs, this.#opensAtMs(body, first));
    if (opensMs > now()) return Math.min(opensMs, this.#nextMs ?? Infinity);
    const some = this.#queue.slice(0, this.#togetherMax(body));
    await this.#attempt(body, some);
    this.#queue = this.#queue.slice(some.length);
    return 0;
  }

  async #load(): Promise<void> {
    const { deliveries, now } = this.#parts;
    const isDue = this.#nextMs !== null && this.#nextMs <= now();
    if (!this.#isStale && !isDue && this.#queue.length > 0) return;
    if (!this.#isStale && !isDue && this.#nextMs === null && this.#queue.length === 0 && this.#downUntilMs === 0) return;
    this.#isStale = false;
    this.#failingFromMs ??= await deliveries.failingFrom(this.#subscription);
    const { due, nextMs } = await deliveries.open(this.#subscription, now(), QUEUE_MAX);
    // A full queue has more behind it.
    if (due.length === QUEUE_MAX) this.#isStale = true;
    this.#queue = [...due];
    this.#nextMs = nextMs;
    this.#downUntilMs = Math.max(0, ...due.filter(({ holds }) => holds).map(({ nextAtMs }) => nextAtMs));
  }

  async #attempt(body: SubscriptionBody, some: readonly Delivery[]): Promise<void> {
    const { outbox, deliveries, now, chance, within, disable, faults, pausesMs } = this.#parts;
    const notices = await outbox.byIds([...new Set(some.map(({ notice }) => notice))]);
    const known = new Set(notices.map(({ id }) => id));
    const gone = some.filter(({ notice }) => !known.has(notice));
    if (gone.length > 0) {
      const why = 'the notice is not on record any more';
      await deliveries.write(gone.map((each) => ({ ...each, version: each.version + 1, state: 'dropped', why })));
    }
    if (notices.length === 0) return;
    faults.at('before-post');
    const startedMs = now();
    const outcome = await within(() => this.#send(body, notices, startedMs));
    faults.at('after-post');
    const endedMs = now();
    const isThrough = outcome.is === 'delivered';
    this.#failingFromMs = isThrough ? 0 : this.#failingFromMs === 0 ? startedMs : (this.#failingFromMs ?? startedMs);
    const luck = chance();
    const rows = some
      .filter(({ notice }) => known.has(notice))
      .map((each): Delivery => {
        const attempts = each.attempts + 1;
        const next = isThrough ? undefined : nextAttemptMs(attempts, endedMs, outcome.retryAfterMs, luck, pausesMs);
        const holds = outcome.is === 'unreachable' && next !== undefined;
        return {
          ...each,
          ...{ version: each.version + 1, attempts, atMs: startedMs, nextAtMs: next ?? 0, holds },
          ...{ failingFromMs: this.#failingFromMs ?? 0, status: outcome.status, tookMs: endedMs - startedMs, why: outcome.why },
          state: isThrough ? 'delivered' : next === undefined ? 'given_up' : 'failing',
        };
      });
    await deliveries.write(rows);
    faults.at('after-delivered');
    if (isThrough) {
      this.#downUntilMs = 0;
      return;
    }
    this.#isStale = true;
    // Who changed the subscription since has it begin anew.
    const sinceMs = Math.max(this.#failingFromMs, this.#parts.changedAtMs(this.#subscription));
    if (outcome.is === 'gone') await disable(this.#subscription, `the receiver answered ${outcome.status}: it is gone`);
    else if (endedMs - sinceMs >= DISABLE_AFTER_MS) {
      await disable(this.#subscription, `nothing got through since ${formatInstant(sinceMs)}; the last time: ${outcome.why}`);
    }
  }

  #send(body: SubscriptionBody, notices: Parameters<Channels['webhook']['send']>[1], nowMs: number): Promise<Outcome> {
    const { channels } = this.#parts;
    if (body.channel === 'webhook') return channels.webhook.send(body, notices, nowMs);
    if (channels.mail !== undefined) return channels.mail.send(body, notices, nowMs);
    return Promise.resolve({
      is: 'unreachable',
      status: 0,
      why: 'UPTALLY_SMTP_URL is not set: there is no server for mail',
      retryAfterMs: null,
    });
  }

  #togetherMax(body: SubscriptionBody): number {
    const { channels } = this.#parts;
    return body.channel === 'webhook' ? channels.webhook.togetherMax(body) : (channels.mail?.togetherMax(body) ?? 1);
  }

  #opensAtMs(body: SubscriptionBody, { state, atMs, nextAtMs }: Delivery): number {
    const { channels, now } = this.#parts;
    const askedMs = state === 'failing' ? nextAtMs : atMs;
    const own =
      body.channel === 'webhook'
        ? channels.webhook.opensAtMs(body, askedMs, now())
        : channels.mail?.opensAtMs(body, askedMs, now());
    return Math.max(own ?? now(), state === 'failing' ? nextAtMs : 0);
  }
}
