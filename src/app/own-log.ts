/** The embedded log of this process: where it lies, and whether it is the one that the database's rows come from. */
import { join } from 'node:path';
import { openCheckpoints } from '../aggregate/checkpoint.ts';
import { settleOwnLog } from '../aggregate/embedded/own-log.ts';
import { openEmbeddedReader, openEmbeddedWriter, type EmbeddedWriter } from '../log/embedded-log.ts';
import { finishReplacing } from '../log/replace.ts';
import type { Config } from '../process/config.ts';
import { type LogGap, readNamedLog } from '../store/named-log.ts';
import type { Store } from '../store/store.ts';
import { type AppOptions, givenFaults } from './parts.ts';

/** Opens the log that the database's rows come from. Throws LogIdentityError for any other. */
export async function openOwnLog(
  { config, logger, now, faults, onFatal, randomBytes }: AppOptions,
  store: Store,
  gaps: readonly LogGap[],
  stillOurs: () => void,
): Promise<EmbeddedWriter> {
  const path = logPathOf(config);
  const named = await readNamedLog(store);
  if (named !== undefined) await finishReplacing(path, named.logId, faults);
  const log = openEmbeddedWriter({ path, onFatal, stillOurs, ...givenFaults(faults) });
  const reader = openEmbeddedReader(path);
  try {
    await settleOwnLog({
      ...{ store, writer: log, reader, nowMs: now(), randomBytes, gaps, faults },
      checkpoints: openCheckpoints(checkpointsOf(config), faults),
      note: (message) => {
        logger.warn(message);
      },
    });
  } catch (error) {
    await log.close();
    throw error;
  } finally {
    reader.close();
  }
  return log;
}

export function logPathOf({ dataDir }: Config): string {
  return join(dataDir, 'log');
}

export function checkpointsOf({ dataDir }: Config): string {
  return join(dataDir, 'checkpoints');
}

/** What was let pass of this log and is in its count of samples. */
export function gapsOf(gaps: readonly LogGap[], logId: string) {
  return gaps
    .filter((gap) => gap.logId === logId)
    .map(({ partition, from, until, samples }) => ({ partition, from, until, samples: samples ?? 0n }));
}
