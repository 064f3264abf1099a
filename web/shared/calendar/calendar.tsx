/** The minute calendar: a month of days and hours, an hour of minutes. Tables and buttons: by mouse, by arrow keys, and read aloud. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { MINUTE_MS } from '../../../src/domain/zone.ts';
import { length, nanos, percent, whole } from '../format.ts';
import { Nanos } from '../ui.tsx';
import { say, sayCode } from '../words.ts';
import { type Cell, causesOf, LETTERS, lookOf, LOOKS, type Month, type Span, sumOf, type UptimeRow } from './month.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** What a cell says to whoever does not see it: `47 min provider, 0.32 CNY`. */
export function wordsOf(row: UptimeRow | undefined, currency: string): string {
  if (row === undefined) return say('calendar.blank');
  const causes = causesOf(row);
  if (causes.length === 0) return sayCode('cause', 'up');
  const parts = causes.map(([cause, ms]) => `${length(ms)} ${sayCode('cause', cause)}`);
  const credit = BigInt(row.credit_nanos);
  if (credit > 0n) parts.push(`${nanos(credit)} ${currency}`);
  return parts.join(', ');
}

interface FaceProps {
  readonly row: UptimeRow | undefined;
}

/** The inside of a cell: how much of it, in the pattern of what, with its letter. */
function Face({ row }: FaceProps): JSX.Element | null {
  const { look, cause, share } = lookOf(row);
  if (cause === undefined) return null;
  return (
    <>
      <i class={look} style={{ height: `${Math.ceil(share * 100)}%` }} />
      <b>{LETTERS[cause] ?? '?'}</b>
    </>
  );
}

const classOf = (row: UptimeRow | undefined): string => {
  const { look } = lookOf(row);
  return `cell ${look === 'blank' || look === 'up' ? look : 'down'}`;
};

/** Moves the focus by arrow keys among the buttons that have a place in a grid. */
function nextPlace(key: string, places: readonly (readonly [row: number, column: number])[], from: number): number | undefined {
  const [row = 0, column = 0] = places[from] ?? [];
  const inRow = places.map((place, i) => [place, i] as const).filter(([place]) => place[0] === row);
  const nearestIn = (wanted: number): number | undefined => {
    const some = places
      .map((place, i) => [Math.abs(place[1] - column), i, place[0]] as const)
      .filter(([, , at]) => at === wanted);
    return some.sort((a, b) => a[0] - b[0])[0]?.[1];
  };
  switch (key) {
    case 'ArrowRight':
      return places[from + 1] === undefined ? undefined : from + 1;
    case 'ArrowLeft':
      return from === 0 ? undefined : from - 1;
    case 'ArrowDown':
      return nearestIn(row + 1);
    case 'ArrowUp':
      return nearestIn(row - 1);
    case 'Home':
      return inRow[0]?.[1];
    case 'End':
      return inRow.at(-1)?.[1];
    default:
      return undefined;
  }
}

/** One stop of the tab key for a whole grid; the arrow keys go on from there. */
function useRoving(places: readonly (readonly [number, number])[], chosen: number) {
  const [at, setAt] = useState(chosen);
  const root = useRef<HTMLDivElement>(null);
  const current = Math.min(at, Math.max(places.length - 1, 0));
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = nextPlace(event.key, places, current);
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    setAt(next);
    root.current?.querySelectorAll<HTMLButtonElement>('button.cell')[next]?.focus();
  };
  return { root, current, setAt, onKeyDown };
}

interface CalendarProps {
  readonly month: Month;
  readonly currency: string;
  /** When the hour that is open begins. */
  readonly openMs: number | undefined;
  readonly onOpen: (hour: Span) => void;
}

export function Calendar({ month, currency, openMs, onOpen }: CalendarProps): JSX.Element {
  const cells = month.days.flatMap((day, row) => day.cells.map((cell) => ({ cell, row })));
  const places = cells.map(({ cell, row }) => [row, cell.hour] as const);
  const open = cells.findIndex(({ cell }) => cell.fromMs === openMs);
  const firstDown = cells.findIndex(({ cell }) => lookOf(cell.row).cause !== undefined);
  const { root, current, setAt, onKeyDown } = useRoving(places, open !== -1 ? open : Math.max(firstDown, 0));
  const total = sumOf(cells.map(({ cell }) => cell.row));
  let index = -1;
  const button = (cell: Cell, date: string): JSX.Element => {
    index += 1;
    const own = index;
    return (
      <button
        key={cell.fromMs}
        type="button"
        class={classOf(cell.row)}
        tabIndex={own === current ? 0 : -1}
        aria-label={`${date} ${cell.clock}: ${wordsOf(cell.row, currency)}`}
        aria-pressed={cell.fromMs === openMs}
        onFocus={() => {
          setAt(own);
        }}
        onClick={() => {
          onOpen(cell);
        }}
      >
        <Face row={cell.row} />
      </button>
    );
  };
  return (
    <div class="calendar" ref={root} onKeyDown={onKeyDown}>
      <div class="scroll" tabIndex={0} role="region" aria-label={say('calendar.of', { month: month.name, zone: month.zone })}>
        <table>
          <caption class="hidden">{say('calendar.caption', { month: month.name, zone: month.zone })}</caption>
          <thead>
            <tr>
              <th scope="col">{say('calendar.day')}</th>
              {HOURS.map((hour) => (
                <th key={hour} scope="col">
                  {String(hour).padStart(2, '0')}
                </th>
              ))}
              <th scope="col" class="figure">
                {say('calendar.unavailable')}
              </th>
              <th scope="col" class="figure">
                {say('calendar.credit')}
              </th>
            </tr>
          </thead>
          <tbody>
            {month.days.map((day) => {
              const sum = sumOf(day.cells.map(({ row }) => row));
              const hours = (day.toMs - day.fromMs) / (60 * MINUTE_MS);
              return (
                <tr key={day.date}>
                  <th scope="row">
                    {day.date.slice(8)}
                    {hours === 24 ? null : <span class="muted"> {say('calendar.hours', { hours })}</span>}
                  </th>
                  {HOURS.map((hour) => (
                    <td key={hour}>
                      <div class="hour">
                        {day.cells.filter((cell) => cell.hour === hour).map((cell) => button(cell, day.date))}
                      </div>
                    </td>
                  ))}
                  <td class="sum">{sum.unavailableMinutes === 0 ? '' : `${whole(sum.unavailableMinutes)} min`}</td>
                  <td class="sum">{sum.credit === 0n ? '' : <Nanos of={sum.credit} currency={currency} />}</td>
                </tr>
              );
            })}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{say('calendar.month')}</th>
              <td colSpan={24}>{say('calendar.up', { share: percent(BigInt(total.upMs), BigInt(total.countedMs)) })}</td>
              <td class="sum">{whole(total.unavailableMinutes)} min</td>
              <td class="sum">
                <Nanos of={total.credit} currency={currency} />
              </td>
            </tr>
          </tfoot>
        </table>
      </div>
      <Legend />
    </div>
  );
}

function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label={say('calendar.legend')}>
      {LOOKS.map((look) => (
        <li key={look}>
          <span aria-hidden="true" class={look} />
          {sayCode('look', look)}
        </li>
      ))}
      {Object.entries(LETTERS).map(([cause, letter]) => (
        <li key={cause}>
          <strong>{letter}</strong> {sayCode('cause', cause)}
        </li>
      ))}
    </ul>
  );
}

interface MinutesProps {
  readonly hour: Span;
  readonly date: string;
  readonly clockOf: (ms: number) => string;
  readonly rows: readonly UptimeRow[];
  readonly currency: string;
  readonly openMs: number | undefined;
  readonly onOpen: (minuteMs: number) => void;
}

/** The minutes of an hour, which has 60 of them but where the clock changes. */
export function Minutes({ hour, date, clockOf, rows, currency, openMs, onOpen }: MinutesProps): JSX.Element {
  const byStart = new Map(rows.map((row) => [Date.parse(row.start), row]));
  const count = (hour.toMs - hour.fromMs) / MINUTE_MS;
  const minutes = Array.from({ length: count }, (_, i) => hour.fromMs + i * MINUTE_MS);
  const firstDown = minutes.findIndex((ms) => lookOf(byStart.get(ms)).cause !== undefined);
  const open = openMs === undefined ? -1 : minutes.indexOf(openMs);
  const places = minutes.map((_, i) => [0, i] as const);
  const { root, current, setAt, onKeyDown } = useRoving(places, open !== -1 ? open : Math.max(firstDown, 0));
  return (
    <div
      class="minutes"
      role="group"
      aria-label={say('calendar.minutes', { date, clock: clockOf(hour.fromMs) })}
      ref={root}
      onKeyDown={onKeyDown}
    >
      {minutes.map((ms, i) => (
        <button
          key={ms}
          type="button"
          class={classOf(byStart.get(ms))}
          tabIndex={i === current ? 0 : -1}
          aria-label={`${clockOf(ms)}: ${wordsOf(byStart.get(ms), currency)}`}
          aria-pressed={ms === openMs}
          data-minute={i % 5 === 0 ? clockOf(ms).slice(3) : undefined}
          onFocus={() => {
            setAt(i);
          }}
          onClick={() => {
            onOpen(ms);
          }}
        >
          <Face row={byStart.get(ms)} />
        </button>
      ))}
    </div>
  );
}
