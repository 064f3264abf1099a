/** What a round saw, for people: counted, in the log when it changes, and as a table. */
import { LEFT_OUT, type AgentLog, type LeftOut, type Reading, type Seen } from '../samples/reading.ts';

export interface RoundCounts {
  /** seen = metered + stateOnly + leftOut. */
  readonly seen: number;
  readonly metered: number;
  readonly stateOnly: number;
  readonly leftOut: number;
  readonly reasons: Readonly<Record<LeftOut, number>>;
}

/** Everything that a round saw; of a reader that tells only what it sends, that. */
export function seenIn(reading: Reading): readonly Seen[] {
  return (
    reading.seen ??
    reading.observations.map((observation): Seen => ({
      source: observation.nic === '' ? observation.vm : `${observation.vm} ${observation.nic}`,
      result: observation.counters === null ? 'state_only' : 'metered',
      why: '',
      observation,
    }))
  );
}

export function countsOf(seen: readonly Seen[]): RoundCounts {
  const reasons = Object.fromEntries(LEFT_OUT.map((reason) => [reason, 0])) as Record<LeftOut, number>;
  let [metered, stateOnly, leftOut] = [0, 0, 0];
  for (const { result } of seen) {
    if (result === 'metered') metered++;
    else if (result === 'state_only') stateOnly++;
    else {
      leftOut++;
      reasons[result]++;
    }
  }
  return { seen: seen.length, metered, stateOnly, leftOut, reasons };
}

/** The counts as fields of a log line, without the reasons that nothing has. */
export function countFields(counts: RoundCounts): Record<string, number> {
  const { seen, metered, stateOnly, leftOut, reasons } = counts;
  const given = Object.entries(reasons).filter(([, n]) => n > 0);
  return { seen, metered, state_only: stateOnly, left_out: leftOut, ...Object.fromEntries(given) };
}

/** What a line each would say of every host, all the time: in the counts and in the table only. */
const EXPECTED: ReadonlySet<string> = new Set<LeftOut>(['not_picked', 'no_guest_end', 'same_frames', 'elsewhere']);
/** Of so many things the log remembers what it has said. */
const REMEMBERED_MAX = 1_000;
export const SUMMARY_EVERY_MS = 600_000;

/**
 * Says what rounds saw: the counts when they change, and again every ten minutes; a line for each thing that ought to be metered and is
 * not, once, and one when it is.
 */
export class RoundLog {
  readonly #log: AgentLog;
  readonly #now: () => number;
  readonly #leftOut = new Map<string, string>();
  #said = '';
  #saidAtMs = 0;
  #failedSinceMs: number | null = null;

  constructor(log: AgentLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** @param more fields for the line that comes every ten minutes */
  round(seen: readonly Seen[], more: () => Readonly<Record<string, unknown>>): void {
    const now = this.#now();
    if (this.#failedSinceMs !== null) {
      this.#log('info', 'the source can be read again', { away_ms: now - this.#failedSinceMs });
      this.#failedSinceMs = null;
    }
    this.#tellChanges(seen);
    const counts = countsOf(seen);
    const fields = countFields(counts);
    const text = JSON.stringify(fields);
    const due = now - this.#saidAtMs >= SUMMARY_EVERY_MS || now < this.#saidAtMs;
    if (text === this.#said && !due) return;
    const nothing = counts.metered + counts.stateOnly === 0;
    const message = nothing ? 'nothing is metered: choose with --match or --map (--once shows what is there)' : 'what is metered';
    this.#log(nothing ? 'warn' : 'info', message, text === this.#said ? { ...fields, ...more() } : fields);
    this.#said = text;
    this.#saidAtMs = now;
  }

  failed(): void {
    this.#failedSinceMs ??= this.#now();
  }

  #tellChanges(seen: readonly Seen[]): void {
    const missing = new Set<string>();
    for (const { source, result, why } of seen) {
      if (result === 'metered' || result === 'state_only' || EXPECTED.has(result)) continue;
      missing.add(source);
      if (this.#leftOut.get(source) === result) continue;
      if (!this.#leftOut.has(source) && this.#leftOut.size >= REMEMBERED_MAX) continue;
      this.#leftOut.set(source, result);
      this.#log('warn', 'left out', { source, reason: result, why });
    }
    const there = new Set(seen.map(({ source }) => source));
    for (const source of [...this.#leftOut.keys()]) {
      if (missing.has(source)) continue;
      this.#leftOut.delete(source);
      // A domain's line stands for its interfaces, which have lines of their own when it answers.
      if (there.has(source) || seen.some((one) => one.source.startsWith(`${source} `)))
        this.#log('info', 'is metered again', { source });
    }
  }
}
