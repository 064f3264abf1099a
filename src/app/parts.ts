/** What every composition is made of and ends with. */
import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { type IssuerProfile, loadIssuer } from '../billing/issuer.ts';
import type { Config } from '../process/config.ts';
import { type Faults, NO_FAULTS } from '../process/faults.ts';
import { checkAccess, checkWritable, closeToOthers, folderError, isOpenToOthers, makeFolder } from '../process/folder.ts';
import { loadTerms, shippedTermsFolder, type TermsLibrary } from '../terms/library.ts';
import type { MeteringConstants } from '../kernel/kernel.ts';
import { noFileLeft } from '../http/bare-server.ts';
import { listenBeside } from '../http/listening.ts';
import { takeLock } from '../process/process-lock.ts';
import { type HeldLock, LockedError } from '../process/held-lock.ts';
import type { ProductClock } from '../process/product-clock.ts';
import { GRACE_DAYS, settleRetention } from '../store/retention.ts';
import type { Store } from '../store/store.ts';

export interface AppOptions {
  readonly config: Config;
  readonly version: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** Where `now` comes from, when it may differ from the machine's. */
  readonly clock?: ProductClock | undefined;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults: Faults;
  /** Something failed that can't be gone on from: the process should stop, and start again. */
  readonly onFatal: (error: Error) => void;
}

export interface App {
  readonly url: string;
  /** The admin key, if one was made at this start: shown once. */
  readonly adminKey: string | undefined;
  readonly server: FastifyInstance;
  /** Finishes what was begun, stores it, saves the state. */
  close(): Promise<void>;
}

/** A configuration that this version can't serve. */
export class UnsupportedError extends Error {}

/** How long raw samples are kept; 0 for good. */
export function keptDays({ retentionDays }: Config): number {
  return retentionDays === 0 ? 0 : retentionDays + GRACE_DAYS;
}

/** The options with the retention that is in force: one that is shorter than before is not, until it is confirmed. */
export async function withRetention(options: AppOptions, store: Store): Promise<AppOptions> {
  const { config, logger, now } = options;
  const { retentionDays, retentionShorten } = config;
  const { days, note } = await settleRetention(store, { days: retentionDays, shorten: retentionShorten, nowMs: now() });
  if (note !== undefined) logger[note.level](note.message);
  return { ...options, config: { ...config, retentionDays: days } };
}

export interface Documents {
  /** The providers' terms sheets, shipped and own. */
  readonly termsLibrary: TermsLibrary;
  /** Who invoices are from. */
  readonly issuer: IssuerProfile | undefined;
}

/** Documents in the data folder. One that can't be used is found before anything is begun. */
export async function loadDocuments({ dataDir }: Config): Promise<Documents> {
  await checkAccess(dataDir, settingOf(dataDir));
  return { termsLibrary: loadTerms([shippedTermsFolder(), join(dataDir, 'terms')]), issuer: loadIssuer(dataDir) };
}

/** What the product makes in the folder, and nobody else is to read: evidence, and digests of keys. */
const OWN_FILES = ['log', 'log-lock', 'lock', 'clickhouse', 'checkpoints', 'scratch'];

/**
 * Takes the data folder for this process alone, made if there is none. Nothing else has been written to it when another process has it (LockedError), or
 * when it can't be used (FolderError).
 */
export async function lockFolder({ config: { dataDir }, logger, now, onFatal }: FolderOptions): Promise<HeldLock> {
  const setting = settingOf(dataDir);
  await makeFolder(dataDir, setting);
  const lock = await takeLock({
    path: join(dataDir, 'lock'),
    advice: 'stop it first, or give this server another UPTALLY_DATA_DIR',
    onLost: onFatal,
    onWait: (message) => {
      logger.warn(message);
    },
    now,
  }).catch((error: unknown) => {
    throw error instanceof LockedError ? error : folderError(error, setting);
  });
  try {
    await checkWritable(dataDir, setting);
    await closeToOthers(dataDir, OWN_FILES);
    if (await isOpenToOthers(dataDir))
      logger.warn(`${setting}: other users of this machine can look into it; chmod 700 ends that`);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return lock;
}

export type FolderOptions = Pick<AppOptions, 'logger' | 'now' | 'onFatal'> & { readonly config: Pick<Config, 'dataDir'> };

function settingOf(dataDir: string): string {
  return `UPTALLY_DATA_DIR=${dataDir}`;
}

/** What a thread that aggregates is told whatever the log is. A server it asks by itself, the embedded store through this process. */
export function aggregateSettings(config: Config, store: Store) {
  const { clickhouseUrl, clickhouseCluster, vmsMax, nicsMax, checkpointIntervalMs } = config;
  return {
    store: clickhouseUrl === undefined ? store : undefined,
    clickhouseUrl,
    clickhouseCluster,
    constants: constantsOf(config),
    vmsMax,
    nicsMax,
    checkpointIntervalMs,
  };
}

/** Up to when answers are published; null before the first tick. */
export function watermarkOf(clockMs: number, { latenessMs }: Config): number | null {
  return clockMs === 0 ? null : clockMs - latenessMs;
}

/** What rows mean. */
export function constantsOf(config: Config): MeteringConstants {
  const { stalenessMs, latenessMs, linkLimitBps, clock } = config;
  return { stalenessMs, latenessMs, linkLimitBps, clock };
}

/** Faults as an option that is only there when a test asked for any. */
export function givenFaults(faults: Faults): { faults?: Faults } {
  return faults === NO_FAULTS ? {} : { faults };
}

/** Begins to listen; answers the address. */
export async function listen(server: FastifyInstance, { host, port }: Config): Promise<string> {
  // of a name with several addresses Fastify would make servers that know none of our limits
  const addresses = host === 'localhost' ? (await lookup(host, { all: true })).map(({ address }) => address) : [];
  const [first = host, ...others] = addresses;
  await server.listen({ host: first, port });
  for (const other of others) {
    const { port: taken } = server.server.address() as AddressInfo;
    // one of a family that the machine has not is none of its addresses
    const beside = await listenBeside(server.server, other, taken, noFileLeft(server.log)).catch(() => undefined);
    if (beside !== undefined) server.besides.push(beside);
  }
  return addressUrl(server.server.address() as AddressInfo);
}

export function addressUrl(address: AddressInfo): string {
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Does the work now and again, the next time a while after the last has ended; the returned function stops it. */
export function repeat(everyMs: number, work: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let going = true;
  const turn = (): void => {
    work()
      .catch(onError)
      .finally(() => {
        if (going) timer = setTimeout(turn, everyMs);
      });
  };
  let timer = setTimeout(turn, 0);
  return () => {
    going = false;
    clearTimeout(timer);
  };
}
