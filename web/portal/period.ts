/** The period of now: the month of a zone that an instant lies in, as invoices have it. */
import { formatInstant } from '../../src/domain/instant.ts';
import { type Span, monthAt, spanOfMonth } from '../shared/calendar/month.ts';

export interface Period extends Span {
  readonly from: string;
  readonly to: string;
  readonly nowMs: number;
  readonly zone: string;
}

export function periodAt(zone: string, nowMs: number): Period {
  const span = spanOfMonth(zone, monthAt(zone, nowMs)) ?? { fromMs: nowMs, toMs: nowMs };
  return { ...span, from: formatInstant(span.fromMs), to: formatInstant(span.toMs), nowMs, zone };
}

/** Of a part of a period less than this nothing can be foretold. */
const LEAST_MS = 3_600_000;

/** What a count would be at the end if it went on as it did since the period, or the service in it, began. */
export function projected(count: bigint, { fromMs, toMs, nowMs }: Period, startsMs = 0, endsMs = Infinity): bigint | undefined {
  const [from, to] = [Math.max(fromMs, startsMs), Math.min(toMs, endsMs)];
  const passed = Math.min(nowMs, to) - from;
  return passed < LEAST_MS ? undefined : (count * BigInt(to - from)) / BigInt(passed);
}
