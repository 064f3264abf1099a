/** Going on with a topic as another log: what that means in each state of topic and database, and how it is carried out. */
import type { Admin } from 'kafkajs';
import { newLogId } from '../log/identity.ts';
import { fetchMessage } from '../log/kafka/internals.ts';
import { originOf } from '../log/kafka/message.ts';
import { boundsIfThere, boundsOf, checkTopicConfig, createTopic, topicNow } from '../log/kafka/topic.ts';
import type { TopicWatch } from '../log/kafka/watch.ts';
import { type LogTopic, readLogTopic, recordLogTopic } from '../store/kafka-log.ts';
import { nameLog, type NamedLog, readLogBefore, recordGap } from '../store/named-log.ts';
import { type Decision, LogToolError } from './decision.ts';
import { type KafkaToolSetup, view } from './kafka-view.ts';

/** What another log would give up of a partition: positions from `from` to before `until`. */
export interface GivenUp {
  readonly partition: number;
  readonly from: number;
  readonly until: number;
  readonly samples: bigint | null;
}

interface Plan {
  readonly logId: string;
  readonly base: number;
  readonly seq: number;
  readonly adopted: boolean;
  readonly starts: readonly number[];
  readonly givenUp: readonly GivenUp[];
  /** Whose positions are given up. */
  readonly of: string;
}

/** An empty database and a topic that holds a whole log: its rows are made from it again. Undefined for anything else. */
export async function rebuildPlan(
  { settings, store, randomBytes }: KafkaToolSetup,
  admin: Admin,
  watch: TopicWatch,
  named: NamedLog | undefined,
): Promise<Plan | undefined> {
  const [rows] = await store.rows<{ n: string }>('SELECT count() AS n FROM progress');
  if (named !== undefined || rows?.n !== '0' || (await topicNow(admin, watch, settings.topic)) === undefined) return undefined;
  const ids = new Set<string | undefined>();
  for (const [partition, { low, head }] of await boundsOf(admin, settings.topic)) {
    if (low > 0)
      throw new LogToolError(
        `partition ${partition} of topic ${settings.topic} begins at message ${low}: what came before is in no row any more. Restore the database, or use a new topic`,
      );
    if (head === 0) continue;
    const newest = await watch.with((cluster) => fetchMessage(cluster, settings.topic, partition, head - 1));
    ids.add(originOf(newest?.value ?? Buffer.alloc(0), head - 1).logId);
  }
  if (ids.size > 1) throw new LogToolError(`topic ${settings.topic} holds messages of several logs`);
  const [id] = ids;
  return {
    logId: id ?? newLogId(randomBytes),
    base: 0,
    seq: 1,
    adopted: id === undefined && ids.size > 0,
    starts: [],
    givenUp: [],
    of: '',
  };
}

/** The rest of an acceptance that was interrupted after it had named the log. Undefined when there is none. */
export async function unfinishedPlan(
  setup: KafkaToolSetup,
  admin: Admin,
  watch: TopicWatch,
  named: (NamedLog & { readonly seq: number }) | undefined,
): Promise<Plan | undefined> {
  const { settings, store } = setup;
  if (named?.kind !== 'kafka' || named.recordedBy === '' || named.name !== settings.topic) return undefined;
  const [recorded, found] = [await readLogTopic(store, named.logId), await topicNow(admin, watch, settings.topic)];
  // the log that was accepted is itself gone: another one follows
  if (recorded === undefined || found === undefined || found.uuid !== recorded.uuid) return undefined;
  const { logId, firstPosition: base, seq } = named;
  const { starts, adopted } = recorded;
  const givenUp = (await view(setup, admin)).partitions
    .map(({ partition, storedNext, missing }) => ({
      ...{ partition, from: storedNext, until: base + (starts[partition] ?? 0), samples: missing },
    }))
    .filter(({ from, until }) => from < until);
  if (givenUp.length === 0) return undefined;
  return { logId, base, seq, adopted, starts, givenUp, of: (await readLogBefore(store, seq))?.logId ?? '' };
}

/** A new log behind everything that is stored or known. */
export async function followPlan(
  setup: KafkaToolSetup,
  admin: Admin,
  named: (NamedLog & { readonly seq: number }) | undefined,
): Promise<Plan> {
  const { settings, randomBytes } = setup;
  if (named?.kind === 'embedded')
    throw new LogToolError(
      "the rows of this database come from an embedded log, whose state has no partitions: a topic can't follow on it",
    );
  const { partitions } = await view(setup, admin);
  const offsets = await boundsIfThere(admin, settings.topic);
  const actual = offsets?.size ?? settings.partitions;
  if (partitions.length === 0) throw new LogToolError('the database has had no log: the first start makes one');
  if (actual !== partitions.length)
    throw new LogToolError(
      `topic ${settings.topic} has ${actual} partitions and must have ${partitions.length}: a VM's partition follows from the number`,
    );
  const starts = partitions.map(({ partition }) => offsets?.get(partition)?.head ?? 0);
  const known = partitions.map(({ storedNext, acknowledgedNext }) => Math.max(storedNext, acknowledgedNext));
  // at least one position is left out of each partition, so that every acceptance is on record as a gap, also where nothing was lost
  const base = Math.max(0, ...known.map((next, partition) => next + 1 - (starts[partition] ?? 0)));
  const givenUp = partitions.map(({ partition, storedNext, missing }) => ({
    partition,
    from: storedNext,
    until: base + (starts[partition] ?? 0),
    samples: missing,
  }));
  const seq = (named?.seq ?? 0) + 1;
  return { logId: newLogId(randomBytes), base, seq, adopted: false, starts, givenUp, of: named?.logId ?? '' };
}

export async function carryOut(
  setup: KafkaToolSetup,
  admin: Admin,
  watch: TopicWatch,
  plan: Plan,
  { who, why }: Decision,
): Promise<void> {
  const { settings, store, now, faults } = setup;
  const { topic } = settings;
  if ((await topicNow(admin, watch, topic)) === undefined) await createTopic(admin, settings);
  await checkTopicConfig(admin, topic);
  const found = await topicNow(admin, watch, topic);
  if (found === undefined) throw new LogToolError(`topic ${topic} is not there yet: try again`);
  const recorded: LogTopic = { logId: plan.logId, topic, adopted: plan.adopted, starts: plan.starts, ...found };
  if ((await readLogTopic(store, plan.logId)) === undefined) await recordLogTopic(store, recorded, now());
  faults?.at('after-log-topic');
  const log: NamedLog = {
    logId: plan.logId,
    kind: 'kafka',
    name: topic,
    firstPosition: plan.base,
    recordedMs: now(),
    recordedBy: who,
  };
  // named first: gaps of a log that is still in use would be positions that it may yet fill
  const inForce = await nameLog(store, plan.seq, log);
  if (inForce.logId !== plan.logId) throw new LogToolError('another process has named a log meanwhile: see uptally log show');
  faults?.at('after-log-named');
  for (const { partition, from, until, samples } of plan.givenUp) {
    await recordGap(store, { logId: plan.of, partition, kind: 'log', from, until, samples, why, who, recordedMs: now() });
    faults?.at('after-gap');
  }
}
