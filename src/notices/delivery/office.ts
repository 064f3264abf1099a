import type { Entry } from '../../journal/entry.ts';
import { type Faults, NO_FAULTS } from '../../process/faults.ts';
import { draftOf, type Notice, type NoticeDraft } from '../record/notice.ts';
import { Outbox } from '../record/outbox.ts';
import { concerns, isOn, type SubscriptionBody } from '../subscriptions/subscription.ts';
import type { NoticeRequest, SubscriptionBook } from '../subscriptions/subscription-book.ts';
import type { Channels } from './channel.ts';
import { Courier, type CourierParts } from './courier.ts';
import { Deliveries, type Delivery, pendingOf } from './deliveries.ts';
import type { Store } from '../../store/store.ts';

export interface OfficeOptions {
  readonly store: Store;
  readonly book: SubscriptionBook;
  readonly channels: Channels;
  readonly now: () => number;
  readonly disable: (subscription: string, why: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly chance?: () => number;
  readonly faults?: Faults;
  readonly pausesMs?: readonly number[] | undefined;
}

/** Attempts under way at once, over all subscriptions. */
const AT_ONCE = 16;
/** Notices that a replay looks at together. */
const REPLAY_PAGE = 500;

/** Takes what is to be told, has it on record with who is to be told, and has it delivered: in the one process that holds the lease. */
export class Office {
  readonly outbox: Outbox;
  readonly #options: OfficeOptions;
  readonly #deliveries: Deliveries;
  readonly #couriers = new Map<string, Courier>();
  readonly #closed: Promise<void>[] = [];
  readonly #parts: CourierParts;

  constructor(options: OfficeOptions) {
    const { store, book, channels, now, disable, onError, chance = Math.random, faults = NO_FAULTS, pausesMs } = options;
    this.#options = options;
    this.outbox = new Outbox(store, now);
    this.#deliveries = new Deliveries(store);
    this.#parts = {
      ...{ outbox: this.outbox, deliveries: this.#deliveries, channels, disable, now, chance, onError, faults, pausesMs },
      bodyOf: (id) => book.of(id)?.body,
      changedAtMs: (id) => book.of(id)?.recordedAtMs ?? 0,
      within: atOnce(AT_ONCE),
    };
    book.onChange = () => {
      this.#attend();
    };
    this.#attend();
  }

  /** Has notices on record with all whom they are for, durably; those that are there already are not sent again. */
  async tell(drafts: readonly NoticeDraft[]): Promise<void> {
    if (drafts.length === 0) return;
    const { book, now, faults } = this.#options;
    faults?.at('before-notices');
    const notices = await this.outbox.record(drafts);
    faults?.at('after-notices');
    const pending = book
      .all()
      .filter(({ body }) => isOn(body))
      .flatMap(({ id, body }) => notices.filter((each) => concerns(body, each)).map((each) => pendingOf(id, each, '', now())));
    await this.#send(pending);
    this.outbox.learn(notices);
    faults?.at('after-pending');
  }

  /** Carries out what was asked for: the same request again sends nothing twice that it has on record. */
  async carryOut({ id: round, body, recordedAtMs }: Entry): Promise<void> {
    const { book, now } = this.#options;
    const request = JSON.parse(body) as NoticeRequest;
    const subscription = book.of(request.subscription);
    if (subscription === undefined) return;
    if (request.does === 'test') {
      const data = { subscription: subscription.id, asked_by: request.by };
      const draft = draftOf('notice.test', [round], { account: subscription.body.account, atMs: recordedAtMs, data });
      await this.#sendTo(subscription.id, await this.outbox.record([draft]), round);
    } else if (request.does === 'again') {
      const notices = await this.outbox.byIds([request.notice]);
      await this.#sendTo(subscription.id, notices, round);
    } else {
      for (let after = 0n; ;) {
        const page = await this.outbox.between(request.from, request.to, after, REPLAY_PAGE);
        await this.#send(
          page
            .filter((each) => isReplayed(subscription.body, each))
            .map((each) => pendingOf(subscription.id, each, round, now())),
        );
        const last = page.at(-1);
        if (page.length < REPLAY_PAGE || last === undefined) return;
        after = last.n;
      }
    }
  }

  /** Ends after the attempts that are under way. */
  async close(): Promise<void> {
    this.#options.book.onChange = () => undefined;
    await Promise.all([...this.#closed, ...Array.from(this.#couriers.values(), (courier) => courier.close())]);
    this.#couriers.clear();
  }

  #sendTo(subscription: string, notices: readonly Notice[], round: string): Promise<void> {
    return this.#send(notices.map((each) => pendingOf(subscription, each, round, this.#options.now())));
  }

  async #send(pending: readonly Delivery[]): Promise<void> {
    if (pending.length === 0) return;
    await this.#deliveries.write(pending);
    for (const id of new Set(pending.map(({ subscription }) => subscription))) this.#couriers.get(id)?.wake();
  }

  /** A courier for each subscription. */
  #attend(): void {
    const { book } = this.#options;
    const wanted = new Set(book.all().map(({ id }) => id));
    for (const id of wanted) {
      const courier = this.#couriers.get(id);
      if (courier === undefined) this.#couriers.set(id, new Courier(id, this.#parts));
      else courier.wake();
    }
    for (const [id, courier] of this.#couriers) {
      if (wanted.has(id)) continue;
      this.#couriers.delete(id);
      this.#closed.push(courier.close());
    }
  }
}

/** A test was for one moment: it is not sent again with what happened. */
function isReplayed(body: SubscriptionBody, notice: Notice): boolean {
  return notice.type !== 'notice.test' && concerns(body, notice);
}

/** Has work done by so many at once; the others wait their turn. */
function atOnce(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= max)
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
