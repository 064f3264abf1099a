/**
 * The way past a topic that is not the log any more, and past what can't be read of one that is: what an operator decides, recorded for ever. A
 * message is let pass only if nobody can read it, a range only if the topic does not have it, and another log follows on what is stored.
 */
import type { Admin } from 'kafkajs';
import { withAdmin } from '../log/kafka/connection.ts';
import { TopicWatch } from '../log/kafka/watch.ts';
import { type LogGap, readNamedLog, recordGap } from '../store/named-log.ts';
import { type Decision, LogToolError } from './decision.ts';
import { type KafkaToolSetup, type KafkaLogView, view } from './kafka-view.ts';
import { whatIsLost } from './kafka-loss.ts';
import { type GivenUp, rebuildPlan, unfinishedPlan, followPlan, carryOut } from './kafka-plans.ts';

export { type Decision, LogToolError } from './decision.ts';

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

/** Another log must not begin while somebody works on the one before. */
async function checkNobodyReads(admin: Admin, topic: string): Promise<void> {
  const { groups } = await admin.describeGroups([`${topic}.aggregate`]);
  if (groups.some(({ members }) => members.length > 0))
    throw new LogToolError(
      `processes of Uptally are at work on topic ${topic}: stop all of them first, and wait until their sessions have ended`,
    );
}
