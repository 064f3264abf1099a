import { z } from 'zod';
import type { Api } from '../../http/api.ts';
import { recorderOf } from '../../http/auth.ts';
import { mailRequest, type SubscriptionBody, webhookRequest } from '../../notices/subscriptions/subscription.ts';
import type { Versioned } from '../../catalog/versioned.ts';
import { identifier } from '../../domain/plan.ts';
import { instant } from '../../domain/shapes.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import { ProblemError } from '../../problems/problem.ts';
import { Outbox } from '../../notices/record/outbox.ts';
import type { ApiContext } from '../shared/context.ts';
import { BODY_PROBLEMS, idParams } from '../shared/shapes.ts';
import { askedShape, madeWebhookJson, madeWebhookShape, mailJson, mailShape, MANAGERS, TAG, webhookJson, webhookShape } from './shapes.ts'; // prettier-ignore

const replayRequest = z.union(
  [
    z
      .strictObject({
        from: instant.describe('Notices recorded at this instant or later.'),
        to: instant.optional().describe('And before this one; left out: until now.'),
      })
      .refine(({ from, to }) => to === undefined || from < to, { path: ['to'], message: 'must be after from' }),
    z.strictObject({ notice: z.string().min(1).max(64).describe('This one alone.') }),
  ],
  'must be {"from":instant} or {"notice":id}',
);

const listQuery = z.strictObject({ account: identifier.optional().describe('Only those of this account.') });

/** Who is told of what: webhooks and mail. */
export function subscriptionRoutes(api: Api, context: ApiContext): void {
  const { catalog, subscriptions, now, store } = context;
  const outbox = new Outbox(store, now);
  const ofAccount = <T extends SubscriptionBody>(list: readonly Versioned<T>[], account: string | undefined): Versioned<T>[] =>
    list.filter(({ body }) => account === undefined || body.account === account);
  const checkAccount = (account: string | null): void => {
    if (account !== null && catalog.account(account) === undefined)
      throw oneFieldProblem('invalid_reference', 'account', `there is no account ${account}`);
  };
  const ask = { params: idParams, roles: MANAGERS, tag: TAG };
  const UNKNOWN = ['invalid_parameter', 'subscription_unknown', 'store_unavailable'] as const;

  api.route(
    {
      method: 'POST',
      path: '/v1/webhooks',
      once: true,
      tag: TAG,
      summary: 'Have notices posted to a URL; the answer has the secret that signs them',
      description:
        'By Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. What is answered with 2xx is delivered; anything else is tried again, ten times over ' +
        'three days; 410 ends it. Redirects are not followed. Addresses that are not public are refused when they are connected to.',
      roles: MANAGERS,
      body: { 'application/json': webhookRequest },
      answers: { 201: { description: 'The webhook', schema: madeWebhookShape } },
      problems: [...BODY_PROBLEMS, 'invalid_reference', 'subscriptions_full'],
    },
    async ({ body, request, reply }) => {
      checkAccount(body.account);
      reply.header('cache-control', 'no-store');
      return madeWebhookJson(await subscriptions.addWebhook(body, recorderOf(request)), now());
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/webhooks',
      tag: TAG,
      summary: 'Webhooks, without their secrets',
      roles: MANAGERS,
      query: listQuery,
      answers: { 200: { description: 'By id', schema: z.object({ webhooks: z.array(webhookShape) }) } },
      problems: ['invalid_parameter'],
    },
    ({ query: { account } }) => {
      const all = subscriptions.all().flatMap((each) => (each.body.channel === 'webhook' ? [{ ...each, body: each.body }] : []));
      return Promise.resolve({ webhooks: ofAccount(all, account).map((each) => webhookJson(each, now())) });
    },
  );
  api.route(
    {
      ...{ method: 'GET', path: '/v1/webhooks/{id}', summary: 'A webhook, without its secrets', ...ask },
      answers: { 200: { description: 'The webhook', schema: webhookShape } },
      problems: UNKNOWN,
    },
    ({ params: { id } }) => Promise.resolve(webhookJson(subscriptions.webhook(id), now())),
  );
  api.route(
    {
      ...{ method: 'PUT', path: '/v1/webhooks/{id}', summary: 'Change a webhook; one that was disabled begins again', ...ask },
      body: { 'application/json': webhookRequest },
      answers: { 200: { description: 'The webhook', schema: webhookShape } },
      problems: [...BODY_PROBLEMS, 'invalid_reference', 'subscription_unknown'],
    },
    async ({ params: { id }, body, request }) => {
      checkAccount(body.account);
      return webhookJson(await subscriptions.changeWebhook(id, body, recorderOf(request)), now());
    },
  );
  api.route(
    {
      ...{ method: 'DELETE', path: '/v1/webhooks/{id}', summary: 'Take a webhook away', ...ask },
      answers: { 204: { description: 'It is gone, and its secrets' } },
      problems: UNKNOWN,
    },
    ({ params: { id }, request }) => subscriptions.remove(id, 'webhook', recorderOf(request)),
  );
  api.route(
    {
      ...{ method: 'POST', path: '/v1/webhooks/{id}/rotate', once: true, ...ask },
      summary: 'Make a new secret; the one before signs beside it for a day',
      answers: { 201: { description: 'The webhook with its new secret', schema: madeWebhookShape } },
      problems: UNKNOWN,
    },
    async ({ params: { id }, request, reply }) => {
      reply.header('cache-control', 'no-store');
      return madeWebhookJson(await subscriptions.rotate(id, recorderOf(request)), now());
    },
  );
  api.route(
    {
      ...{ method: 'POST', path: '/v1/webhooks/{id}/test', once: true, summary: 'Have a `notice.test` posted', ...ask },
      answers: { 202: { description: 'It will be; `GET /v1/deliveries` says what became of it', schema: askedShape } },
      problems: UNKNOWN,
    },
    async ({ params: { id }, request }) => {
      const by = recorderOf(request);
      return { request: await subscriptions.ask({ subscription: subscriptions.webhook(id).id, does: 'test', by }, by) };
    },
  );
  api.route(
    {
      ...{ method: 'POST', path: '/v1/webhooks/{id}/replay', once: true, ...ask },
      summary: 'Have what was recorded in a time posted again, or one notice, with the same ids',
      description:
        'What the webhook is about, as it is now; also what happened before it was there. Notices are kept for 400 days.',
      body: { 'application/json': replayRequest },
      answers: { 202: { description: 'It will be; `GET /v1/deliveries` says what became of it', schema: askedShape } },
      problems: [...BODY_PROBLEMS, 'subscription_unknown', 'notice_unknown'],
    },
    async ({ params: { id }, body, request }) => {
      const by = recorderOf(request);
      const { body: webhook } = subscriptions.webhook(id);
      if ('from' in body)
        return {
          request: await subscriptions.ask({ subscription: id, does: 'replay', from: body.from, to: body.to ?? now() }, by),
        };
      const [notice] = await outbox.byIds([body.notice]);
      // of another account it is as good as not there
      if (notice === undefined || (webhook.account !== null && notice.account !== webhook.account))
        throw new ProblemError('notice_unknown', `there is no notice ${body.notice}`);
      return { request: await subscriptions.ask({ subscription: id, does: 'again', notice: notice.id }, by) };
    },
  );

  api.route(
    {
      method: 'POST',
      path: '/v1/subscriptions',
      once: true,
      tag: TAG,
      summary: 'Have notices mailed to an address',
      roles: MANAGERS,
      body: { 'application/json': mailRequest },
      answers: { 201: { description: 'The subscription', schema: mailShape } },
      problems: [...BODY_PROBLEMS, 'invalid_reference', 'subscriptions_full'],
    },
    async ({ body, request }) => {
      checkAccount(body.account);
      return mailJson(await subscriptions.addMail(body, recorderOf(request)));
    },
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/subscriptions',
      tag: TAG,
      summary: 'Who is written to',
      roles: MANAGERS,
      query: listQuery,
      answers: { 200: { description: 'By id', schema: z.object({ subscriptions: z.array(mailShape) }) } },
      problems: ['invalid_parameter'],
    },
    ({ query: { account } }) => {
      const all = subscriptions.all().flatMap((each) => (each.body.channel === 'mail' ? [{ ...each, body: each.body }] : []));
      return Promise.resolve({ subscriptions: ofAccount(all, account).map(mailJson) });
    },
  );
  api.route(
    {
      ...{ method: 'GET', path: '/v1/subscriptions/{id}', summary: 'A subscription by mail', ...ask },
      answers: { 200: { description: 'The subscription', schema: mailShape } },
      problems: UNKNOWN,
    },
    ({ params: { id } }) => Promise.resolve(mailJson(subscriptions.mail(id))),
  );
  api.route(
    {
      ...{
        method: 'PUT',
        path: '/v1/subscriptions/{id}',
        summary: 'Change a subscription; one that was disabled begins again',
        ...ask,
      },
      body: { 'application/json': mailRequest },
      answers: { 200: { description: 'The subscription', schema: mailShape } },
      problems: [...BODY_PROBLEMS, 'invalid_reference', 'subscription_unknown'],
    },
    async ({ params: { id }, body, request }) => {
      checkAccount(body.account);
      return mailJson(await subscriptions.changeMail(id, body, recorderOf(request)));
    },
  );
  api.route(
    {
      ...{ method: 'DELETE', path: '/v1/subscriptions/{id}', summary: 'Take a subscription away', ...ask },
      answers: { 204: { description: 'It is gone' } },
      problems: UNKNOWN,
    },
    ({ params: { id }, request }) => subscriptions.remove(id, 'mail', recorderOf(request)),
  );
  api.route(
    {
      ...{ method: 'POST', path: '/v1/subscriptions/{id}/test', once: true, summary: 'Have a `notice.test` mailed', ...ask },
      answers: { 202: { description: 'It will be; `GET /v1/deliveries` says what became of it', schema: askedShape } },
      problems: UNKNOWN,
    },
    async ({ params: { id }, request }) => {
      const by = recorderOf(request);
      return { request: await subscriptions.ask({ subscription: subscriptions.mail(id).id, does: 'test', by }, by) };
    },
  );
}
