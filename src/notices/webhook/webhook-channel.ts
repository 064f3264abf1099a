import type { Channel, Outcome } from '../delivery/channel.ts';
import { bodyOf } from '../record/notice.ts';
import type { WebhookBody } from '../subscriptions/subscription.ts';
import { post, type PostOptions } from './post.ts';
import { signatureOf } from '../subscriptions/signature.ts';

const REQUEST_TIMEOUT = 408;
const GONE = 410;
/** Answers that are about the moment and not about what was posted. */
const MOMENTARY: ReadonlySet<number> = new Set([REQUEST_TIMEOUT, 425, 429]);

/** Events by Standard Webhooks: signed posts, one after another. */
export function webhookChannel(options: PostOptions & { readonly version: string }): Channel<WebhookBody> {
  return {
    togetherMax: () => 1,
    opensAtMs: (_body, _askedAtMs, nowMs) => nowMs,
    async send({ url, secrets }, [notice], nowMs) {
      if (notice === undefined) throw new Error('there is nothing to post');
      const body = bodyOf(notice);
      const timestampS = Math.floor(nowMs / 1000);
      const inForce = secrets.filter(({ until }) => until === null || until > nowMs).map(({ secret }) => secret);
      const headers = {
        'content-type': 'application/json',
        'user-agent': `Uptally/${options.version}`,
        'webhook-id': notice.id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signatureOf(inForce, notice.id, timestampS, body),
      };
      const { status, why, retryAfterMs } = await post(new URL(url), headers, body, options);
      return { is: outcomeOf(status), status, why, retryAfterMs };
    },
  };
}

function outcomeOf(status: number): Outcome['is'] {
  if (status >= 200 && status < 300) return 'delivered';
  if (status === GONE) return 'gone';
  return status < 300 || status >= 500 || MOMENTARY.has(status) ? 'unreachable' : 'refused';
}
