/**
 * What time it is. The machine's clock is followed as long as it goes as fast as time does; a leap that the monotonic clock knows nothing of is refused,
 * and told: rows that a wrong minute has published, and samples that it has judged, cannot be taken back. While a leap is refused the time goes on by the
 * monotonic clock. Whether it was right the agents know: their samples are of now.
 */
import { uptime } from 'node:os';

/** Steps that time services make, and what a machine is ahead or behind after a short pause: followed. */
const LEAP_MS = 10_000;
/** What the clock has been followed by is allowed again by and by: services that slew a clock make it go up to a tenth too fast. */
const ALLOWED_AGAIN = 0.1;
/** Shorter sleeps cannot be told from the steps in which the machine counts. */
const SLEEP_MS = 100;
/** A sample that is about now says so to this, or to a third of the leap. */
const NOW_MS = 60_000;
/** How long the agents must agree with a leap, and none with the time before it. */
const AGREED_MS = 60_000;

export interface Clocks {
  /** The machine's time of day. */
  readonly wallMs: () => number;
  /** Goes on while the process runs. */
  readonly monotonicMs: () => number;
  /** Goes on while the machine sleeps, too. */
  readonly bootMs: () => number;
}

/** What somebody who sends samples takes for now. */
export interface Word {
  /** Who. */
  readonly key: string;
  /** The newest instant that was accepted, if any was. */
  readonly newestMs: number | undefined;
  /** How many were refused for lying in the future. */
  readonly ahead: number;
}

interface Refused {
  /** Who said that the machine's clock is right. */
  readonly agreed: Set<string>;
  /** Since when nobody has said that it is wrong. */
  undisputedMs: number;
}

export interface ClockOptions {
  readonly clocks?: Partial<Clocks>;
  /** A leap was refused, or is followed after all. */
  readonly note?: (message: string) => void;
  /** How far this clock is ahead of the machine's at first: of a process that joins others which refuse a leap. */
  readonly aheadMs?: number;
}

export class ProductClock {
  readonly #clocks: Clocks;
  readonly #note: (message: string) => void;
  #nowMs: number;
  #monotonicMs: number;
  /** How long the machine has slept since it was started; asked for only when the time of day has gone on more than this process has. */
  #sleptMs: number;
  #allowanceMs = LEAP_MS;
  #refused: Refused | undefined;
  /** Leaps that were refused since this process began. */
  leaps = 0;
  /** Told when a refused leap is followed after all. */
  onFollow: () => void = () => undefined;

  constructor({ clocks: given = {}, note = () => undefined, aheadMs = 0 }: ClockOptions = {}) {
    const clocks = { ...MACHINE, ...given };
    this.#clocks = clocks;
    this.#note = note;
    this.#nowMs = clocks.wallMs() + aheadMs;
    this.#monotonicMs = clocks.monotonicMs();
    this.#sleptMs = this.#sleep();
    if (aheadMs !== 0) this.#refuse();
  }

  /** The time that the product goes by. */
  nowMs(): number {
    const wall = this.#clocks.wallMs();
    const monotonic = this.#clocks.monotonicMs();
    const ran = Math.max(0, monotonic - this.#monotonicMs);
    const earliest = this.#nowMs + ran;
    // a machine that slept is right to have gone on
    const latest = earliest + (wall > earliest + SLEEP_MS ? this.#newlySlept() : 0);
    const leapMs = wall > latest ? wall - latest : Math.min(0, wall - earliest);
    this.#monotonicMs = monotonic;
    this.#allowanceMs = Math.min(LEAP_MS, this.#allowanceMs + ran * ALLOWED_AGAIN);
    if (Math.abs(leapMs) <= this.#allowanceMs) {
      this.#allowanceMs -= Math.abs(leapMs);
      this.#nowMs = wall;
      if (this.#refused !== undefined) this.#agree(`the machine's clock agrees again with the time that this server goes by`);
    } else {
      this.#nowMs = Math.round(latest);
      if (this.#refused === undefined) {
        this.leaps += 1;
        this.#refuse();
        this.#note(
          `the machine's clock has leapt by ${seconds(leapMs)} s, from ${instant(latest)} to ${instant(wall)}, which the monotonic clock knows nothing of: ` +
            'it is not followed, and time goes on as it did. Set the clock right; or, if it is right now, wait until agents have said so for a minute, or start the server again',
        );
      } else if (this.#isAgreed()) this.follow();
    }
    return this.#nowMs;
  }

  /** How far the machine's clock is ahead of this one, as far as it is refused; 0 while they agree. */
  get refusedMs(): number {
    const now = this.nowMs();
    return this.#refused === undefined ? 0 : this.#clocks.wallMs() - now;
  }

  /** Whether it is worth hearing what senders take for now. */
  get isRefusing(): boolean {
    return this.#refused !== undefined;
  }

  /** What a sender's samples say about the time, while a leap is refused. */
  hear({ key, newestMs, ahead }: Word): void {
    const refused = this.#refused;
    if (refused === undefined) return;
    const now = this.nowMs();
    const wall = this.#clocks.wallMs();
    const toleranceMs = Math.min(NOW_MS, Math.abs(wall - now) / 3);
    const isNow = (ms: number): boolean => newestMs !== undefined && Math.abs(newestMs - ms) <= toleranceMs;
    if (isNow(now) && !isNow(wall)) {
      refused.agreed.clear();
      refused.undisputedMs = this.#monotonicMs;
    } else if ((isNow(wall) && !isNow(now)) || (ahead > 0 && wall > now)) refused.agreed.add(key);
  }

  /** Takes the machine's clock for right, wherever it stands. */
  follow(): void {
    const wall = this.#clocks.wallMs();
    const byMs = wall - this.#nowMs;
    this.#nowMs = wall;
    this.#allowanceMs = LEAP_MS;
    if (this.#refused === undefined) return;
    this.#agree(`the machine's clock is followed after all, by ${seconds(byMs)} s: agents' samples say that it is right`);
    this.onFollow();
  }

  #sleep(): number {
    return this.#clocks.bootMs() - this.#clocks.monotonicMs();
  }

  #newlySlept(): number {
    const before = this.#sleptMs;
    this.#sleptMs = this.#sleep();
    const slept = this.#sleptMs - before;
    return slept < SLEEP_MS ? 0 : slept;
  }

  #refuse(): void {
    this.#refused = { agreed: new Set(), undisputedMs: this.#monotonicMs };
  }

  #agree(message: string): void {
    this.#refused = undefined;
    this.#note(message);
  }

  #isAgreed(): boolean {
    const refused = this.#refused;
    return refused !== undefined && refused.agreed.size > 0 && this.#monotonicMs - refused.undisputedMs >= AGREED_MS;
  }
}

/**
 * On Linux the machine's uptime goes on while it sleeps, to ten milliseconds. Elsewhere it may be reckoned from the time of day, and is worth nothing here;
 * there the process' own clock goes on.
 */
const MACHINE: Clocks = {
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
  bootMs: process.platform === 'linux' ? () => uptime() * 1000 : () => performance.now(),
};

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
