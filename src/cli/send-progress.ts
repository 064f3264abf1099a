import { SingleBar } from 'cli-progress';
import { writeLine, type CliContext } from './context.ts';

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

const LINE_EVERY_MS = 3_000;

/** A bar where stderr is a terminal and the size is known; otherwise a line every few seconds. `totalBytes` null: unknown. */
export function startProgress(context: CliContext, totalBytes: number | null): SendProgress {
  const startedAtMs = context.now();
  const rate = (counts: SendCounts): string => {
    const seconds = Math.max(0.001, (context.now() - startedAtMs) / 1000);
    return `${Math.round((counts.accepted + counts.rejected) / seconds).toLocaleString('en')} samples/s`;
  };
  if (context.stderr.isTTY === true && totalBytes !== null && totalBytes > 0) {
    const bar = new SingleBar({
      stream: context.stderr,
      format: '{bar} {percentage}% | {accepted} accepted, {rejected} rejected | {rate} | {note}',
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    bar.start(totalBytes, 0, { accepted: 0, rejected: 0, rate: '', note: '' });
    return {
      update(counts, note) {
        bar.update(counts.bytesRead, { accepted: counts.accepted, rejected: counts.rejected, rate: rate(counts), note });
      },
      stop() {
        bar.stop();
      },
    };
  }
  let nextAtMs = startedAtMs + LINE_EVERY_MS;
  return {
    update(counts, note) {
      if (context.now() < nextAtMs) return;
      nextAtMs = context.now() + LINE_EVERY_MS;
      const share = totalBytes === null || totalBytes === 0 ? '' : ` (${Math.floor((100 * counts.bytesRead) / totalBytes)} %)`;
      writeLine(
        context.stderr,
        `${counts.accepted} accepted, ${counts.rejected} rejected${share}, ${rate(counts)} ${note}`.trimEnd(),
      );
    },
    stop() {
      // The lines stay; there is nothing to clear.
    },
  };
}
