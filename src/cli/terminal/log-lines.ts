/** What `uptally log` says, for people. */
import type { EmbeddedLogView } from '../../log-tool/embedded-tool.ts';
import type { Acceptance } from '../../log-tool/kafka.ts';
import type { KafkaLogView } from '../../log-tool/kafka-view.ts';
import type { LogGap } from '../../store/named-log.ts';
import { gapLine } from './gap-lines.ts';

/** An embedded log beside its database. */
export function embeddedLines({ named, log, stored, gaps, refused }: EmbeddedLogView): string[] {
  const file =
    typeof log === 'string'
      ? [`log        ${log}`]
      : [
          `log        ${log.logId === '' ? 'without an id' : log.logId}: records ${log.first} to ${log.head - 1}, ${log.samples} samples since it began`,
          log.damage === null
            ? 'damage     none: every record that is not stored yet can be read'
            : `damage     records from ${log.damage.from} to before ${log.damage.until} can't be read (${log.damage.samples ?? 'unknown'} samples): uptally log skip --record ${log.damage.from}`,
        ];
  return [
    `database   ${named === undefined ? 'names no log yet' : `names log ${named.logId}${named.kind === 'kafka' ? `, topic ${named.name}` : ''}`}`,
    ...file,
    `stored     ${stored === undefined ? 'nothing' : `up to record ${stored.seq}; rows of up to record ${stored.reach} may be`}`,
    refused === null ? 'A server starts with them.' : `A server refuses to start: ${refused}`,
    ...gapLines(gaps),
  ];
}

/** A topic beside its database. */
export function kafkaLines({ named, topic, partitions, gaps }: KafkaLogView): string[] {
  return [
    `database   ${named === undefined ? 'names no log yet' : `names log ${named.logId}, ${named.kind === 'kafka' ? `topic ${named.name}` : 'embedded'}`}`,
    ...partitions.map((each) => {
      const has = each.topic === null ? 'no such topic' : `has positions ${each.topic.low} to ${each.topic.head - 1}`;
      return `partition ${each.partition} of ${topic}: ${has}; stored up to ${each.storedNext - 1}, acknowledged up to ${each.acknowledgedNext - 1}, ${each.missing ?? 'unknown'} samples neither stored nor given up`;
    }),
    ...gapLines(gaps),
  ];
}

function gapLines(gaps: readonly LogGap[]): string[] {
  return gaps.map((gap) => gapLine(gap));
}

/** What another log in the topic's place would mean. */
export function acceptanceLines({ logId, base, givenUp }: Omit<Acceptance, 'confirm'>): string[] {
  const lines = givenUp.map(
    (each) =>
      `partition ${each.partition}: positions ${each.from} to ${each.until - 1}, ${each.samples ?? 'an unknown number of'} answered samples`,
  );
  return [`Log ${logId} begins at position ${base}; given up: ${lines.length === 0 ? 'nothing that is known' : ''}`, ...lines];
}
