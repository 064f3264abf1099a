/** What a range of a topic holds that is to be let pass, and whether it may be. */
import { isPassed } from '../log/gaps.ts';
import { fetchMessage } from '../log/kafka/internals.ts';
import { checkOrigin, originOf, recordsOf, samplesInMessage } from '../log/kafka/message.ts';
import type { TopicWatch } from '../log/kafka/watch.ts';
import { LogError } from '../log/log.ts';
import { readLogTopic } from '../store/kafka-log.ts';
import { type LogGap, type NamedLog, readGaps } from '../store/named-log.ts';
import { LogToolError } from './decision.ts';
import { type KafkaToolSetup, type PartitionView } from './kafka-view.ts';

interface Skipping {
  readonly watch: TopicWatch;
  readonly named: NamedLog;
  readonly range: { readonly partition: number; readonly from: number; readonly until: number };
  readonly found: PartitionView;
  readonly low: number;
}

/** What a range holds that is to be let pass. Throws LogToolError for one that must not be. */
export async function whatIsLost(
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
