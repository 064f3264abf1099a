import { formatInstant } from '../../domain/instant.ts';
import { silenceGroups } from '../../query/silences.ts';
import { draftOf, type NoticeDraft } from '../record/notice.ts';
import type { Watch } from './watch.ts';

const LOOKBACK_MS = 2 * 86_400_000;

/** Who has stopped to speak for VMs, and who speaks again. */
export const silenceWatch: Watch = {
  name: 'silences',
  everyMs: 60_000,
  async *look({ context, nowMs, sinceMs, outageMs }) {
    const range = { fromMs: Math.max(sinceMs, nowMs - LOOKBACK_MS), toMs: nowMs };
    if (range.fromMs >= range.toMs) return;
    const groups = await silenceGroups(context, range);
    yield groups.flatMap((group): NoticeDraft[] => {
      const { id, agent, fromMs, toMs, silences } = group;
      const lastedMs = Math.max(...silences.map(({ knownToMs, startMs }) => knownToMs - startMs));
      // A VM whose service is over is silent for good.
      if (fromMs < sinceMs || lastedMs < outageMs) return [];
      const vms = new Set(silences.map(({ vm }) => vm)).size;
      const data = { silence: id, agent, vms, from: formatInstant(fromMs) };
      const silent = draftOf('source.silent', [id], { account: null, atMs: fromMs, data });
      if (toMs === null) return [silent];
      return [
        silent,
        draftOf('source.heard', [id, toMs], { account: null, atMs: toMs, data: { ...data, to: formatInstant(toMs) } }),
      ];
    });
  },
};
