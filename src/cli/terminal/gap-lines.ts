import { formatInstant } from '../../domain/instant.ts';
import type { LogGap } from '../../store/named-log.ts';

/** What was given up, for people. */
export function gapLine({ kind, from, until, samples, logId, partition, why, who, recordedMs }: LogGap): string {
  const many = samples === null ? 'an unknown number of answered samples' : `${samples} answered samples`;
  const range =
    until === null ? `from position ${from} on` : until === from + 1 ? `position ${from}` : `positions ${from} to ${until - 1}`;
  const log = logId === '' ? 'a log of before there were ids' : `log ${logId}`;
  return `Given up: ${many} (${kind}, ${range} of partition ${partition} of ${log}), by ${who} at ${formatInstant(recordedMs)}: ${why}`;
}
