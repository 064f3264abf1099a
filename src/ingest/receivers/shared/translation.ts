/** A post of a source on its way into the binary format: what became of its points, and the records of those that are samples. */
import { BatchWriter } from '../../../samples/batch-writer.ts';
import { REJECTION_CODES } from '../../../samples/rejection.ts';
import { type Asked, type Candidate, OpenElection } from '../../../sources/replicas/candidate.ts';
import type { MappedSample, Outcome, Series } from '../../../sources/source.ts';
import { isInexact, whyNoCounter, whyNoInteger } from '../../../sources/value.ts';
import type { Counted, SourceCounts } from '../../../sources/source-counts.ts';
import type { Receipt } from './receiver.ts';

/** Reasons that an answer may tell; the rest are counted. */
const REASONS_MAX = 10;

export class Translation {
  readonly #writer = new BatchWriter();
  readonly #counts = new Map<Counted, number>();
  readonly #reasons: string[] = [];
  #rejected = 0;
  /** Replicas of whom it is open whether they are heard, with the latest instant of each. */
  readonly #open = new Map<Candidate, number>();

  get samples(): number {
    return this.#writer.samples;
  }

  /** Points that a rule wants and that are no samples. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Why, of the first of them. */
  get reasons(): readonly string[] {
    return this.#reasons;
  }

  count(what: Counted, n = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + n);
  }

  reject(code: string, why: string): void {
    this.#rejected++;
    this.count(`rejected:${code}`);
    if (this.#reasons.length < REASONS_MAX) this.#reasons.push(`${code}: ${why}`);
  }

  add(outcome: Outcome): void {
    if (outcome.kind === 'left_out') this.count(outcome.why);
    else if (outcome.kind === 'rejected') this.reject(outcome.code, outcome.why);
    else if (this.#isHeard(outcome.candidate, outcome.sample.atMs)) {
      this.#sample(outcome.sample);
      if (outcome.inexact) this.count('inexact');
    }
  }

  /** The value of a series at an instant, as `outcomeOf` has it, without an object in between. */
  addValue(series: Series, given: number | bigint, atMs: number, startedAtMs: number | null): void {
    if (series.kind !== 'taken') {
      this.add(series);
      return;
    }
    if (!Number.isSafeInteger(atMs) || atMs < 0) {
      this.reject('bad_ts', 'the instant is before 1970 or beyond what a clock shows');
      return;
    }
    // an integer that a float holds as well is dealt with as one
    const value = typeof given === 'bigint' && given >= 0n && given < 2n ** 53n ? Number(given) : given;
    const { target } = series;
    if (target.candidate !== null && !this.#isHeard(target.candidate, atMs)) return;
    const { vm, nic, host, part, epoch, holdS, linkMbps, sum } = target;
    if (part === 'state') {
      const state = target.stateOf(Number(value));
      if (state === undefined) this.reject('bad_state', `the mapping does not say what the state ${value} means`);
      else if (state === 'none') this.count('empty');
      else this.#record({ vm, nic, host, atMs, rx: null, tx: null, epoch, startedAtMs: null, state, holdS, linkMbps, sum });
      return;
    }
    const why = typeof value === 'bigint' ? whyNoInteger(value) : whyNoCounter(value);
    if (why !== undefined) {
      this.reject('bad_counter', why);
      return;
    }
    const inexact = typeof value === 'number' && isInexact(value);
    if (inexact) this.count('inexact');
    const bytes = inexact ? BigInt(value) : value;
    const [rx, tx] = part === 'rx' ? [bytes, null] : [null, bytes];
    const started = startedAtMs !== null && startedAtMs > 0 && startedAtMs < atMs ? startedAtMs : null;
    this.#record({ vm, nic, host, atMs, rx, tx, epoch, startedAtMs: started, state: target.alive, holdS, linkMbps, sum });
  }

  /** Of replicas that tell the same one is heard; the others' are left out. */
  #isHeard(candidate: Candidate | null, atMs: number): boolean {
    const standing = candidate?.standing(atMs) ?? 'heard';
    if (standing === 'heard' || candidate === null) return true;
    if (standing === 'open') this.#open.set(candidate, Math.max(this.#open.get(candidate) ?? 0, atMs));
    else this.count('replica');
    return false;
  }

  #sample({ rxBytes: rx, txBytes: tx, ...rest }: MappedSample): void {
    this.#record({ ...rest, rx, tx });
  }

  #record(record: Parameters<BatchWriter['add']>[0]): void {
    this.#writer.add(record);
    this.count('taken');
  }

  /** The body of what was translated. Throws OpenElection. */
  body(): readonly Uint8Array[] {
    if (this.#open.size > 0) throw new OpenElection(this.#asked());
    return this.#writer.body();
  }

  #asked(): Asked[] {
    const latest = new Map<string, Asked>();
    for (const [{ group, replica, failoverMs }, atMs] of this.#open) {
      const { source, cluster } = group;
      const key = JSON.stringify([source, cluster, replica]);
      latest.set(key, { source, cluster, replica, failoverMs, atMs: Math.max(atMs, latest.get(key)?.atMs ?? 0) });
    }
    return [...latest.values()];
  }

  /** Adds to a source's counts, once its samples are durable: what the kernel refused of the records is not taken. */
  settle(counts: SourceCounts, { rejectedByCode }: Pick<Receipt, 'rejectedByCode'>): void {
    for (const [what, n] of this.#counts) counts.add(what, n);
    for (const [place, n] of rejectedByCode.entries()) {
      if (n === 0) continue;
      counts.add('taken', -n);
      counts.add(`rejected:${REJECTION_CODES[place] ?? ''}`, n);
    }
  }
}
