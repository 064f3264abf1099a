/** What senders take for now: asked for only while the machine's clock has made a leap that is not followed. */
import { REJECTION_CODES } from '../samples/rejection.ts';
import { frameBytes, frameTsMs, frameView } from '../kernel/frames.ts';
import type { ProductClock } from '../process/product-clock.ts';

const AHEAD = REJECTION_CODES.indexOf('ts_in_future');

/** Tells the clock of a body: its accepted samples, and how many were refused for what. */
export function hear(
  clock: ProductClock | undefined,
  key: string,
  frames: Uint8Array | undefined,
  rejectedByCode: readonly number[],
): void {
  if (clock?.isRefusing !== true) return;
  const newestMs = frames === undefined || frames.byteLength === 0 ? undefined : highestIn(frames);
  clock.hear({ key, newestMs, ahead: rejectedByCode[AHEAD] ?? 0 });
}

/** The highest `ts` of these frames; 0 of none. */
export function highestIn(frames: Uint8Array): number {
  const view = frameView(frames);
  let highest = 0;
  for (let at = 0; at < view.length; at += frameBytes(view, at)) highest = Math.max(highest, frameTsMs(view, at));
  return highest;
}
