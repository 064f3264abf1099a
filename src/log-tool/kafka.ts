/**
 * The way past a topic that is not the log any more, and past what can't be read of one that is: what an operator decides, recorded for ever. A
 * message is let pass only if nobody can read it, a range only if the topic does not have it, and another log follows on what is stored.
 */
import type { Admin, Kafka } from 'kafkajs';
import { readProgress } from '../aggregate/progress.ts';
import { afterGaps, isPassed } from '../log/gaps.ts';
import { newLogId } from '../log/identity.ts';
import { withAdmin } from '../log/kafka/client.ts';
import type { KafkaSettings } from '../process/config.ts';
import type { Faults } from '../process/faults.ts';
import { fetchMessage } from '../log/kafka/internals.ts';
import { checkOrigin, originOf, recordsOf, samplesInMessage } from '../log/kafka/message.ts';
import type { Bounds } from '../log/kafka/queue.ts';
import { boundsIfThere, boundsOf, checkTopicConfig, createTopic, topicNow } from '../log/kafka/topic.ts';
import { TopicWatch } from '../log/kafka/watch.ts';
import { LogError } from '../log/log.ts';
import { type LogTopic, readAcknowledged, readFirstPartitions, readLogTopic, recordLogTopic } from '../store/kafka-log.ts';
import { type LogGap, nameLog, type NamedLog, readGaps, readLogBefore, readNamedLog, recordGap } from '../store/named-log.ts';
import type { Store } from '../store/store.ts';
import { type Decision, LogToolError } from './decision.ts';

export { type Decision, LogToolError } from './decision.ts';

export interface KafkaToolSetup {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly store: Store;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly faults?: Faults;
}

/** A partition as topic and database have it; positions, with `until` and `next` the first after. */
export interface PartitionView {
  readonly partition: number;
  /** What the topic has; null: there is no such topic. */
  readonly topic: Bounds | null;
  /** The first position of which no row is stored and that was not let pass. */
  readonly storedNext: number;
  /** The position after the last that was recorded as acknowledged. */
  readonly acknowledgedNext: number;
  /** Samples that were acknowledged and are neither stored nor on record as lost; null: nothing is recorded. */
  readonly missing: bigint | null;
}

export interface KafkaLogView {
  readonly named: NamedLog | undefined;
  readonly topic: string;
  readonly partitions: readonly PartitionView[];
  readonly gaps: readonly LogGap[];
}

/** What another log would give up of a partition: positions from `from` to before `until`. */
export interface GivenUp {
  readonly partition: number;
  readonly from: number;
  readonly until: number;
  readonly samples: bigint | null;
}

export interface Acceptance {
  readonly logId: string;
  /** The position of offset 0 of the topic. */
  readonly base: number;
  readonly givenUp: readonly GivenUp[];
  /** Carries it out. */
  readonly confirm: (decision: Decision) => Promise<void>;
}

/** The Kafka half of `uptally log`. */
export function kafkaLogTool(setup: KafkaToolSetup) {
  const { settings, store, now } = setup;
  return {
    show: (): Promise<KafkaLogView> => withBoth(setup, (admin) => view(setup, admin)),

    /** Lets one unreadable message pass, or a range that the topic does not have any more. Running aggregators notice by themselves. */
    skip: (
      range: { readonly partition: number; readonly from: number; readonly until: number },
      decision: Decision,
    ): Promise<LogGap> =>
      withBoth(setup, async (admin, watch) => {
        const named = await readNamedLog(store);
        if (named?.kind !== 'kafka' || named.name !== settings.topic)
          throw new LogToolError(`the database's log is not topic ${settings.topic}: see uptally log show`);
        const partitionView = (await view(setup, admin)).partitions[range.partition];
        if (partitionView?.topic == null) throw new LogToolError(`topic ${settings.topic} has no partition ${range.partition}`);
        const lost = await whatIsLost(setup, { watch, named, range, found: partitionView, low: partitionView.topic.low });
        const gap: LogGap = { logId: named.logId, ...range, ...lost, ...decision, recordedMs: now() };
        await recordGap(store, gap);
        setup.faults?.at('after-gap');
        return gap;
      }),

    /** What it would mean to go on with the topic as it is (made, if there is none) as a new log behind what is stored. */
    accept: (): Promise<Acceptance> =>
      withBoth(setup, async (admin, watch) => {
        await checkNobodyReads(admin, settings.topic);
        const named = await readNamedLog(store);
        const plan =
          (await rebuildPlan(setup, admin, watch, named)) ??
          (await unfinishedPlan(setup, admin, watch, named)) ??
          (await followPlan(setup, admin, named));
        return {
          ...plan,
          confirm: (decision) => withBoth(setup, (again, itsWatch) => carryOut(setup, again, itsWatch, plan, decision)),
        };
      }),
  };
}

async function withBoth<T>(
  { kafka, settings }: KafkaToolSetup,
  use: (admin: Admin, watch: TopicWatch) => Promise<T>,
): Promise<T> {
  const watch = new TopicWatch(kafka, settings.topic);
  try {
    return await withAdmin(kafka, (admin) => use(admin, watch));
  } finally {
    await watch.close();
  }
}

async function view({ settings, store }: KafkaToolSetup, admin: Admin): Promise<KafkaLogView> {
  const { topic } = settings;
  const named = await readNamedLog(store);
  const offsets = (await boundsIfThere(admin, topic)) ?? new Map<number, Bounds>();
  const base = named?.firstPosition ?? 0;
  const recorded = named === undefined ? undefined : await readLogTopic(store, named.logId);
  const partitions = recorded?.partitions ?? Math.max(offsets.size, ...(await readFirstPartitions(store, topic)));
  const [progress, acknowledged, gaps] = [
    await readProgress(store, partitions),
    await readAcknowledged(store, named?.logId ?? ''),
    await readGaps(store),
  ];
  return {
    named,
    topic,
    gaps,
    partitions: progress.map(({ partition, storedSeq, aggregatedSamples }): PartitionView => {
      const own = offsets.get(partition);
      const told = acknowledged.get(partition);
      const lost = gaps.reduce((sum, gap) => (gap.partition === partition ? sum + (gap.samples ?? 0n) : sum), 0n);
      const missing = told === undefined ? null : told.samples - aggregatedSamples - lost;
      return {
        partition,
        topic: own === undefined ? null : { low: base + own.low, head: base + own.head },
        storedNext: afterGaps(gaps, partition, storedSeq + 1),
        acknowledgedNext: told?.next ?? 0,
        missing: missing === null || missing > 0n ? missing : 0n,
      };
    }),
  };
}

interface Skipping {
  readonly watch: TopicWatch;
  readonly named: NamedLog;
  readonly range: { readonly partition: number; readonly from: number; readonly until: number };
  readonly found: PartitionView;
  readonly low: number;
}

/** What a range holds that is to be let pass. Throws LogToolError for one that must not be. */
async function whatIsLost(
  setup: KafkaToolSetup,
  { watch, named, range, found, low }: Skipping,
): Promise<Pick<LogGap, 'kind' | 'samples'>> {
  const { partition, from, until } = range;
  if (until <= from) throw new LogToolError('a range ends behind its beginning');
  if (isPassed(await readGaps(setup.store), partition, from)) throw new LogToolError(`position ${from} is let pass already`);
  if (from < found.storedNext) throw new LogToolError(`what stands at position ${from} is stored: nothing has to be let pass`);
  if (until <= low) {
    if (from !== found.storedNext)
      throw new LogToolError(
        `the first position that is missing is ${found.storedNext}: a range begins there, or something would be lost unseen`,
      );
    // doors tell what they had acknowledged once a second: nothing on record is not nothing lost
    return { kind: 'positions', samples: found.missing === 0n ? null : found.missing };
  }
  if (until !== from + 1) throw new LogToolError('messages that the topic has are let pass one at a time');
  const offset = from - named.firstPosition;
  const message = await watch.with((cluster) => fetchMessage(cluster, setup.settings.topic, partition, offset));
  if (message === undefined || Number(message.offset) !== offset)
    throw new LogToolError(`the topic has no message at position ${from}`);
  const recorded = await readLogTopic(setup.store, named.logId);
  return {
    kind: 'message',
    samples: samplesLost(message.value, from, { logId: named.logId, partition, adopted: recorded?.adopted ?? false }),
  };
}

/** The samples in a message that can't be taken in; null where it does not say. Throws LogToolError for one that can. */
function samplesLost(value: Buffer | null, position: number, expected: Parameters<typeof checkOrigin>[2]): bigint | null {
  const bytes = value ?? Buffer.alloc(0);
  try {
    recordsOf(bytes, position);
    checkOrigin(bytes, position, expected);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return samplesSaid(bytes, position, expected);
  }
  throw new LogToolError(`the message at position ${position} can be read: it is not let pass`);
}

function samplesSaid(bytes: Buffer, position: number, expected: Parameters<typeof checkOrigin>[2]): bigint | null {
  try {
    const { logId } = originOf(bytes, position);
    // another log's samples were never answered as this one's
    if (logId !== expected.logId && !(logId === undefined && expected.adopted)) return 0n;
    return BigInt(samplesInMessage(bytes, position));
  } catch {
    // nothing of ours
    return 0n;
  }
}

/** Another log must not begin while somebody works on the one before. */
async function checkNobodyReads(admin: Admin, topic: string): Promise<void> {
  const { groups } = await admin.describeGroups([`${topic}.aggregate`]);
  if (groups.some(({ members }) => members.length > 0))
    throw new LogToolError(
      `processes of Uptally are at work on topic ${topic}: stop all of them first, and wait until their sessions have ended`,
    );
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
async function rebuildPlan(
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
async function unfinishedPlan(
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
async function followPlan(
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

async function carryOut(
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
