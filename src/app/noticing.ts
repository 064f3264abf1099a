/** Notices in a process with the role api: of all processes one puts on record what is to be told, and delivers it. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { ApiContext } from '../api/shared/context.ts';
import { Follower } from '../journal/follow.ts';
import { hold, type Holding } from '../journal/hold.ts';
import { Lease, LeaseLostError } from '../journal/lease.ts';
import type { Entry } from '../journal/entry.ts';
import { Office } from '../notices/delivery/office.ts';
import type { NoticeDraft } from '../notices/record/notice.ts';
import { REQUEST_KIND } from '../notices/subscriptions/subscription-book.ts';
import { noticesOfEntry, TOLD_KINDS } from '../notices/told/from-journal.ts';
import { Watching } from '../notices/watch/watching.ts';
import { mailChannel } from '../notices/mail/mail-channel.ts';
import { Reachable } from '../notices/webhook/addresses.ts';
import { webhookChannel } from '../notices/webhook/webhook-channel.ts';
import type { Config } from '../process/config.ts';
import type { Faults } from '../process/faults.ts';
import { repeat } from './parts.ts';

const LEASE = 'notices';
const FOLLOWER = 'notices';
const TICK_MS = 5_000;

export interface NoticingSetup {
  readonly context: ApiContext;
  readonly config: Pick<Config, 'notices' | 'noticeOutageMs' | 'noticeNetworks' | 'smtpUrl' | 'mailFrom'>;
  readonly version: string;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly faults: Faults;
  /** Takes in what other processes have stored and recorded. */
  readonly freshen: () => Promise<void>;
}

/** Begins to tell, where that is on; the returned function ends it after the attempts that are under way. */
export function startNoticing({
  context,
  config,
  version,
  logger,
  registry,
  faults,
  freshen,
}: NoticingSetup): () => Promise<void> {
  const { subscriptions, store, now, scheduling } = context;
  const { journal, leases } = scheduling;
  const holder = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const lease = new Lease({ journal, book: leases, name: LEASE, holder });
  new Gauge({
    ...{ name: 'uptally_notices_holder', registers: [registry] },
    help: '1 in the process that delivers notices',
    collect() {
      this.set(lease.isHeld ? 1 : 0);
    },
  });
  if (!config.notices) return () => Promise.resolve();
  const onError = (error: unknown): void => {
    logger.error({ err: error }, 'notices could not be put on record or delivered; it is tried again');
  };
  const channels = {
    webhook: webhookChannel({ reachable: new Reachable(config.noticeNetworks), version }),
    mail:
      config.smtpUrl === undefined || config.mailFrom === undefined
        ? undefined
        : mailChannel({ context, smtpUrl: config.smtpUrl, from: config.mailFrom }),
  };
  const disable = async (subscription: string, why: string): Promise<void> => {
    logger.warn({ subscription, why }, 'a subscription was disabled');
    await lease
      .write(LEASE, (nowMs) => subscriptions.disabling(subscription, why, nowMs))
      .catch((error: unknown) => {
        // whoever holds it now comes to the same
        if (!(error instanceof LeaseLostError)) throw error;
      });
  };
  const begin = async (): Promise<Holding> => {
    const office = new Office({ ...{ store, book: subscriptions, channels, now, disable, onError, faults } });
    const deliver = async (entries: readonly Entry[]): Promise<void> => {
      const drafts: NoticeDraft[] = [];
      for (const entry of entries) drafts.push(...(await noticesOfEntry(context, entry)));
      await office.tell(drafts);
      for (const entry of entries) if (entry.kind === REQUEST_KIND) await office.carryOut(entry);
    };
    const kinds = [...TOLD_KINDS, REQUEST_KIND];
    const follower = await Follower.start(journal, { name: FOLLOWER, from: journal.lastSeq, kinds, deliver, onError, faults });
    const watching = new Watching({ context, office, outageMs: config.noticeOutageMs });
    let looking: Promise<void> = Promise.resolve();
    const stop = repeat(
      TICK_MS,
      async () => {
        if (!lease.isHeld) return;
        await freshen();
        looking = watching.tick();
        await looking;
      },
      onError,
    );
    return {
      async end() {
        stop();
        watching.close();
        await looking.catch(() => undefined);
        await follower.close();
        await office.close();
      },
    };
  };
  return hold(lease, { begin, onError });
}
