/** What the API's calls are answered from, and when now is for them. */
import type { ApiContext } from '../api/shared/context.ts';
import type { Config } from '../process/config.ts';

export interface ApiContextParts extends Omit<ApiContext, 'businessNow' | 'stalenessMs'> {
  readonly config: Pick<Config, 'clock' | 'stalenessMs'>;
  /** With the event clock: the highest instant of a sample so far, null before the first. */
  readonly eventClockMs: () => number | null;
}

export function apiContextOf({ config, eventClockMs, ...parts }: ApiContextParts): ApiContext {
  // What is owed and due goes by this machine's clock, or by the event clock, on which nothing has happened beyond the newest sample.
  const businessNow = config.clock === 'wall' ? parts.now : () => eventClockMs() ?? 0;
  return { ...parts, stalenessMs: config.stalenessMs, businessNow };
}
