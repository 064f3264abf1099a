/** The thread of the partitions' aggregators: the consumer and the kernels live here, away from HTTP. */
import { parentPort, workerData } from 'node:worker_threads';
import { killSelf } from '../../process/ending.ts';
import { faultsOf } from '../../process/faults.ts';
import { LogIdentityError } from '../../log/identity.ts';
import { kafkaClient } from '../../log/kafka/connection.ts';
import { readGaps, readLogIds } from '../../store/named-log.ts';
import { remoteStore } from '../../store/remote.ts';
import { openServerStore } from '../../store/server.ts';
import type { Store } from '../../store/store.ts';
import type { FromGroup, GroupSetup, OwnPartition, ToGroup } from './messages.ts';
import { gathering } from '../gather.ts';
import { Group } from './group.ts';
import type { PartitionRunner } from './partition-runner.ts';
import { withTokens } from '../tokens.ts';

/** A step moves a partition: this often the main thread is told at most. */
const TELL_INTERVAL_MS = 100;

const setup = workerData as GroupSetup;
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

const say = (message: FromGroup): void => {
  port.postMessage(message);
};
const fail = (error: unknown): void => {
  const known = error instanceof Error ? error : new Error(String(error));
  say({ type: 'failed', message: known.message, stack: known.stack, byIdentity: known instanceof LogIdentityError });
};

let storeOutage: string | null = null;
let group: Group | undefined;
let telling: NodeJS.Timeout | undefined;

function tellSoon(): void {
  telling ??= setTimeout(() => {
    telling = undefined;
    tell();
  }, TELL_INTERVAL_MS);
}

function tell(): void {
  say({
    type: 'state',
    state: { joined: group?.joined ?? false, storeOutage, partitions: group?.runners().map(shown) ?? [] },
  });
}

function shown(runner: PartitionRunner): OwnPartition {
  const { partition, recovered, state, detail, queue } = runner;
  return {
    partition,
    recovered,
    state,
    detail,
    progress: runner.progress(),
    headSeq: queue.headSeq(),
    heldSamples: queue.heldSamples,
  };
}

function openStore(): Promise<Store> {
  if (setup.storeEnd !== undefined) return Promise.resolve(remoteStore(setup.storeEnd));
  return openServerStore({
    url: setup.clickhouseUrl ?? '',
    cluster: setup.clickhouseCluster,
    onOutage: (outage) => {
      storeOutage = outage?.error.message ?? null;
      tellSoon();
    },
  });
}

async function main(): Promise<void> {
  const store = gathering(withTokens(await openStore()));
  const kafka = kafkaClient(
    setup.kafka,
    (message, detail) => {
      say({ type: 'note', message, detail });
    },
    RETRIES,
  );
  group = new Group({
    ...setup,
    ...setup.kafka,
    logId: setup.log.logId,
    adopted: setup.log.adopted,
    base: setup.log.base,
    topicFound: setup.log.topic,
    partitions: setup.partitions,
    gaps: () => readGaps(store),
    ownLogs: () => readLogIds(store),
    kafka,
    store,
    now: Date.now,
    faults: faultsOf(process.env, killSelf),
    note: (message) => {
      say({ type: 'note', message });
    },
    onProgress: tellSoon,
    onHalt: tell,
    onFailure: fail,
  });
  port?.on('message', (message: ToGroup) => {
    void stop(store, message.graceMs);
  });
  group.start();
}

async function stop(store: Store, graceMs: number): Promise<void> {
  await group?.stop(graceMs);
  clearTimeout(telling);
  await store.close();
  say({ type: 'stopped' });
  port?.close();
}

/** The group's client tries for about half a minute before it begins anew. */
const RETRIES = 30;

main().catch(fail);
