import type { CliContext } from './context.ts';
import { startProgress } from './progress.ts';

/** Counts of a `send`, as far as the server has answered. */
export interface SendCounts {
  accepted: number;
  rejected: number;
  failed: number;
  bytesRead: number;
}

export interface SendProgress {
  update(counts: SendCounts, note: string): void;
  stop(): void;
}

/** The progress of a `send`; without a bar where the size is not known. `totalBytes` null: unknown. */
export function startSendProgress(context: CliContext, totalBytes: number | null): SendProgress {
  const startedAtMs = context.now();
  const rate = (counts: SendCounts): string => {
    const seconds = Math.max(0.001, (context.now() - startedAtMs) / 1000);
    return `${Math.round((counts.accepted + counts.rejected) / seconds).toLocaleString('en')} samples/s`;
  };
  const of = totalBytes ?? 0;
  const progress = startProgress(
    context,
    of === 0
      ? null
      : {
          format: '{bar} {percentage}% | {accepted} accepted, {rejected} rejected | {rate} | {note}',
          first: { done: 0, of, accepted: 0, rejected: 0, rate: '', note: '' },
        },
    ({ done, accepted, rejected, rate, note }) => {
      const share = of === 0 ? '' : ` (${Math.floor((100 * done) / of)} %)`;
      return `${accepted} accepted, ${rejected} rejected${share}, ${rate} ${note}`;
    },
  );
  return {
    update(counts, note) {
      const { accepted, rejected, bytesRead } = counts;
      progress.update({ done: bytesRead, of, accepted, rejected, rate: rate(counts), note });
    },
    stop() {
      progress.stop();
    },
  };
}
