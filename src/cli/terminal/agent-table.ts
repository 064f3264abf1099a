import type { Seen } from '../../samples/reading.ts';
import { countFields, countsOf } from '../../agent/round-report.ts';
import { writeLine, type CliContext } from './context.ts';
import { tableLines } from '../../process/text-table.ts';

/** What a round saw as a table for people: what is metered comes first, what was left out stands below with why. */
export function seenLines(seen: readonly Seen[]): string[] {
  const order = (one: Seen): number => (one.result === 'metered' ? 0 : one.result === 'state_only' ? 1 : 2);
  const rows = [...seen].sort((a, b) => order(a) - order(b));
  return tableLines(
    ['SOURCE', 'VM', 'NIC', 'RECEIVED', 'SENT', 'STATE', 'RESULT', 'WHY'],
    rows.map(({ source, result, why, observation }) => [
      printable(source),
      observation?.vm ?? '-',
      observation?.nic === undefined || observation.nic === '' ? '-' : observation.nic,
      observation?.counters?.rxBytes.toString() ?? '-',
      observation?.counters?.txBytes.toString() ?? '-',
      observation === undefined ? '-' : observation.downCause === null ? 'up' : `down (${observation.downCause})`,
      result.replaceAll('_', ' '),
      printable(why),
    ]),
  );
}

/** Prints the table of a round, and under it the counts. */
export function printRound(seen: readonly Seen[], context: CliContext): void {
  for (const line of seenLines(seen)) writeLine(context.stdout, line);
  const counts = Object.entries(countFields(countsOf(seen))).map(([name, n]) => `${name.replaceAll('_', ' ')} ${n}`);
  writeLine(context.stdout, counts.join(', '));
}

/** A guest's owner may choose its name: what would move the cursor or change colours is shown as what it is. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => JSON.stringify(character).slice(1, -1));
}
