import { parseInstant } from '../domain/instant.ts';
import { DAY_MS, localDay, MINUTE_MS, offsetAt, type Zone, zoneOf } from '../domain/zone.ts';
import type { Words } from './words/words.ts';

/** Instants as people read them, in a document's zone and language. */
export class Moments {
  readonly #zone: Zone;
  readonly #words: Words;

  constructor(zoneName: string | undefined, words: Words) {
    const zone = zoneOf(zoneName ?? 'UTC') ?? zoneOf('UTC');
    if (zone === undefined) throw new Error('the runtime has no UTC');
    this.#zone = zone;
    this.#words = words;
  }

  get zoneName(): string {
    return this.#zone.name;
  }

  /** `14 March 2026`. */
  date(instant: string): string {
    return this.#words.date(this.#day(instant));
  }

  /** `14 March 2026 02:10`. */
  dateTime(instant: string): string {
    return `${this.date(instant)} ${this.#clock(instant)}`;
  }

  /** `14 Mar 02:10`. */
  short(instant: string): string {
    return `${this.#words.shortDate(this.#day(instant))} ${this.#clock(instant)}`;
  }

  /** From one instant to another: `14 Mar 02:10–08:11`, `14 Mar 23:10 – 15 Mar 01:00`. */
  span(from: string, to: string): string {
    const isOneDay = this.#day(from).dayNumber === this.#day(to).dayNumber;
    return isOneDay ? `${this.short(from)}–${this.#clock(to)}` : `${this.short(from)} – ${this.short(to)}`;
  }

  /** The days from one instant up to another, which they do not reach; with their times where they are not whole days. */
  days(from: string, to: string): string {
    const last = this.#day(to, -1);
    const first = this.#day(from);
    const isWhole = minuteOf(from) === first.startMinute && minuteOf(to) === last.startMinute + last.minutes;
    return isWhole ? this.#words.range(first, last) : this.span(from, to);
  }

  /** Whole days between two instants, rounded. */
  daysBetween(from: string, to: string): number {
    return Math.round(((parseInstant(to) ?? 0) - (parseInstant(from) ?? 0)) / DAY_MS);
  }

  /** The month that begins at an instant in a zone. */
  month(instant: string, zoneName: string): string {
    return this.#words.month(localDay(zoneOf(zoneName) ?? this.#zone, minuteOf(instant)));
  }

  #day(instant: string, shift = 0): ReturnType<typeof localDay> {
    return localDay(this.#zone, minuteOf(instant) + shift);
  }

  #clock(instant: string): string {
    const minute = minuteOf(instant);
    const clock = (((minute + offsetAt(this.#zone, minute)) % 1440) + 1440) % 1440;
    const seconds = Math.floor((parseInstant(instant) ?? 0) / 1000) % 60;
    const two = (n: number): string => n.toString().padStart(2, '0');
    return `${two(Math.floor(clock / 60))}:${two(clock % 60)}${seconds === 0 ? '' : `:${two(seconds)}`}`;
  }
}

function minuteOf(instant: string): number {
  return Math.floor((parseInstant(instant) ?? 0) / MINUTE_MS);
}
