/** What became of what a source sent, as the API says it. */
import { z } from 'zod';
import type { SourceCounts } from '../../sources/source-counts.ts';
import { exactInteger } from './shapes.ts';

export const countsShape = z
  .object({
    taken: exactInteger,
    inexact: exactInteger.describe('Taken, and beyond what a float of 64 bits tells exactly (9 PB).'),
    left_out: z.record(z.string(), exactInteger).describe('ignored, dropped, heartbeat, stale, replica, untrusted, empty'),
    rejected: z.record(z.string(), exactInteger).describe('By code, as those of samples.'),
  })
  .describe('Of this process and its ingest workers, since it began.');

export function countsJson(counts: SourceCounts): z.input<typeof countsShape> {
  const all = counts.all();
  const leftOut: Record<string, number> = {};
  const rejected: Record<string, number> = {};
  for (const [what, n] of all) {
    if (what.startsWith('rejected:')) rejected[what.slice('rejected:'.length)] = n;
    else if (what !== 'taken' && what !== 'inexact') leftOut[what] = n;
  }
  return { taken: all.get('taken') ?? 0, inexact: all.get('inexact') ?? 0, left_out: leftOut, rejected };
}
