/** What a process tells Prometheus of its clock. */
import type { Registry } from 'prom-client';
import type { ProductClock } from '../process/product-clock.ts';
import { gaugesOf } from './gauges.ts';

/** Nothing where the machine's clock is taken as it is. */
export function clockGauges(registry: Registry, clock: ProductClock | undefined): void {
  if (clock === undefined) return;
  const gauge = gaugesOf(registry);
  gauge(
    'clock_refused_seconds',
    "How far the machine's clock is ahead of the time that is gone by, after a leap that is refused",
    () => clock.refusedMs / 1000,
  );
  gauge('clock_leaps', "Leaps of the machine's clock that this process has refused", () => clock.leaps);
}
