import type { Notice } from '../record/notice.ts';
import type { SubscriptionBody } from '../subscriptions/subscription.ts';

/** What became of an attempt. */
export interface Outcome {
  /**
   * `refused`: the receiver is there and does not take this one; others are tried. `unreachable`: nothing is taken at the moment; all wait. `gone`: it wants
   * nothing any more.
   */
  readonly is: 'delivered' | 'refused' | 'unreachable' | 'gone';
  /** The receiver's status; 0: none. */
  readonly status: number;
  readonly why: string;
  readonly retryAfterMs: number | null;
}

/** A way to tell somebody something. */
export interface Channel<T extends SubscriptionBody = SubscriptionBody> {
  /** How many notices may go together. */
  togetherMax(body: T): number;
  /** From when on something that was to be sent at an instant may be. */
  opensAtMs(body: T, askedAtMs: number, nowMs: number): number;
  /** Sends them once. Nothing is thrown for what a receiver does. */
  send(body: T, notices: readonly Notice[], nowMs: number): Promise<Outcome>;
}

export interface Channels {
  readonly webhook: Channel<Extract<SubscriptionBody, { channel: 'webhook' }>>;
  /** Undefined: there is no server for mail. */
  readonly mail: Channel<Extract<SubscriptionBody, { channel: 'mail' }>> | undefined;
}
