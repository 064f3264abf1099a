/** The aggregator's thread: steps as long as the log has records, a checkpoint now and then, an answer when the door asks for room. */
import { parentPort, workerData } from 'node:worker_threads';
import { killSelf } from '../../process/ending.ts';
import { faultsOf } from '../../process/faults.ts';
import { openEmbeddedReader } from '../../log/embedded-log.ts';
import { afterGaps } from '../../log/gaps.ts';
import { LogIdentityError } from '../../log/identity.ts';
import { LogError, type LogReader } from '../../log/log.ts';
import { remoteStore } from '../../store/remote.ts';
import { isFileLimit } from '../../process/process-files.ts';
import { openServerStore } from '../../store/server.ts';
import { Aggregator } from '../aggregator.ts';
import { openCheckpoints } from '../checkpoint.ts';
import { Listening } from '../listening.ts';
import { Waker } from '../../process/waker.ts';
import type { FromThread, ThreadSetup, ToThread } from './messages.ts';
import { countNew } from '../room.ts';
import { WholeLog } from './whole-log.ts';

/**
 * A step's inserts make parts that ClickHouse has to merge, each row once more for every few parts: two steps a second are plenty, and
 * fewer the more there is to insert. Measured with `npm run bench end-to-end`.
 */
const STEP_INTERVAL_MS = 500;
const STEP_INTERVAL_MS_MAX = 2_000;
/** A step of more samples than these is followed by a longer pause in proportion … */
const STEP_SAMPLES = 12_500;
/** … unless it took so many that the log must be far ahead: then by none. */
const BEHIND_SAMPLES = 250_000;

/** Read at once when the log is looked through for damage. */
const SCAN_BYTES = 4 * 1024 * 1024;
const SCAN_RECORDS = 4096;

const setup = workerData as ThreadSetup;
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

const listening = new Listening(setup.listening);
const say = (message: FromThread): void => {
  port.postMessage(message);
};

const waker = new Waker();
let stopAtSeq: number | undefined;

async function main(): Promise<void> {
  const faults = faultsOf(process.env, killSelf);
  const log = openEmbeddedReader(setup.logPath, (message) => {
    say({ type: 'note', message });
  });
  log.passOver(setup.gaps.map(({ from, until }) => ({ from, until: until ?? from })));
  const store =
    setup.storeEnd === undefined
      ? await openServerStore({ url: setup.clickhouseUrl ?? '', cluster: setup.clickhouseCluster })
      : remoteStore(setup.storeEnd, (message) => {
          say({ type: 'note', message });
        });
  const note = (message: string): void => {
    say({ type: 'note', message });
  };
  const aggregator = new Aggregator({
    store,
    log,
    scope: new WholeLog({
      ...{ store, log, note },
      pace: () => performance.now(),
      givenUp: setup.gaps,
      afterGaps: (position) => afterGaps(setup.gaps, 0, position),
      samplesExpire: setup.samplesExpire,
      isStoreShared: setup.storeEnd === undefined,
    }),
    checkpoints: openCheckpoints(setup.checkpointDir, faults),
    constants: setup.constants,
    vmsMax: setup.vmsMax,
    nicsMax: setup.nicsMax,
    cluster: setup.clickhouseCluster,
    faults,
    note,
  });
  await aggregator.recover();
  const taking = { halted: false };
  const halt = (error: LogError): void => {
    if (!taking.halted) say({ type: 'halted', halted: { state: 'log_corrupt', detail: error.message } });
    taking.halted = true;
  };
  // before anything is answered, so that nobody is told that all is well in between
  const damage = findDamage(log, aggregator.progress().storedSeq + 1);
  if (damage !== undefined) halt(damage);

  const checkpoint = async (): Promise<void> => {
    try {
      const beforeSeq = await aggregator.checkpoint();
      if (beforeSeq !== undefined) say({ type: 'trim', beforeSeq });
    } catch (error) {
      if (!isFileLimit(error)) throw error;
      // a start reads more of the log then, and means the same
      say({ type: 'note', message: `no file is left to save the state in: later (${(error as Error).message})` });
    }
  };

  port?.on('message', (message: ToThread) => {
    if (message.type === 'room') {
      say({ type: 'room', id: message.id, names: countNew(aggregator.kernel, message.frames) });
      return;
    }
    if (message.type === 'stop') {
      stopAtSeq = message.headSeq;
      waker.stop();
    } else waker.wake();
  });
  say({ type: 'ready', progress: aggregator.progress() });

  let checkpointAt = performance.now() + setup.checkpointIntervalMs;
  for (;;) {
    const startedAt = performance.now();
    const before = aggregator.progress().aggregatedSamples;
    const did = await aggregator.step().catch((error: unknown) => {
      if (!(error instanceof LogError) || error.code !== 'log_corrupt') throw error;
      halt(error);
      return false;
    });
    if (did) say({ type: 'progress', progress: aggregator.progress() });
    if (performance.now() >= checkpointAt) {
      await checkpoint();
      checkpointAt = performance.now() + setup.checkpointIntervalMs;
    }
    const { storedSeq, aggregatedSamples } = aggregator.progress();
    if (stopAtSeq !== undefined && (storedSeq + 1 >= stopAtSeq || (taking.halted && !did))) break;
    const samples = Number(aggregatedSamples - before);
    if (!did) {
      if (listening.begin()) await waker.wait(checkpointAt - performance.now());
    } else if (stopAtSeq === undefined && samples < BEHIND_SAMPLES) {
      const untilMs = startedAt + intervalOf(samples);
      // what waits for repair is worked off between steps, a slice at a time
      while (!isStopping() && performance.now() < untilMs && (await aggregator.repair()))
        say({ type: 'progress', progress: aggregator.progress() });
      // being told to stop ends the step's interval, and nothing else does
      if (untilMs > performance.now()) await waker.pause(untilMs - performance.now());
    }
  }
  await checkpoint();
  log.close();
  await store.close();
  say({ type: 'stopped' });
  port?.close();
}

/** The first record that can't be read from a position on; undefined when all can. */
function findDamage(log: LogReader, fromSeq: number): LogError | undefined {
  try {
    for (let seq = fromSeq; ;) {
      const last = log.read(seq, SCAN_BYTES, SCAN_RECORDS).at(-1);
      if (last === undefined) return undefined;
      seq = last.seq + 1;
    }
  } catch (error) {
    if (error instanceof LogError && error.code === 'log_corrupt') return error;
    throw error;
  }
}

function isStopping(): boolean {
  return stopAtSeq !== undefined;
}

function intervalOf(samples: number): number {
  return Math.min(STEP_INTERVAL_MS_MAX, STEP_INTERVAL_MS * Math.max(1, samples / STEP_SAMPLES));
}

main().catch((error: unknown) => {
  const known = error instanceof Error ? error : new Error(String(error));
  say({ type: 'failed', message: known.message, stack: known.stack, byIdentity: known instanceof LogIdentityError });
});
