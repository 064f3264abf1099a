import { versionOf, type Versioned } from '../../catalog/versioned.ts';
import type { Draft, Entry } from '../../journal/entry.ts';
import type { Journal, Projection } from '../../journal/journal.ts';
import { ProblemError } from '../../problems/problem.ts';
import {
  type MailBody,
  type MailRequest,
  SUBSCRIPTION_KIND,
  type SubscriptionBody,
  subscriptionBody,
  type WebhookBody,
  type WebhookRequest,
} from './subscription.ts';
import { newSecret } from './signature.ts';

/** The kind of the entries by which something is sent again, or a test. */
export const REQUEST_KIND = 'notice_request';

/** What was asked to be sent: what was recorded in a time, one notice, or a test. */
export type NoticeRequest =
  | { readonly subscription: string; readonly does: 'test'; readonly by: string }
  | { readonly subscription: string; readonly does: 'replay'; readonly from: number; readonly to: number }
  | { readonly subscription: string; readonly does: 'again'; readonly notice: string };

/** A secret that was replaced signs so long beside the new one. */
const ROTATION_MS = 24 * 3_600_000;
const SUBSCRIPTIONS_MAX = 10_000;

/** Who is told of what, and where. */
export class SubscriptionBook implements Projection {
  readonly reading = { [SUBSCRIPTION_KIND]: 'whole' } as const;
  readonly #journal: Journal;
  readonly #held = new Map<string, Versioned<SubscriptionBody>>();
  onChange: () => void = () => undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  apply(entry: Entry): void {
    const body = subscriptionBody.parse(JSON.parse(entry.body));
    if (body.deleted) this.#held.delete(entry.id);
    else this.#held.set(entry.id, versionOf(entry, body));
    this.onChange();
  }

  /** All that are there, by id. */
  all(): Versioned<SubscriptionBody>[] {
    return [...this.#held.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  of(id: string): Versioned<SubscriptionBody> | undefined {
    return this.#held.get(id);
  }

  /** Throws `subscription_unknown`. */
  webhook(id: string): Versioned<WebhookBody> {
    const found = this.#held.get(id);
    if (found?.body.channel === 'webhook') return { ...found, body: found.body };
    throw new ProblemError('subscription_unknown', `there is no webhook ${id}`);
  }

  /** Throws `subscription_unknown`. */
  mail(id: string): Versioned<MailBody> {
    const found = this.#held.get(id);
    if (found?.body.channel === 'mail') return { ...found, body: found.body };
    throw new ProblemError('subscription_unknown', `there is no subscription ${id}`);
  }

  /** Records a webhook; its secret is in what is answered. */
  async addWebhook(request: WebhookRequest, by: string): Promise<Versioned<WebhookBody>> {
    const secrets = [{ secret: newSecret(this.#journal.random(32)), until: null }];
    const id = await this.#add({ channel: 'webhook', ...request, secrets, disabled: null, deleted: false }, by);
    return this.webhook(id);
  }

  async addMail(request: MailRequest, by: string): Promise<Versioned<MailBody>> {
    return this.mail(await this.#add({ channel: 'mail', ...request, disabled: null, deleted: false }, by));
  }

  /** Records what a webhook is from now on; one that was disabled begins again. Throws `subscription_unknown`. */
  async changeWebhook(id: string, request: WebhookRequest, by: string): Promise<Versioned<WebhookBody>> {
    await this.#change(by, () => {
      const { body } = this.webhook(id);
      return this.#entryOf(id, { ...body, ...request, disabled: null });
    });
    return this.webhook(id);
  }

  async changeMail(id: string, request: MailRequest, by: string): Promise<Versioned<MailBody>> {
    await this.#change(by, () => this.#entryOf(id, { ...this.mail(id).body, ...request, disabled: null }));
    return this.mail(id);
  }

  /** A new secret; the one before signs beside it for a day. Throws `subscription_unknown`. */
  async rotate(id: string, by: string): Promise<Versioned<WebhookBody>> {
    const secret = newSecret(this.#journal.random(32));
    await this.#change(by, (nowMs) => {
      const { body } = this.webhook(id);
      const [before] = body.secrets;
      const secrets = [
        { secret, until: null },
        ...(before === undefined ? [] : [{ secret: before.secret, until: nowMs + ROTATION_MS }]),
      ];
      return this.#entryOf(id, { ...body, secrets });
    });
    return this.webhook(id);
  }

  /** Takes one away; it is nowhere in the list from then on. Throws `subscription_unknown`. */
  async remove(id: string, channel: SubscriptionBody['channel'], by: string): Promise<void> {
    await this.#change(by, () => {
      const { body } = channel === 'webhook' ? this.webhook(id) : this.mail(id);
      return this.#entryOf(id, { ...body, ...(body.channel === 'webhook' ? { secrets: [] } : {}), deleted: true });
    });
  }

  /** What it takes to end deliveries to a subscription; nothing where they have ended. */
  disabling(id: string, why: string, nowMs: number): Draft[] {
    const found = this.#held.get(id);
    if (found === undefined || found.body.disabled !== null) return [];
    return [this.#entryOf(id, { ...found.body, disabled: { at: nowMs, why } })];
  }

  /** Asks for something to be sent: whoever delivers does it. Answers the request's id. Throws `subscription_unknown`. */
  async ask(request: NoticeRequest, by: string): Promise<string> {
    const id = this.#journal.newId();
    await this.#change(by, () => {
      if (!this.#held.has(request.subscription))
        throw new ProblemError('subscription_unknown', `there is no subscription ${request.subscription}`);
      return { kind: REQUEST_KIND, id, body: JSON.stringify(request) };
    });
    return id;
  }

  async #add(body: SubscriptionBody, by: string): Promise<string> {
    const id = this.#journal.newId();
    await this.#change(by, () => {
      if (this.#held.size >= SUBSCRIPTIONS_MAX)
        throw new ProblemError('subscriptions_full', `there are ${SUBSCRIPTIONS_MAX} subscriptions, the most there may be`);
      return this.#entryOf(id, body);
    });
    return id;
  }

  #change(by: string, decide: (nowMs: number) => Draft): Promise<unknown> {
    return this.#journal.write(by, (nowMs) => [decide(nowMs)]);
  }

  #entryOf(id: string, body: SubscriptionBody): Draft {
    return { kind: SUBSCRIPTION_KIND, id, body: JSON.stringify(body) };
  }
}
