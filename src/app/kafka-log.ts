/**
 * Which log the topic carries, settled before any role begins: it must be the one that the database names, the same topic as far as the brokers
 * tell, and hold everything that is known to have been in it. Only a database without any log gets a new one, and only for it is a topic made.
 */
import type { Admin } from 'kafkajs';
import { readProgress } from '../aggregate/progress.ts';
import { LogIdentityError, newLogId } from '../log/identity.ts';
import { withAdmin } from '../log/kafka/connection.ts';
import { type TopicNow } from '../log/kafka/topic-now.ts';
import { checkOrigin } from '../log/kafka/message.ts';
import {
  boundsOf,
  checkTopicConfig,
  createTopic,
  type KafkaLog,
  messageBytesMaxOf,
  TopicError,
  topicNow,
} from '../log/kafka/topic.ts';
import { TopicWatch } from '../log/kafka/watch.ts';
import { readFirstPartitions, readLogTopic, recordAcknowledged, recordLogTopic } from '../store/kafka-log.ts';
import { nameLog, type NamedLog, readNamedLog } from '../store/named-log.ts';
import type { Store } from '../store/store.ts';
import {
  type FoundTopic,
  type LogSetup,
  newestMessages,
  ADVICE,
  foreign,
  gone,
  partitionsChanged,
  otherLog,
  checkHoldsAll,
} from './kafka-log-checks.ts';

/** Finds the log, or makes it for a database that has had none. Throws TopicError or LogIdentityError when it must not be used. */
export async function openKafkaLog(setup: LogSetup): Promise<KafkaLog> {
  const { kafka, settings, store } = setup;
  const watch = new TopicWatch(kafka, settings.topic);
  try {
    return await withAdmin(kafka, async (admin) => {
      const named = (await readNamedLog(store)) ?? (await nameFirst(setup, admin, watch));
      const found = await theTopic(setup, admin, watch, named);
      await checkTopicConfig(admin, settings.topic);
      const known = await checkHoldsAll(setup, admin, watch, named, found);
      return {
        logId: named.logId,
        topic: found.now,
        base: named.firstPosition,
        adopted: found.recorded.adopted,
        partitions: found.recorded.partitions,
        starts: found.recorded.starts.map((offset) => named.firstPosition + offset),
        known,
        messageBytesMax: await messageBytesMaxOf(admin, settings.topic),
      };
    });
  } finally {
    await watch.close();
  }
}

/** A database that names no log: of a version without ids, or new. */
async function nameFirst(setup: LogSetup, admin: Admin, watch: TopicWatch): Promise<NamedLog> {
  const { settings, store, now, randomBytes, faults } = setup;
  const { topic } = settings;
  const first = await readFirstPartitions(store, topic);
  const hasRows = await hasProgress(store);
  let found = await topicNow(admin, watch, topic);
  const adopted = first.length > 0;
  if (hasRows && !adopted)
    throw new LogIdentityError('log_foreign', {
      found: `the rows of this database don't come from topic ${topic}`,
      expected: 'the log that they come from is expected, and its positions say nothing about another',
      advice: ADVICE,
    });
  if (adopted && found === undefined) throw gone(topic);
  if (found === undefined) {
    await createTopic(admin, settings);
    found = await topicNow(admin, watch, topic);
  }
  // the brokers tell of a new topic one after another
  if (found === undefined) throw new Error(`topic ${topic} is not there yet`);
  if (adopted) await checkAdoptable(setup, admin, watch, found, first);
  else await checkEmpty(admin, topic);
  const logId = newLogId(randomBytes);
  await recordLogTopic(store, { logId, topic, adopted, starts: [], ...found }, now());
  faults?.at('after-log-topic');
  if (adopted) {
    // what was answered before logs had ids is at least what is stored
    const before = await readProgress(store, found.partitions);
    const acknowledged = before.map(({ storedSeq, aggregatedSamples }) => ({ next: storedSeq + 1, samples: aggregatedSamples }));
    await recordAcknowledged(store, { logId, instance: 'before', acknowledged, nowMs: now() });
    faults?.at('after-log-acknowledged');
  }
  const named = await nameLog(store, 1, {
    logId,
    kind: 'kafka',
    name: topic,
    firstPosition: 0,
    recordedMs: now(),
    recordedBy: '',
  });
  faults?.at('after-log-named');
  return named;
}

async function hasProgress(store: Store): Promise<boolean> {
  const [row] = await store.rows<{ n: string }>('SELECT count() AS n FROM progress');
  return row !== undefined && row.n !== '0';
}

/** A topic of the version before: the same number of partitions, and no message of a log with an id. */
async function checkAdoptable(
  setup: LogSetup,
  admin: Admin,
  watch: TopicWatch,
  found: TopicNow,
  first: readonly number[],
): Promise<void> {
  const { topic } = setup.settings;
  for (const recorded of first) if (recorded !== found.partitions) throw partitionsChanged(topic, recorded, found.partitions);
  for (const { partition, offset, value } of await newestMessages(admin, watch, topic)) {
    const other = otherLog(() => {
      checkOrigin(value, offset, { logId: '', partition, adopted: true });
    });
    if (other !== undefined)
      throw foreign(topic, `topic ${topic} holds a log that has an id`, 'this database has rows and names no log');
  }
}

/** For a database without rows: messages that are there would be another's, or of a database that was lost. */
async function checkEmpty(admin: Admin, topic: string): Promise<void> {
  for (const [partition, { head }] of await boundsOf(admin, topic)) {
    if (head > 0)
      throw foreign(
        topic,
        `partition ${partition} of topic ${topic} has had ${head} messages`,
        'this database has no rows, so they are of another deployment, or of a database that was lost',
      );
  }
}

/** The topic as it is, which must be the one that the log was first used with. */
async function theTopic({ settings, store }: LogSetup, admin: Admin, watch: TopicWatch, named: NamedLog): Promise<FoundTopic> {
  const { topic } = settings;
  if (named.kind !== 'kafka' || named.name !== topic) {
    const where = named.kind === 'kafka' ? `topic ${named.name}` : 'the embedded log of a data folder';
    throw new LogIdentityError('log_foreign', {
      found: `the log is to be topic ${topic}`,
      expected: `the rows of this database come from ${where}`,
      advice: ADVICE,
    });
  }
  const now = await topicNow(admin, watch, topic);
  if (now === undefined) throw gone(topic);
  const recorded = await readLogTopic(store, named.logId);
  if (recorded === undefined)
    throw new TopicError(`the database names log ${named.logId} and says nothing of its topic: restore a backup of it`);
  if (recorded.partitions !== now.partitions) throw partitionsChanged(topic, recorded.partitions, now.partitions);
  if (recorded.uuid !== undefined && now.uuid !== undefined && recorded.uuid !== now.uuid)
    throw new LogIdentityError('log_foreign', {
      found: `the brokers call topic ${topic} ${now.uuid}`,
      expected: `they called it ${recorded.uuid} when log ${named.logId} began: it was deleted and made again, or is another cluster's`,
      advice: ADVICE,
    });
  return { now, recorded };
}
