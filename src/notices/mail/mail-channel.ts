import { createHash } from 'node:crypto';
import { createTransport, type SendMailOptions } from 'nodemailer';
import type { BillingContext } from '../../billing/context.ts';
import { zoneOfAccount } from '../../billing/period.ts';
import { shownInvoice } from '../../billing/shown.ts';
import { invoiceFile } from '../../print/forms/invoice.ts';
import type { Channel, Outcome } from '../delivery/channel.ts';
import type { Notice } from '../record/notice.ts';
import type { MailBody } from '../subscriptions/subscription.ts';
import { opensAtMs } from './hours.ts';
import { letterOf } from './letter.ts';

export interface MailOptions {
  readonly context: Pick<BillingContext, 'catalog' | 'books'>;
  readonly smtpUrl: string;
  readonly from: string;
}

/** Notices of one mail, and documents with it. */
const TOGETHER_MAX = 50;
const FILES_MAX = 10;
const TIMEOUT_MS = 30_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** Notices by mail: text and HTML in the account's language, with the documents that they tell of. */
export function mailChannel({ context, smtpUrl, from }: MailOptions): Channel<MailBody> {
  const { hostname, username } = new URL(smtpUrl);
  const transport = createTransport({
    url: smtpUrl,
    // a password goes over no wire that others read
    requireTLS: username !== '' && !LOOPBACK.test(hostname),
    ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS, dnsTimeout: TIMEOUT_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  return {
    togetherMax: ({ quiet, digest }) => (quiet === null && digest === 'none' ? 1 : TOGETHER_MAX),
    opensAtMs,
    async send(body, notices) {
      try {
        await transport.sendMail(await mailOf(context, from, body, notices));
        return { is: 'delivered', status: 250, why: '', retryAfterMs: null };
      } catch (error) {
        return failed(error);
      }
    },
  };
}

async function mailOf(
  context: MailOptions['context'],
  from: string,
  { to, account, language, quiet }: MailBody,
  notices: readonly Notice[],
): Promise<SendMailOptions> {
  const { catalog } = context;
  const own = account === null ? undefined : catalog.account(account)?.body;
  const zone = quiet?.time_zone ?? (account === null ? 'UTC' : zoneOfAccount(catalog, account).name);
  const { subject, text, html } = letterOf(notices, language ?? own?.language ?? 'en', zone);
  const digest = createHash('sha256').update([to, ...notices.map(({ id }) => id)].join('\n'));
  return {
    from: { name: '', address: from },
    to: { name: '', address: to },
    ...{ subject, text, html },
    // the same however often it is sent
    messageId: `<${digest.digest('hex').slice(0, 32)}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Uptally-Notice': notices[0]?.id ?? '' },
    attachments: await filesOf(context, notices),
  };
}

/** The PDF of each document that is told of. */
async function filesOf(
  { books }: MailOptions['context'],
  notices: readonly Notice[],
): Promise<NonNullable<SendMailOptions['attachments']>> {
  const files: NonNullable<SendMailOptions['attachments']> = [];
  for (const { type, data } of notices) {
    if (files.length >= FILES_MAX) break;
    const said = JSON.parse(data) as { invoice?: string; credit_note?: string; number?: string };
    const id = type === 'invoice.final' ? said.invoice : type === 'credit_note.final' ? said.credit_note : undefined;
    if (id === undefined) continue;
    const name = `${type === 'invoice.final' ? 'invoice' : 'credit-note'}-${(said.number ?? id).replace(/[^A-Za-z0-9._-]+/g, '-')}.pdf`;
    files.push({ filename: name, contentType: 'application/pdf', content: await invoiceFile(await shownInvoice(books, id)) });
  }
  return files;
}

/** What a server does not take (5xx) is about this mail; all else is about the moment: no connection, 4xx, a password that is wrong. */
function failed(error: unknown): Outcome {
  const { responseCode, code, message = String(error) } = error as { responseCode?: number; code?: string; message?: string };
  const status = responseCode ?? 0;
  const is = status >= 500 && code !== 'EAUTH' && code !== 'ETLS' ? 'refused' : 'unreachable';
  return { is, status, why: message.replace(/\p{Cc}+/gu, ' ').slice(0, 200), retryAfterMs: null };
}
