/** The month of a VM as a section: what is asked, the way to the months beside it, the calendar; what belongs to an opened hour goes below. */
import type { ComponentChildren, JSX } from 'preact';
import { bucketStart, nextBoundary } from '../../../src/domain/bucket.ts';
import { formatInstant } from '../../../src/domain/instant.ts';
import { MINUTE_MS, zoneOf } from '../../../src/domain/zone.ts';
import { pathOf, step } from '../api.ts';
import { useAsk } from '../ask.ts';
import { go, to, withQuery } from '../router.ts';
import { Answer, Section } from '../ui.tsx';
import { say } from '../words.ts';
import { Calendar } from './calendar.tsx';
import { monthOf, type Span, type UptimeRow } from './month.ts';

/** Rows of one answer: more than a month has hours. */
export const ROWS_MAX = 10_000;

/** The question for how a VM was. */
export function uptimePath(vm: string, { fromMs, toMs }: Span, by: 'minute' | 'hour', zone: string): string {
  const range = { from: formatInstant(fromMs), to: formatInstant(toMs) };
  return pathOf(`/v1/vms/${step(vm)}/uptime`, { ...range, step: by, tz: zone, limit: ROWS_MAX });
}

/** The hour that an instant lies in. */
export function hourOf(zoneName: string, atMs: number): Span | undefined {
  const zone = zoneOf(zoneName);
  if (zone === undefined) return undefined;
  const from = bucketStart(zone, 'hour', Math.floor(atMs / MINUTE_MS));
  return { fromMs: from * MINUTE_MS, toMs: nextBoundary(zone, 'hour', from) * MINUTE_MS };
}

interface VmMonthProps {
  readonly vm: string;
  readonly zone: string;
  readonly currency: string;
  /** `2026-03`. */
  readonly month: string;
  readonly span: Span;
  /** The hour that is open. */
  readonly hour: Span | undefined;
  readonly children?: ComponentChildren;
}

export function VmMonth({ vm, zone, currency, month: name, span, hour, children }: VmMonthProps): JSX.Element {
  const path = uptimePath(vm, span, 'hour', zone);
  const asked = useAsk<{ rows: readonly UptimeRow[] }>(path);
  const move = (month: string): string => to(`vms/${step(vm)}`, { month });
  return (
    <Section title={say('calendar.title', { month: name, zone })} query={path}>
      <Answer asked={asked}>
        {({ rows }) => {
          const month = monthOf(zone, name, rows);
          if (month === undefined) return null;
          return (
            <>
              <nav class="row" aria-label={say('calendar.months')}>
                <a href={move(month.before)}>← {month.before}</a>
                <strong>{month.name}</strong>
                <a href={move(month.after)}>{month.after} →</a>
              </nav>
              <Calendar
                key={name}
                month={month}
                currency={currency}
                openMs={hour?.fromMs}
                onOpen={({ fromMs }) => {
                  go(withQuery({ month: name, hour: formatInstant(fromMs), minute: null, at: null }));
                }}
              />
            </>
          );
        }}
      </Answer>
      {children}
    </Section>
  );
}
